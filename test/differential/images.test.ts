import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { layerBuilder } from '../../src/engine/layer-builder.ts';
import type { ChunkStore } from '../../src/events/chunk-store.ts';
import { openImageSource } from '../../src/oci/image-archive.ts';
import type { ImageSourceOptions } from '../../src/oci/image-source.ts';
import { mergeLayer } from '../../src/projections/tree/merge.ts';
import { Tree } from '../../src/projections/tree/tree.ts';
import { openMemoryLog } from '../../src/storage/memory.ts';
import { type ListingEntry, listTree } from '../../src/replay/listing.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url));

/** What differs for reasons of its own, in both listings. */
function comparable(entry: ListingEntry): ListingEntry | null {
  // No layer has an entry for the root.
  if (entry.path === '/') return null;
  // Kernel mounts by containers/storage clamp a time before 1970; the layer has it.
  if (entry.path === '/opt/y1960') return { ...entry, mtime_ns: '-315521755000000000' };
  return entry;
}

/** A listing by kernel overlay mounts of the layers. */
function kernelListing(name: string): ListingEntry[] {
  const lines = readFileSync(fixture(name), 'utf8').trim().split('\n');
  return lines.map((line) => comparable(JSON.parse(line) as ListingEntry)).filter((entry) => entry !== null);
}

/** A stack of layers as the engine builds it. */
class Stack {
  merged = Tree.empty(0n);
  readonly #chunks: ChunkStore = openMemoryLog().chunks;
  readonly warnings: string[] = [];
  #height = 0;

  /** Puts the layers of a source on top; `each` is called after each. */
  async push(path: string, options: ImageSourceOptions, each: (bytes: number) => void): Promise<void> {
    const source = await openImageSource(path, options);
    try {
      for (const layer of source.images[0].layers) {
        const warn = (place: string, message: string): void => void this.warnings.push(`${place}: ${message}`);
        const builder = layerBuilder({ chunks: this.#chunks, below: this.merged, warn });
        await source.readLayer(layer, builder);
        const built = builder.finish();
        this.merged = mergeLayer(this.merged, built.tree, this.#height++);
        each(built.bytes);
      }
      this.warnings.push(...source.warnings.map(({ message }) => message));
    } finally {
      await source.close();
    }
  }

  list(): ListingEntry[] {
    return [...listTree(this.merged, this.#chunks)].map(comparable).filter((entry) => entry !== null);
  }
}

describe('an image is what kernel overlay mounts of its layers show, after every layer', () => {
  test.each(['edge-oci-archive.tar', 'edge-oci-zstd'])('%s', async (name) => {
    const stack = new Stack();
    const sizes: number[] = [];
    await stack.push(fixture(name), {}, (bytes) => {
      sizes.push(bytes);
      if (sizes.length <= 5) expect(stack.list()).toEqual(kernelListing(`merged.l${sizes.length}.ndjson`));
    });
    // By Docker's size rule; the last layer is empty.
    expect(sizes).toEqual([1_115_012, 65_586, 338, 300_018, 0, 0]);
    expect(stack.warnings).toEqual([]);
  });

  test('tars of the upper directories, on top of each other', async () => {
    const withoutTimes = (entries: ListingEntry[]): ListingEntry[] =>
      entries.map((entry) => ({ ...entry, mtime_ns: '' }));
    const stack = new Stack();
    for (let number = 1; number <= 5; number++) {
      await stack.push(fixture(`upperdirs/l${number}.tar.gz`), { dialect: 'overlay' }, () => {
        // buildah's layers have whole seconds; the disk that it made them from had fractions.
        expect(withoutTimes(stack.list())).toEqual(withoutTimes(kernelListing(`merged.l${number}.ndjson`)));
      });
    }
    expect(stack.warnings).toEqual([]);
  });
});
