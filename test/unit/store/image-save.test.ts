import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type ListingEntry, listTree, openStore, type Store } from '../../../src/index.ts';
import { storeCommands } from '../../../src/testing/store-command.ts';
import { StorePlayer } from '../../../src/testing/store-player.ts';
import { imageFixture } from '../oci/support/fixtures.ts';
import { ociLayout, pack } from '../oci/support/images.ts';
import { archive, file } from '../oci/support/raw-tar.ts';
import { configOf, smallStore } from './store-kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'overlog-save-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshPath = (): string => join(folder, String(++files));

/** What an image shows; no layer has an entry for the root. */
const shown = (store: Store, image: string): ListingEntry[] =>
  [...listTree(store.world.lowerOf(image), store.engine.log.chunks)].filter(({ path }) => path !== '/');

const digestOfFile = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

async function edgeStore(): Promise<Store> {
  const store = await openStore(':memory:');
  await store.images.load(imageFixture('edge-oci-archive.tar'));
  return store;
}

/** A store with `app:2`, whose uppermost layer is a commit. */
async function committedStore(): Promise<Store> {
  const store = await smallStore();
  const c = await store.containers.create({ image: 'app' });
  c.fs.rmSync('/data', { recursive: true });
  c.fs.mkdirSync('/data');
  c.fs.writeFileSync('/data/é', 'new');
  c.fs.rmSync('/etc/conf');
  c.fs.mkdirSync('/etc/conf');
  await c.commit({ tag: 'app:2' });
  return store;
}

