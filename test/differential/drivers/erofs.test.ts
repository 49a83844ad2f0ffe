/**
 * Layers of containerd's erofs snapshotter against mkfs.erofs with the options that it gives it: the same directory, as an image
 * file and as a layer.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openStore } from '../../../src/index.ts';
import { hasTool } from './loop-file-system.ts';

const folder = mkdtempSync(join(tmpdir(), 'overlog-erofs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isMissing = !hasTool('mkfs.erofs');
const title = `an EROFS image${isMissing ? ' (skipped: there is no mkfs.erofs)' : ''}`;

type Node =
  | { readonly kind: 'file'; readonly size: number }
  | { readonly kind: 'link'; readonly target: number }
  | { readonly kind: 'dir'; readonly names: number };

const BLOCK = 4096;

function make(directory: string, nodes: readonly Node[]): void {
  for (const [index, node] of nodes.entries()) {
    const path = join(directory, `n${index}`);
    if (node.kind === 'file') writeFileSync(path, 'c'.repeat(node.size));
    else if (node.kind === 'link') symlinkSync('t'.repeat(node.target), path);
    else {
      mkdirSync(path);
      for (let at = 0; at < node.names; at++) writeFileSync(join(path, `${'name'.repeat(10)}${at}`), '');
    }
  }
}

describe.skipIf(isMissing)(title, () => {
  test('has the size that its layer is priced at, but for blocks that inodes could not share', async () => {
    const node = fc.oneof<fc.Arbitrary<Node>[]>(
      fc.record({ kind: fc.constant('file' as const), size: fc.nat({ max: 20_000 }) }),
      fc.record({ kind: fc.constant('link' as const), target: fc.integer({ min: 1, max: 200 }) }),
      fc.record({ kind: fc.constant('dir' as const), names: fc.constantFrom(0, 3, 30, 200) }),
    );
    let runs = 0;
    let exact = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 30, size: 'max' }), async (nodes) => {
        const [directory, image] = [join(folder, `d${++runs}`), join(folder, `i${runs}`)];
        mkdirSync(directory);
        make(directory, nodes);
        const options = ['-T0', '-Enoinline_data,force-inode-extended', '-x-1', '--quiet'];
        execFileSync('mkfs.erofs', [...options, image, directory], { stdio: 'pipe' });
        const store = await openStore();
        await store.images.load(directory, { tag: 'base:1' });
        await store.containers.create({ image: 'base:1' });
        const { layers } = store.storageBills({ drivers: ['containerd-erofs'] })[0];
        const blocks = (statSync(image).size - layers.dataBytes - layers.metadataBytes) / BLOCK;
        if (blocks === 0) exact++;
        expect(blocks).toBeGreaterThanOrEqual(0);
        expect(blocks).toBeLessThanOrEqual(1 + nodes.filter(({ kind }) => kind === 'dir').length);
      }),
      { numRuns: 30 },
    );
    expect(exact).toBeGreaterThan(10);
  });
});
