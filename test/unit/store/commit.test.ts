import { describe, expect, test } from 'vitest';
import { type Container, listTree, type ListingEntry, type Store } from '../../../src/index.ts';
import { configOf, smallStore } from './store-kit.ts';

/** Listings that differ only where a layer can't tell: the root, and fractions of seconds. */
const comparable = (entries: Iterable<ListingEntry>): ListingEntry[] =>
  [...entries]
    .filter(({ path }) => path !== '/')
    .map((entry) => ({ ...entry, mtime_ns: entry.rdev === '0:0' ? '' : entry.mtime_ns.slice(0, -9) }));

async function changed(store: Store): Promise<Container> {
  const c = await store.containers.create({ image: 'app', name: 'web', command: ['sh', '-c', 'x'] });
  const { fs } = c;
  fs.writeFileSync('/etc/conf', 'other');
  fs.rmSync('/data', { recursive: true });
  fs.mkdirSync('/data');
  fs.writeFileSync('/data/new', '1');
  fs.linkSync('/data/new', '/data/same');
  fs.symlinkSync('new', '/data/link');
  fs.mkdirSync('/d1');
  fs.renameSync('/d1', '/d2');
  const file = fs.openSync('/sparse', 'w');
  fs.writeSync(file, 'end', 200_000);
  fs.closeSync(file);
  return c;
}

describe('committing a container (SEM-2.3)', () => {
  test('gives a layer that is its upper, and an image that shows its tree', async () => {
    const store = await smallStore();
    const c = await changed(store);
    const id = await c.commit({ tag: 'app:2', message: 'why', author: 'me' });
    const { chunks } = store.engine.log;
    const [layer] = store.world.layersOf(id).slice(-1);
    const committed = store.world.lowers.layer(layer);
    // Renamed while it was fresh, so the kernel marks it as opaque (SEM-1.5), though nothing lies below for it to hide.
    const upper = comparable(listTree(c.overlay.tree, chunks, { upper: true })).map((entry) => {
      const { xattrs, ...rest } = entry;
      return entry.path === '/d2' && xattrs !== undefined ? rest : entry;
    });
    expect(comparable(listTree(committed, chunks, { upper: true }))).toEqual(upper);
    const next = await store.containers.create({ image: 'app:2' });
    expect(comparable(listTree(next.overlay.tree, chunks))).toEqual(comparable(listTree(c.overlay.tree, chunks)));
    expect(layer.bytes).toBe(c.sizes().sizeRwBytes);
    expect(store.images.history('app:2')[0]).toMatchObject({
      createdBy: 'sh -c x',
      comment: 'why',
      author: 'me',
      sizeBytes: layer.bytes,
    });
  });

  test("keeps users' attributes, but those of overlay's names (SEM-1.4 W12)", async () => {
    const store = await smallStore();
    const c = await store.containers.create({ image: 'app' });
    const { linux } = c.fs;
    for (const path of ['/etc', '/etc/conf']) {
      linux.setxattrSync(path, 'trusted.overlay.opaque', Buffer.from('y'));
      linux.setxattrSync(path, 'trusted.mine', Buffer.from('1'));
    }
    const id = await c.commit();
    const listed = [...listTree(store.world.lowerOf(id), store.engine.log.chunks)];
    expect(listed.filter(({ xattrs }) => xattrs !== undefined).map(({ path, xattrs }) => [path, xattrs])).toEqual([
      ['/etc', { 'trusted.mine': 'MQ==' }],
      ['/etc/conf', { 'trusted.mine': 'MQ==' }],
    ]);
  });

  test('and loading one, stop at 500 layers (SEM-L10)', async () => {
    const store = await smallStore();
    const add = (count: number, feed = (): void => {}): Promise<unknown> => {
      const diffIds = Array.from({ length: count }, (_, index) => `sha256:${String(index).padStart(64, '0')}`);
      return store.images.add({ config: configOf(diffIds), tags: ['high'], layers: diffIds.map(() => feed) });
    };
    const refusal = {
      code: 'ERR_UNSUPPORTED',
      message: 'an image has at most 500 layers, as many as the kernel stacks; this one would have 501',
    };
    await expect(add(501, () => expect.fail('a layer was read'))).rejects.toMatchObject(refusal);
    await add(500);
    const c = await store.containers.create({ image: 'high' });
    c.fs.writeFileSync('/file', '');
    const before = store.seq;
    await expect(c.commit()).rejects.toMatchObject(refusal);
    expect(store.seq).toBe(before);
  });

  test('copies no content', async () => {
    const store = await smallStore();
    const c = await changed(store);
    const { chunks } = store.engine.log;
    const before = chunks.head;
    const id = await c.commit();
    const [layer] = store.world.layersOf(id).slice(-1);
    expect(chunks.head - before).toBe(layer.chunks.length);
  });

  test('gives the same diffID for the same content, in whichever store and order it was made', async () => {
    const diffIds = await Promise.all(
      [
        ['/a', '/b'],
        ['/b', '/a'],
      ].map(async (names) => {
        const store = await smallStore({ clock: () => 5_000_000_000n });
        const c = await store.containers.create({ image: 'app' });
        for (const name of names) c.fs.writeFileSync(name, name);
        return store.images.get(await c.commit()).layers.at(-1)?.diffId;
      }),
    );
    expect(diffIds[0]).toBe(diffIds[1]);
  });

  test('of an unchanged container adds a history step without a layer', async () => {
    const store = await smallStore();
    const c = await store.containers.create({ image: 'app' });
    const image = store.images.get(await c.commit({ changes: { Cmd: ['run'] } }));
    expect(image.layers).toHaveLength(1);
    expect(image.config.history).toMatchObject([{ emptyLayer: false }, { emptyLayer: true }]);
    expect(image.config.run.command).toEqual(['run']);
  });

  test('pauses a running container meanwhile, unless asked otherwise', async () => {
    const store = await smallStore();
    const c = await store.containers.create({ image: 'app' });
    await c.start();
    const typesOf = async (options: object): Promise<string[]> => {
      const { seq } = store;
      await c.commit(options);
      return [...store.transactions({ from: seq })].flatMap(({ events }) => events.map(({ type }) => type));
    };
    expect(await typesOf({ message: '1' })).toEqual([
      'ContainerPaused',
      'ImageAdded',
      'ContainerCommitted',
      'ContainerUnpaused',
    ]);
    expect(await typesOf({ message: '2', pause: false })).toEqual(['ImageAdded', 'ContainerCommitted']);
    expect(c.state).toBe('running');
  });

  test('refuses a name that means a whiteout in a layer (INPUTS 13), and leaves nothing', async () => {
    const store = await smallStore();
    const c = await store.containers.create({ image: 'app' });
    c.fs.writeFileSync('/.wh.x', '');
    const { seq } = store;
    await expect(c.commit()).rejects.toMatchObject({ code: 'ERR_OCI_UNSUPPORTED' });
    expect(store.seq).toBe(seq);
  });

  test('leaves volumes out', async () => {
    const store = await smallStore();
    const c = await store.containers.create({
      image: 'app',
      mounts: [{ type: 'volume', source: 'v1', target: '/data' }],
    });
    c.fs.writeFileSync('/data/x', '1');
    const image = await c.commit();
    const next = await store.containers.create({ image });
    expect(next.fs.existsSync('/data/x')).toBe(false);
  });
});
