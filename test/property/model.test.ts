import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStore } from '../../src/index.ts';
import type { Tree } from '../../src/projections/tree/tree.ts';
import { fileCalls } from '../../src/testing/file-call-arbitrary.ts';
import { modelDifference, modelEntries, modelTreeDifference } from '../../src/testing/laws/model-law.ts';
import { PosixModel } from '../../src/testing/model.ts';
import { plainImage } from '../../src/testing/sample-images.ts';
import { check } from './run.ts';

const calls = fileCalls({ maxLength: 60 });

test('a volume answers every call as a plain file system does, and holds the same afterwards', async () => {
  await check(
    fc.asyncProperty(calls, async (list) => {
      const store = await openStore();
      const { name, subject } = await store.volumes.create('data');
      const tree = store.world.overlay(subject)?.tree as Tree;
      const model = new PosixModel(null);
      expect(modelDifference(store.volumes.fs(name), model, list, false)).toBeNull();
      expect(modelTreeDifference(tree, store.engine.log.chunks, model)).toBeNull();
      await store.close();
    }),
    800,
  );
});

test('a container answers every call as a plain file system with its image’s content does (SEM-R4, SEM-W11)', async () => {
  await check(
    fc.asyncProperty(calls, async (list) => {
      const store = await openStore();
      await store.images.add(plainImage());
      const container = await store.containers.create({ image: 'plain:1' });
      const { chunks } = store.engine.log;
      const { tree } = container.overlay;
      const model = new PosixModel(modelEntries(tree, chunks));
      expect(modelDifference(container.fs, model, list, true)).toBeNull();
      expect(modelTreeDifference(tree, chunks, model)).toBeNull();
      await store.close();
    }),
    800,
  );
});
