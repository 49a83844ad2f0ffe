import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ListingEntry, listTree, openStore, type Store } from '../../../src/index.ts';
import type { LayerRecord } from '../../../src/projections/registry.ts';
import { imageFixture } from '../oci/support/fixtures.ts';

/** What a listing says, less what layers do not determine (fixtures/images/README.md). */
function comparable(entry: ListingEntry): object {
  const { mtime_ns, mode, nlink, hardlink, xattrs, ...rest } = entry;
  if (entry.path === '/') return rest;
  if (entry.type === 'chr' && entry.rdev === '0:0') return rest;
  const own = Object.entries(xattrs ?? {}).filter(([name]) => !/^trusted\.overlay\.(origin|impure|uuid)$/.test(name));
  return {
    ...rest,
    mode,
    nlink,
    hardlink,
    xattrs: Object.fromEntries(own),
    // The kernel mounts clamp times before 1970; the layer has them.
    mtime_ns: entry.path === '/opt/y1960' ? '' : mtime_ns,
  };
}

const expected = (path: string): object[] =>
  readFileSync(imageFixture(path), 'utf8')
    .trim()
    .split('\n')
    .map((line) => comparable(JSON.parse(line) as ListingEntry));

describe('the edge image', () => {
  let store: Store;
  let layers: LayerRecord[];
  beforeAll(async () => {
    store = await openStore(':memory:');
    const [image] = await store.images.load(imageFixture('edge-oci-archive.tar'));
    layers = store.world.layersOf(image.id);
  });

  test.each([1, 2, 3, 4, 5])('after layer %i is what a kernel overlay of the layers shows', (count) => {
    const merged = store.world.lowers.stack(layers.slice(0, count));
    const listed = [...listTree(merged, store.engine.log.chunks)].map(comparable);
    expect(listed).toEqual(expected(`merged.l${count}.ndjson`));
  });

  test.each([1, 2, 3, 4, 5])('has a layer %i that is the upper folder of a kernel overlay', (number) => {
    const tree = store.world.lowers.layer(layers[number - 1]);
    const listed = [...listTree(tree, store.engine.log.chunks, { upper: true })].map(comparable);
    expect(listed).toEqual(expected(`upperdirs/l${number}.ndjson`));
  });

  test('has layers of Docker’s sizes (SEM-2.2)', () => {
    expect(layers.map(({ bytes }) => bytes)).toEqual([1_115_012, 65_586, 338, 300_018, 0, 0]);
  });

  test('keeps a time before 1970', async () => {
    const c = await store.containers.create({ image: store.images.list()[0].id });
    expect(c.fs.lstatSync('/opt/y1960', { bigint: true }).mtimeNs).toBe(-315_521_755_000_000_000n);
  });
});
