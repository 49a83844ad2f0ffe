import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ROOT_INO } from '../../src/events/event.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { OverlogFs } from '../../src/engine/fs/overlog-fs.ts';
import { readContent } from '../../src/projections/tree/content.ts';
import type { Tree } from '../../src/projections/tree/tree.ts';
import type { ChunkReader } from '../../src/events/chunk-store.ts';
import { type FileCall, FileSlots, type Outcome, runFileCall } from '../../src/testing/file-call.ts';
import { fileCalls } from '../../src/testing/file-call-arbitrary.ts';
import { type ModelEntry, PosixModel } from '../../src/testing/model.ts';
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
      compare(store.volumes.fs(name), model, list, (outcome) => outcome);
      expect(listOf(tree, store.engine.log.chunks)).toEqual(contentOf(model));
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
      const model = new PosixModel(entriesOf(container.overlay.tree, chunks));
      compare(container.fs, model, list, withoutLinkCount);
      expect(listOf(container.overlay.tree, chunks)).toEqual(contentOf(model));
      await store.close();
    }),
    800,
  );
});

function compare(
  fs: OverlogFs,
  model: PosixModel,
  list: readonly FileCall[],
  shown: (outcome: Outcome) => unknown,
): void {
  const slots = new FileSlots();
  for (const call of list) {
    const expected = model.run(call);
    const actual = runFileCall(fs, slots, call);
    if (call.call === 'fchmod' && 'error' in actual && actual.error === 'EIO') {
      // A removed lower directory has no place to be copied up to (SEM-O4); a plain file system has no such thing.
      expect(expected).toEqual({ value: null });
      model.run({ call: 'close', slot: call.slot });
      slots.close(call.slot);
      continue;
    }
    expect({ call, ...(shown(actual) as object) }).toEqual({ call, ...(shown(expected) as object) });
  }
}

/** Link counts of lower nodes are their layer's (SEM-H2, SEM-O4), those of merged directories 1. */
function withoutLinkCount(outcome: Outcome): unknown {
  if ('error' in outcome || typeof outcome.value !== 'object' || outcome.value === null) return outcome;
  return 'nlink' in outcome.value ? { value: { ...outcome.value, nlink: 0 } } : outcome;
}

function* entriesOf(tree: Tree, chunks: ChunkReader, ino = ROOT_INO, path = '/'): Generator<ModelEntry> {
  const node = tree.at(ino);
  const bytes = Buffer.alloc(node.target === '' && node.dir === null ? node.size : 0);
  readContent(node.content, chunks, 0, bytes, 0, bytes.length);
  const { mode, uid, gid } = node;
  const xattrs = new Map(node.xattrs.map(([name, value]) => [name, Buffer.from(value).toString('latin1')]));
  yield { path, mode, uid, gid, data: node.target === '' ? bytes.toString('latin1') : node.target, xattrs };
  for (const name of node.dir?.entries.names() ?? []) {
    yield* entriesOf(tree, chunks, tree.lookup(ino, name), path === '/' ? `/${name}` : `${path}/${name}`);
  }
}

function listOf(tree: Tree, chunks: ChunkReader): Map<string, object> {
  const entries = new Map<string, object>();
  for (const { path, mode, uid, gid, data, xattrs } of entriesOf(tree, chunks)) {
    entries.set(path, { mode: mode & 0o7777, uid, gid, data, xattrs: [...xattrs] });
  }
  return entries;
}

function contentOf(model: PosixModel): Map<string, object> {
  const entries = new Map<string, object>();
  for (const [path, entry] of model.list()) {
    const { mode, uid, gid, data, target, xattrs } = entry as ModelEntry & { target: string };
    entries.set(path, { mode, uid, gid, data: target === '' ? data : target, xattrs });
  }
  return entries;
}
