import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { layerFingerprint } from '../../../../src/mount/overlay/layer-fingerprint.ts';

function layers(): { root: string; of: () => string } {
  const root = mkdtempSync(join(tmpdir(), 'overlog-fingerprint-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const [low, top] = ['low', 'top'].map((name) => join(root, name));
  mkdirSync(join(low, 'dir'), { recursive: true });
  mkdirSync(top);
  writeFileSync(join(low, 'dir/file'), 'content');
  return { root, of: () => layerFingerprint([low, top]) };
}

test('layers look the same until something in them changes', () => {
  const { root, of } = layers();
  const before = of();
  readFileSync(join(root, 'low/dir/file'));
  expect(of()).toBe(before);
});

test.each<[string, (root: string) => void]>([
  [
    'content of the same size with its times set back',
    (root) => {
      writeFileSync(join(root, 'low/dir/file'), 'CONTENT');
      utimesSync(join(root, 'low/dir/file'), 1, 1);
    },
  ],
  ['a mode', (root) => chmodSync(join(root, 'low/dir/file'), 0o600)],
  ['the mode of a layer itself', (root) => chmodSync(join(root, 'top'), 0o700)],
  ['a new name', (root) => writeFileSync(join(root, 'top/new'), '')],
  ['a renamed directory', (root) => renameSync(join(root, 'low/dir'), join(root, 'low/other'))],
  [
    'a file that moves from one layer to the other',
    (root) => renameSync(join(root, 'low/dir/file'), join(root, 'top/file')),
  ],
])('they look different with %s', (_, change) => {
  const { root, of } = layers();
  utimesSync(join(root, 'low/dir/file'), 1, 1);
  const before = of();
  change(root);
  expect(of()).not.toBe(before);
});