describe('saving an image', () => {
  test('and loading it gives the same diffIDs and image id for layers of our own, whatever happened (law 9)', async () => {
    await fc.assert(
      fc.asyncProperty(storeCommands(), async (commands) => {
        const player = await StorePlayer.open();
        const { store } = player;
        // The sample images have digests of no tar.
        const samples = new Set(store.images.list().flatMap(({ layers }) => layers.map((layer) => layer.diffId)));
        await player.play(commands);
        const path = freshPath();
        const ids = store.images.list().map(({ id }) => id);
        fc.pre(ids.length > 0);
        const saved = await store.images.save(ids, path, { compression: 'none' });
        for (const { layers } of saved) {
          for (const { diffId, recordedDiffId } of layers) {
            if (!samples.has(recordedDiffId)) expect(diffId).toBe(recordedDiffId);
          }
        }
        const other = await openStore(':memory:');
        await other.images.load(path);
        for (const { id, recordedId } of saved) expect(shown(other, id)).toEqual(shown(store, recordedId));
        const again = await other.images.save(
          saved.map(({ id }) => id),
          path,
        );
        expect(again.map(({ id, recordedId }) => [id, recordedId])).toEqual(saved.map(({ id }) => [id, id]));
        await store.close();
        await other.close();
      }),
      { numRuns: 40 },
    );
  });

  test.each(['oci-layout', 'oci-archive', 'docker-archive'] as const)(
    'from a foreign archive as %s is the image that it was: its id, its layers, byte for byte, and its name',
    async (format) => {
      const store = await edgeStore();
      const path = freshPath();
      const { id, layers } = store.images.get('edge');
      const [saved] = await store.images.save('edge', path, { format, compression: 'none' });
      expect([saved.id, saved.recordedId]).toEqual([id, id]);
      expect(saved.layers.map(({ digest }) => digest)).toEqual(layers.map(({ diffId }) => diffId));
      const other = await openStore(':memory:');
      expect(await other.images.load(path)).toEqual([{ id, tags: ['edge:latest'], wasKnown: false }]);
      expect(shown(other, id)).toEqual(shown(store, id));
    },
  );

  test.each(['oci-layout', 'oci-archive', 'docker-archive'] as const)(
    'whose tar can’t be had again, as %s, keeps its tree and history, and its name; its new id is told and stays',
    async (format) => {
      const store = await openStore(':memory:');
      const twice = archive(file('f', 'first'), file('f', 'second'), file('g', 'x'));
      const source = freshPath();
      writeFileSync(source, pack(ociLayout({ layers: [twice], tags: ['edge:latest'] })));
      await store.images.load(source);
      const path = freshPath();
      const [saved] = await store.images.save('edge', path, { format });
      expect(saved.recordedId).toBe(store.images.get('edge').id);
      expect(saved.id).not.toBe(saved.recordedId);
      const other = await openStore(':memory:');
      const [loaded] = await other.images.load(path);
      expect(loaded).toEqual({ id: saved.id, tags: ['edge:latest'], wasKnown: false });
      expect(shown(other, saved.id)).toEqual(shown(store, saved.recordedId));
      expect(other.images.get('edge').layers).toHaveLength(1);
      const [before, after] = [store.images.get('edge').config, other.images.get('edge').config];
      expect({ ...after, diffIds: [] }).toEqual({ ...before, diffIds: [] });
      expect((await other.images.save('edge', freshPath(), { format }))[0].recordedId).toBe(saved.id);
    },
  );

  test.each(['oci-archive', 'docker-archive'] as const)('twice as %s gives the same bytes', async (format) => {
    const [one, two] = [freshPath(), freshPath()];
    await (await edgeStore()).images.save('edge', one, { format });
    await (await edgeStore()).images.save('edge', two, { format });
    expect(digestOfFile(one)).toBe(digestOfFile(two));
  });

  test('marks a directory as opaque where it hides something, and nowhere else', async () => {
    const store = await committedStore();
    const path = freshPath();
    await store.images.save('app:2', path, { compression: 'none' });
    const bytes = readFileSync(path).toString('latin1');
    expect(bytes.match(/[\w/]*\.wh\.[\w.]+/g)).toEqual(['data/.wh..wh..opq']);
  });

  test('drops opaque marks of foreign layers that hide nothing, and shows the same', async () => {
    const store = await openStore(':memory:');
    const attributes = { uid: 0, gid: 0, mtimeNs: 0n, xattrs: [], mode: 0o755, size: 0 };
    await store.images.add({
      config: configOf([`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]),
      tags: ['marks'],
      layers: [
        (sink) => {
          for (const path of ['full', 'full/x', 'empty']) sink.entry({ kind: 'dir', path, ...attributes });
        },
        (sink) => {
          for (const path of ['full', 'full/x', 'empty', 'new']) {
            sink.entry({ kind: 'dir', path, ...attributes });
            sink.entry({ kind: 'opaque', path });
          }
        },
      ],
    });
    const path = freshPath();
    const [{ id }] = await store.images.save('marks', path, { compression: 'none' });
    expect(
      readFileSync(path)
        .toString('latin1')
        .match(/[\w/]*\.wh\.[\w.]+/g),
    ).toEqual(['full/.wh..wh..opq']);
    const other = await openStore(':memory:');
    await other.images.load(path);
    expect(shown(other, id)).toEqual(shown(store, store.images.get('marks').id));
  });

  test('with others writes the layers that they share once, and each name', async () => {
    const store = await committedStore();
    const base = freshPath();
    mkdirSync(base);
    await store.images.tag('app', 'team/app:1');
    const saved = await store.images.save(['app', 'team/app:1', 'app:2'], base, { format: 'oci-layout' });
    expect(saved.map(({ tags }) => tags)).toEqual([['app:latest', 'team/app:1'], ['app:2']]);
    // Two configs, two manifests, two layers.
    expect(readdirSync(join(base, 'blobs/sha256'))).toHaveLength(6);
    const index = JSON.parse(readFileSync(join(base, 'index.json'), 'utf8')) as { manifests: unknown[] };
    expect(index.manifests).toHaveLength(3);
    expect((await (await openStore(':memory:')).images.load(base)).map(({ tags }) => tags)).toEqual([
      ['app:latest', 'team/app:1'],
      ['app:2'],
    ]);
  });

  test('by id saves no name', async () => {
    const store = await edgeStore();
    const [{ tags }] = await store.images.save(store.images.get('edge').id, freshPath());
    expect(tags).toEqual([]);
  });

  test('that has been removed saves it from an earlier moment', async () => {
    const store = await edgeStore();
    const { seq } = store;
    await store.images.remove('edge');
    expect((await store.at(seq).images.save('edge', freshPath()))[0].tags).toEqual(['edge:latest']);
    await expect(store.images.save('edge', freshPath())).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  test('refuses what no layer can hold, and a place that is taken, and leaves nothing behind', async () => {
    const store = await openStore(':memory:');
    await store.images.add({
      config: configOf([`sha256:${'1'.repeat(64)}`]),
      tags: ['odd:1'],
      layers: [
        (sink) =>
          sink.entry({ kind: 'fifo', path: '.wh.name', size: 0, mode: 0, uid: 0, gid: 0, mtimeNs: 0n, xattrs: [] }),
      ],
    });
    const rootfs = freshPath();
    mkdirSync(join(rootfs, 'full'), { recursive: true });
    const before = readdirSync(folder);
    const saving = store.images.save('odd:1', freshPath());
    await expect(saving).rejects.toMatchObject({ code: 'ERR_OCI_UNSUPPORTED', message: /"\.wh\.name": / });
    const full = store.images.save('odd:1', rootfs, { format: 'oci-layout' });
    await expect(full).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
    await expect(store.images.save('odd:1', rootfs)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(store.images.save([], freshPath())).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(readdirSync(folder)).toEqual(before);
  });
});
