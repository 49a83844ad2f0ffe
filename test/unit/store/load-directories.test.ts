import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../src/index.ts';

test('directories become an image of a layer each, whatever they look like and are called', async () => {
  const root = mkdtempSync(join(tmpdir(), 'overlog-directories-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const [low, top] = ['a:b', 'layout'].map((name) => join(root, name));
  for (const directory of [low, top]) mkdirSync(directory);
  writeFileSync(join(low, 'file'), 'below');
  writeFileSync(join(top, 'file'), 'upon');
  writeFileSync(join(top, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const store = await openStore(':memory:');
  const { id, wasKnown } = await store.images.loadDirectories([low, top], { tag: 'two:1' });
  expect([wasKnown, store.images.get('two:1').layers.length]).toEqual([false, 2]);
  const { fs } = await store.containers.create({ image: 'two:1' });
  expect(fs.readFileSync('/file', 'utf8')).toBe('upon');
  expect(fs.readdirSync('/').toSorted()).toEqual(['file', 'oci-layout']);
  expect(await store.images.loadDirectories([low, top], { tag: 'two:2' })).toMatchObject({ id, wasKnown: true });
  await store.close();
});
