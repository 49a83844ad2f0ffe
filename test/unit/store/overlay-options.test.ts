import { describe, expect, test } from 'vitest';
import {
  type Container,
  listTree,
  type ListingEntry,
  openStore,
  parseProfile,
  type Store,
} from '../../../src/index.ts';
import { checkInvariants } from '../../../src/replay/invariants.ts';
import { smallStore } from './store-kit.ts';

/** Listings that differ only where a layer can't tell: the root, and fractions of seconds. */
const comparable = (container: Container, store: Store): ListingEntry[] =>
  [...listTree(container.overlay.tree, store.engine.log.chunks)]
    .filter(({ path }) => path !== '/')
    .map((entry) => ({ ...entry, mtime_ns: entry.mtime_ns.slice(0, -9) }));

const upperOf = (container: Container, store: Store): Record<string, string[]> =>
  Object.fromEntries(
    [...listTree(container.overlay.tree, store.engine.log.chunks, { upper: true })].map((entry) => [
      entry.path,
      entry.rdev === '0:0' ? ['whiteout'] : Object.keys(entry.xattrs ?? {}).map((name) => name.slice(16)),
    ]),
  );

async function posix(store: Store): Promise<Container> {
  return store.containers.create({ image: 'app', name: 'web', profile: 'posix' });
}

describe('a container with the overlay options', () => {
  test('renames a directory with a lower part and says where that is (SEM-R13)', async () => {
    const store = await smallStore();
    const c = await posix(store);
    const { ino } = c.fs.statSync('/data');
    c.fs.renameSync('/data', '/etc/moved');
    expect(c.fs.readFileSync('/etc/moved/seed', 'utf8')).toBe('abc');
    expect(c.fs.statSync('/etc/moved').ino).toBe(ino);
    expect(upperOf(c, store)).toEqual({ '/': [], '/data': ['whiteout'], '/etc': [], '/etc/moved': ['redirect'] });
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
  });

  test('keeps the names of a lower hard link together (SEM-H5)', async () => {
    const store = await smallStore();
    const c = await posix(store);
    const { ino } = c.fs.statSync('/data/seed');
    c.fs.writeFileSync('/data/seed', 'other');
    expect(c.fs.readFileSync('/data/twin', 'utf8')).toBe('other');
    expect(c.fs.statSync('/data/twin')).toMatchObject({ ino, nlink: 2 });
    expect(Object.keys(upperOf(c, store))).toEqual(['/', '/data', '/data/seed']);
    c.fs.unlinkSync('/data/seed');
    expect(c.fs.statSync('/data/twin').nlink).toBe(1);
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
  });

  test('counts a hard link that none of its names has brought into the upper with nothing, also when it is cut (SEM-H5)', async () => {
    const store = await smallStore();
    const c = await posix(store);
    const open = c.fs.openSync('/data/seed', 'r+');
    c.fs.unlinkSync('/data/seed');
    c.fs.ftruncateSync(open, 100_000);
    expect(c.fs.statSync('/data/twin')).toMatchObject({ nlink: 1, size: 100_000 });
    expect(c.sizes().sizeRwBytes).toBe(0);
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
    c.fs.closeSync(open);
  });

  test('copies the data of a file when it is opened for writing, not when its mode changes (SEM-X1, SEM-X2)', async () => {
    const store = await smallStore();
    const c = await posix(store);
    c.fs.chmodSync('/etc/conf', 0o600);
    expect(upperOf(c, store)['/etc/conf']).toEqual(['metacopy']);
    expect(store.copyUps().total.copiedBytes).toBe(0);
    expect(c.overlay.tree.upperAllocatedBytes).toBe(0);
    expect(c.sizes().sizeRwBytes).toBe(4);
    c.fs.appendFileSync('/etc/conf', '!');
    expect(c.fs.readFileSync('/etc/conf', 'utf8')).toBe('conf!');
    expect(upperOf(c, store)['/etc/conf']).toEqual([]);
    expect(store.copyUps().total.copiedBytes).toBe(4);
    expect(c.overlay.tree.upperAllocatedBytes).toBe(4096);
    expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
  });

  test('commits what is seen in it (SEM-2.3)', async () => {
    const store = await smallStore();
    const c = await posix(store);
    c.fs.unlinkSync('/data/link');
    c.fs.renameSync('/data', '/moved');
    c.fs.mkdirSync('/data');
    c.fs.chmodSync('/moved/twin', 0o644);
    c.fs.chmodSync('/etc/conf', 0o600);
    c.fs.renameSync('/etc/conf', '/conf');
    await c.commit({ tag: 'app:2' });
    const next = await store.containers.create({ image: 'app:2' });
    expect(comparable(next, store)).toEqual(comparable(c, store));
  });

  test('is the same after its store was closed and opened', async () => {
    const { mkdtempSync, rmSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const path = mkdtempSync(`${tmpdir()}/overlog-options-`);
    try {
      const store = await smallStore({ directory: path });
      const c = await posix(store);
      c.fs.renameSync('/data', '/etc/moved');
      c.fs.chmodSync('/etc/moved/seed', 0o600);
      c.fs.chmodSync('/etc/conf', 0o600);
      const before = [comparable(c, store), upperOf(c, store)];
      await store.close();
      const again = await openStore(path);
      const web = again.containers.get('web');
      expect([comparable(web, again), upperOf(web, again)]).toEqual(before);
      await again.close();
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });

  test('takes options as mount(8) spells them, and refuses what mount(2) refuses', () => {
    expect(parseProfile(undefined, [])).toEqual({ redirectDir: false, index: false, metacopy: false });
    expect(parseProfile(undefined, ['metacopy=on'])).toEqual({ redirectDir: true, index: false, metacopy: true });
    expect(parseProfile('posix', ['index=off,metacopy=off'])).toEqual({
      redirectDir: true,
      index: false,
      metacopy: false,
    });
    for (const options of [['metacopy=on,redirect_dir=off'], ['index'], ['xino=on'], ['index=yes']])
      expect(() => parseProfile(undefined, options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
    expect(() => parseProfile('fast', [])).toThrow('a profile is docker or posix, not "fast"');
  });
});
