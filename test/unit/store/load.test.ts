import { describe, expect, test } from 'vitest';
import { openStore } from '../../../src/index.ts';
import { imageFixture } from '../oci/support/fixtures.ts';
import { configOf, smallStore } from './store-kit.ts';

describe('loading images', () => {
  test('of a damaged archive leaves the store as it was (INPUTS 14)', async () => {
    const store = await openStore(':memory:');
    const { seq } = store;
    const archives = ['index-not-json', 'layer-digest', 'missing-blob', 'tar-checksum', 'truncated-gzip'];
    const codes = await Promise.all(
      archives.map((name) =>
        store.images.load(imageFixture(`hostile/${name}.tar`)).catch((error: { code: string }) => error.code),
      ),
    );
    expect(codes).toEqual(archives.map(() => expect.stringMatching(/^ERR_OCI_(CORRUPT|DIGEST)$/)));
    expect([store.seq, store.images.list()]).toEqual([seq, []]);
  });

  test('of links that lead out of the root keeps everything in it (INPUTS 14)', async () => {
    const store = await openStore(':memory:');
    const [{ id }] = await store.images.load(imageFixture('hostile/symlink-escape.tar'));
    const { fs } = await store.containers.create({ image: id });
    expect(fs.readdirSync('/tmp')).toEqual(['evil-1']);
    expect(fs.readdirSync('/var/tmp')).toEqual(['evil-2', 'evil-3']);
  });

  test('again reads and checks all of it, and adds nothing but names', async () => {
    const store = await openStore(':memory:');
    const [first] = await store.images.load(imageFixture('edge-oci-archive.tar'), { tag: 'one' });
    const { seq } = store;
    const progress: number[] = [];
    const [second] = await store.images.load(imageFixture('edge-oci-zstd'), {
      tag: ['one', 'two:2'],
      onProgress: ({ layer }) => progress.push(layer),
    });
    expect(second).toEqual({ id: first.id, tags: ['one:latest', 'two:2'], wasKnown: true });
    expect(store.seq).toBe(seq + 1);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
    expect(store.images.get('two:2').tags).toEqual(['one:latest', 'two:2']);
  });

  test('names an image after its file where the archive does not', async () => {
    const store = await openStore(':memory:');
    const [{ tags }] = await store.images.load(imageFixture('edge-oci-zstd'));
    expect(tags).toHaveLength(1);
    expect(tags[0]).toMatch(/:latest$/);
  });
});

describe('images', () => {
  test('share the layers of one stack, and lose only their own', async () => {
    const store = await smallStore();
    const [diffId] = store.images.get('app').config.diffIds;
    const second = `sha256:${'2'.repeat(64)}`;
    let reads = 0;
    await store.images.add({
      config: configOf([diffId, second]),
      tags: ['more'],
      layers: [() => void reads++, (sink) => sink.entry({ kind: 'whiteout', path: 'etc' })],
    });
    expect(reads).toBe(1); // checked, and not kept again
    const c = await store.containers.create({ image: 'more' });
    expect(c.fs.readdirSync('/')).toEqual(['data']);
    await expect(store.images.remove('more')).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
    const { seq } = store;
    await c.remove();
    await store.images.remove('more');
    expect(store.images.list().map(({ tags }) => tags)).toEqual([['app:latest']]);
    expect(store.world.registry.layers.size).toBe(1);
    expect(store.at(seq).images.get('more').layers).toHaveLength(2);
  });

  test('whose config names other layers than there are, are refused', async () => {
    const store = await smallStore();
    await expect(store.images.add({ config: configOf([]), layers: [() => {}] })).rejects.toMatchObject({
      code: 'ERR_OCI_CORRUPT',
    });
  });

  test('get their volumes and labels into containers', async () => {
    const store = await smallStore();
    const config = configOf([], {
      config: { Volumes: { '/vol': {} }, Labels: { a: '1' }, Entrypoint: ['e'], Cmd: ['c'] },
    });
    await store.images.add({ config, layers: [], tags: ['cfg'] });
    const c = await store.containers.create({ image: 'cfg', labels: { b: '2' } });
    expect(c.inspect()).toMatchObject({
      command: ['e', 'c'],
      labels: { a: '1', b: '2' },
      mounts: [{ type: 'volume', target: '/vol', anonymous: true }],
    });
  });
});
