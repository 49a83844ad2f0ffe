import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { type Container, type ListingEntry, listTree, openStore, type Store } from '../../../src/index.ts';
import { smallStore } from './store-kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'overlog-export-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshPath = (): string => join(folder, String(++files));

const withoutRoot = (entries: Iterable<ListingEntry>): ListingEntry[] =>
  [...entries].filter(({ path }) => path !== '/');

/** A container in which everything that an upper can hold has happened. */
async function changed(): Promise<{ store: Store; c: Container }> {
  const store = await smallStore();
  const c = await store.containers.create({
    image: 'app',
    name: 'web',
    mounts: [{ type: 'volume', source: 'v1', target: '/vol' }],
  });
  const { fs } = c;
  fs.writeFileSync('/vol/in-volume', 'x');
  fs.appendFileSync('/data/seed', 'more');
  fs.rmSync('/etc', { recursive: true });
  fs.mkdirSync('/etc', 0o700);
  fs.writeFileSync('/etc/é', 'new');
  fs.linkSync('/etc/é', '/data/linked');
  fs.rmSync('/data/link');
  fs.writeFileSync('/sparse', 'start');
  fs.truncateSync('/sparse', 300_000);
  fs.lutimesSync('/sparse', 1.5, 2.25);
  return { store, c };
}

/** The tar as the layer of an image of its own. */
async function loaded(path: string, dialect: 'oci' | 'overlay'): Promise<{ store: Store; entries: ListingEntry[] }> {
  const store = await openStore(':memory:');
  await store.images.load(path, { dialect, tag: 'tar:1' });
  const [layer] = store.world.layersOf(store.images.get('tar:1').id);
  const tree = store.world.lowers.layer(layer);
  return { store, entries: withoutRoot(listTree(tree, store.engine.log.chunks, { upper: true })) };
}

describe('exporting a container', () => {
  test('writes the merged tree, exactly, without what lies in volumes', async () => {
    const { store, c } = await changed();
    const path = freshPath();
    expect((await c.export(path)).bytes).toBe(statSync(path).size);
    const { entries } = await loaded(path, 'oci');
    const expected = withoutRoot(listTree(c.overlay.tree, store.engine.log.chunks));
    // Of the lower's pair one name was broken away, so one is left; the kernel still shows two (SEM-1.6).
    expect(entries).toEqual(
      expected.map(({ nlink, ...rest }) => (rest.path === '/data/twin' ? rest : { ...rest, ...(nlink && { nlink }) })),
    );
    expect(entries.map((entry) => entry.path)).toContain('/vol');
    expect(entries.map((entry) => entry.path)).not.toContain('/vol/in-volume');
  });

  test('to a stream gives the same bytes, and leaves it open', async () => {
    const { c } = await changed();
    const path = freshPath();
    await c.export(path);
    const stream = new PassThrough({ highWaterMark: 1024 });
    const read = (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of stream) pieces.push(piece as Buffer);
      return Buffer.concat(pieces);
    })();
    await c.export(stream);
    expect(stream.writable).toBe(true);
    stream.end();
    expect((await read).equals(readFileSync(path))).toBe(true);
  });

  test.each(['overlay', 'user-overlay'] as const)(
    'writes the upper in the %s dialect as the kernel has it',
    async (dialect) => {
      const { store, c } = await changed();
      const path = freshPath();
      await c.exportUpper(path, { dialect });
      expect(readFileSync(path).toString('latin1')).toContain(
        dialect === 'overlay' ? 'SCHILY.xattr.trusted.overlay.opaque=y' : 'SCHILY.xattr.user.overlay.opaque=y',
      );
      const { entries } = await loaded(path, 'overlay');
      expect(comparable(entries)).toEqual(
        comparable(withoutRoot(listTree(c.overlay.tree, store.engine.log.chunks, { upper: true }))),
      );
    },
  );

  test('writes the upper in the aufs dialect with .wh. files', async () => {
    const { store, c } = await changed();
    const path = freshPath();
    await c.exportUpper(path, { dialect: 'aufs' });
    const names = readFileSync(path)
      .toString('latin1')
      .match(/[\w/]*\.wh\.[\w.]+/g);
    expect(names).toEqual(['data/.wh.link', 'etc/.wh..wh..opq']);
    const { entries } = await loaded(path, 'oci');
    expect(comparable(entries)).toEqual(
      comparable(withoutRoot(listTree(c.overlay.tree, store.engine.log.chunks, { upper: true }))),
    );
  });

  test('escapes xattrs that overlay would take for its own (SEM-1.4 W12)', async () => {
    const store = await smallStore();
    const c = await store.containers.create({ image: 'app', name: 'web' });
    c.fs.linux.setxattrSync('/etc/conf', 'trusted.overlay.opaque', Buffer.from('y'));
    const path = freshPath();
    await c.exportUpper(path);
    expect(readFileSync(path).toString('latin1')).toContain('SCHILY.xattr.trusted.overlay.overlay.opaque=y');
    expect((await loaded(path, 'overlay')).entries.find((entry) => entry.path === '/etc/conf')?.xattrs).toEqual({
      'trusted.overlay.overlay.opaque': 'eQ==',
    });
  });

  test('of an earlier moment gives what it was then', async () => {
    const { store, c } = await changed();
    const { seq } = store;
    const [before, after] = [freshPath(), freshPath()];
    await c.export(before);
    c.fs.rmSync('/etc', { recursive: true });
    await store.at(seq).containers.get('web').export(after);
    expect(readFileSync(after).equals(readFileSync(before))).toBe(true);
  });

  test('goes on from the tree at its start, however it changes meanwhile', async () => {
    const { store, c } = await changed();
    const path = freshPath();
    await c.export(path);
    const other = freshPath();
    const exporting = c.export(other);
    c.fs.rmSync('/data', { recursive: true });
    await exporting;
    expect(readFileSync(other).equals(readFileSync(path))).toBe(true);
    await store.close();
  });

  test('leaves sockets out, and names them', async () => {
    const store = await smallStore();
    const c = await store.containers.create({ image: 'app', name: 'web' });
    c.fs.linux.mknodSync('/sock', 0o140_644, 0);
    expect((await c.export(freshPath())).leftOut).toEqual(['/sock']);
    expect((await c.exportUpper(freshPath())).leftOut).toEqual(['/sock']);
  });

  test('refuses a place that is taken, and leaves nothing behind', async () => {
    const { c } = await changed();
    const directory = freshPath();
    mkdirSync(directory);
    writeFileSync(join(directory, 'mine'), '');
    const before = readdirSync(folder);
    await expect(c.export(directory)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(c.exportUpper(directory, { form: 'directory' })).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
    c.fs.writeFileSync('/.wh.name', '');
    await expect(c.exportUpper(freshPath(), { dialect: 'aufs' })).rejects.toMatchObject({
      code: 'ERR_OCI_UNSUPPORTED',
    });
    expect(readdirSync(folder)).toEqual(before);
  });
});

/** A whiteout's time says nothing; a pair of which the upper has one name is no pair there. */
function comparable(entries: readonly ListingEntry[]): ListingEntry[] {
  return entries.map((entry) => (entry.rdev === '0:0' ? { ...entry, mtime_ns: '' } : entry));
}
