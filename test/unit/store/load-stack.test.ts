import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type ListingEntry, listTree, openStore, type Store } from '../../../src/index.ts';
import { imageFixture } from '../oci/support/fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'overlog-stack-'));
afterAll(() => rmSync(folder, { recursive: true }));

const listing = (store: Store, image: string): ListingEntry[] =>
  [...listTree(store.world.lowerOf(image), store.engine.log.chunks)].filter(({ path }) => path !== '/');

describe('loading lower:lower:upper', () => {
  test('puts tars of upperdirs on top of each other, lowest first', async () => {
    const store = await openStore(':memory:');
    const stack = [1, 2, 3, 4, 5].map((number) => imageFixture(`upperdirs/l${number}.tar.gz`)).join(':');
    const [stacked] = await store.images.load(stack, { tag: 'stack:1' });
    const [edge] = await store.images.load(imageFixture('edge-oci-archive.tar'));
    // The layers hold whole seconds, the upperdirs that they were made from do not.
    const times = (entries: ListingEntry[]): object[] => entries.map((entry) => ({ ...entry, mtime_ns: '' }));
    expect(times(listing(store, stacked.id))).toEqual(times(listing(store, edge.id)));
    expect(store.images.history('stack:1')).toHaveLength(5);
  });

  test('puts the upper of a container on its image, which shows the container then', async () => {
    const store = await openStore(':memory:');
    const archive = imageFixture('edge-oci-archive.tar');
    await store.images.load(archive);
    const c = await store.containers.create({ image: 'edge', name: 'web' });
    c.fs.rmSync('/etc', { recursive: true });
    c.fs.mkdirSync('/etc');
    c.fs.writeFileSync('/etc/new', 'x');
    const upper = join(folder, 'upper.tar');
    await c.exportUpper(upper);
    const [{ id, tags }] = await store.images.load(`${archive}:${upper}`);
    expect(tags).toEqual(['upper:latest']);
    expect(listing(store, id)).toEqual(
      [...listTree(c.overlay.tree, store.engine.log.chunks)].filter(({ path }) => path !== '/'),
    );
    const [image, edge] = [store.images.get(id), store.images.get('edge')];
    expect(image.layers.slice(0, 6)).toEqual(edge.layers);
    expect(image.config.run).toEqual(edge.config.run);
    expect(image.config.history).toHaveLength(edge.config.history.length + 1);
  });

  test('takes a path with a colon as it is when it is there', async () => {
    const path = join(folder, 'with:colon');
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'x');
    const store = await openStore(':memory:');
    const [{ id }] = await store.images.load(path, { tag: 'plain:1' });
    expect(listing(store, id).map((entry) => entry.path)).toEqual(['/file']);
  });

  test('refuses a part that is missing, or that is several images', async () => {
    const store = await openStore(':memory:');
    const archive = imageFixture('edge-oci-archive.tar');
    const missing = store.images.load(`${archive}:${join(folder, 'none')}`);
    await expect(missing).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await store.images.load(archive);
    await store.images.load(imageFixture('upperdirs/l1.tar.gz'), { tag: 'other:1', dialect: 'overlay' });
    const both = join(folder, 'both.tar');
    await store.images.save(['edge', 'other:1'], both);
    const several = store.images.load(`${both}:${archive}`);
    await expect(several).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: /holds 2 images/ });
  });
});
