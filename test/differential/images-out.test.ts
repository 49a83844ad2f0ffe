import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Container,
  type ListingEntry,
  listTree,
  openStore,
  type Store,
  type UpperDialect,
} from '../../src/index.ts';
import { exportUpper } from '../../src/store/container-export.ts';
import { storeCommands } from '../../src/testing/store-command.ts';
import { StorePlayer } from '../../src/testing/store-player.ts';

/** What overlog writes, as others read it: skopeo, umoci, GNU tar, and the kernel. Each group needs root and its tool. */

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'overlog-out-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshPath = (): string => join(folder, String(++files));

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 2 ** 28, stdio: 'pipe' });
}

/** Why a group can't run here, for its title. */
function missing(...programs: readonly string[]): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  for (const program of ['python3', ...programs]) {
    try {
      run(program, '--version');
    } catch {
      return `${program} is not installed`;
    }
  }
  return null;
}

function overlayMissing(): string | null {
  const other = missing('mount', 'setfattr', 'tar');
  if (other !== null) return other;
  try {
    mounted({ lowers: [emptyDirectory()], upper: emptyDirectory() }, '', () => null);
    return null;
  } catch {
    return 'overlays cannot be mounted here';
  }
}

const titled = (title: string, reason: string | null): string =>
  reason === null ? title : `${title} (skipped: ${reason})`;

/** A tree on the disk; attributes of the root are the directory's own. */
function listDisk(directory: string): ListingEntry[] {
  const lines = run('python3', fixture('listing.py'), directory).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as ListingEntry).filter(({ path }) => path !== '/');
}

const listOurs = (...tree: Parameters<typeof listTree>): ListingEntry[] =>
  [...listTree(...tree)].filter(({ path, type }) => path !== '/' && type !== 'sock');

/** Without link counts: a flat tree has no names that are hidden. */
const withoutLinks = (entries: readonly ListingEntry[]): object[] =>
  entries.map((entry) => {
    const { nlink: _, hardlink: __, ...rest } = entry;
    return rest;
  });

function emptyDirectory(): string {
  const path = freshPath();
  mkdirSync(path);
  return path;
}

/** Mounts an overlay, and takes it down whatever happens. */
function mounted<T>(layers: { lowers: readonly string[]; upper: string }, more: string, look: (at: string) => T): T {
  const [work, at] = [emptyDirectory(), emptyDirectory()];
  const lowerdir = layers.lowers.toReversed().join(':');
  run(
    'mount',
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${lowerdir},upperdir=${layers.upper},workdir=${work}${more}`,
    at,
  );
  try {
    return look(at);
  } finally {
    try {
      run('umount', at);
    } catch {
      run('umount', '--lazy', at);
    }
  }
}

async function edgeStore(): Promise<Store> {
  const store = await openStore(':memory:');
  await store.images.load(fixture('images/edge-oci-archive.tar'));
  return store;
}

/** A container of the edge image in which much has happened. */
async function changedContainer(store: Store): Promise<Container> {
  const c = await store.containers.create({ image: 'edge', name: 'web' });
  const { fs } = c;
  for (const name of fs.readdirSync('/opt').slice(0, 3)) fs.rmSync(`/opt/${name}`, { recursive: true });
  fs.chmodSync('/bin', 0o700);
  fs.rmSync('/etc', { recursive: true });
  fs.mkdirSync('/etc');
  fs.writeFileSync('/etc/new\nline', 'x'.repeat(100_000));
  fs.mkdirSync('/fresh/deep', { recursive: true });
  fs.renameSync('/fresh', '/moved');
  fs.linkSync('/etc/new\nline', '/moved/deep/link');
  fs.symlinkSync('../etc', '/moved/sym');
  fs.writeFileSync('/sparse', 'start');
  fs.truncateSync('/sparse', 1_000_000);
  fs.linux.mknodSync('/moved/null', 0o20_666, 0x103);
  fs.linux.mknodSync('/moved/fifo', 0o10_600, 0);
  fs.linux.setxattrSync('/sparse', 'user.binary', Buffer.from([0, 255, 10, 34, 92]));
  fs.lchownSync('/sparse', 3_000_000, 70_000);
  fs.utimesSync('/sparse', 1, -5);
  return c;
}

describe.skipIf(missing('skopeo') !== null)(titled('skopeo', missing('skopeo')), () => {
  test.each([
    ['oci-layout', 'oci'],
    ['oci-archive', 'oci-archive'],
    ['docker-archive', 'docker-archive'],
    ['docker-archive', 'oci-archive'],
  ] as const)('reads what is saved as %s by %s:, and what it copies is loaded again', async (format, transport) => {
    const store = await edgeStore();
    const c = await changedContainer(store);
    await c.commit({ tag: 'edge:2' });
    const path = freshPath();
    const saved = await store.images.save(['edge', 'edge:2'], path, { format });
    for (const { id, tags, layers } of saved) {
      const name = `${transport}:${path}:${transport === 'docker-archive' ? `docker.io/library/${tags[0]}` : tags[0]}`;
      const config = JSON.parse(run('skopeo', 'inspect', '--config', '--raw', name)) as object;
      expect(config).toMatchObject({ rootfs: { diff_ids: layers.map(({ diffId }) => diffId) } });
      const copy = freshPath();
      run('skopeo', 'copy', '--insecure-policy', name, `oci-archive:${copy}:copy:1`);
      const other = await openStore(':memory:');
      await other.images.load(copy);
      const tree = other.world.lowerOf(other.images.get('copy:1').id);
      expect(other.images.get('copy:1').layers.map(({ diffId }) => diffId)).toEqual(layers.map(({ diffId }) => diffId));
      const recorded = store.images.list().find((image) => image.tags.includes(tags[0]))?.id as string;
      expect(listOurs(tree, other.engine.log.chunks)).toEqual(
        listOurs(store.world.lowerOf(recorded), store.engine.log.chunks),
      );
      expect(id).toMatch(/^sha256:/);
    }
  });
});

/** Only a daemon that tests were given, by DOCKER_HOST, is asked: images and containers are made there. */
function dockerMissing(): string | null {
  if (process.env['DOCKER_HOST'] === undefined) return 'DOCKER_HOST names no daemon';
  const other = missing('docker', 'tar');
  if (other !== null) return other;
  try {
    run('docker', 'version');
    return null;
  } catch {
    return 'the docker daemon does not answer';
  }
}

const docker = dockerMissing();

/** What Docker adds to a container's root, and the times before 1970 that it cuts. */
const ADDED_BY_DOCKER = /^\/(?:\.dockerenv|dev|proc|sys|etc|opt\/y1960)(?:$|\/)/;

describe.skipIf(docker !== null)(titled('dockerd', docker), () => {
  test.each(['gzip', 'none'] as const)(
    'loads a docker-archive of %s layers under our id, and exports our tree',
    async (compression) => {
      const store = await edgeStore();
      const c = await changedContainer(store);
      const image = await c.commit();
      const name = `overlog-test/edge:${compression}`;
      await store.images.tag(image, name);
      const [path, exported, rootfs] = [freshPath(), freshPath(), emptyDirectory()];
      const [{ id }] = await store.images.save(name, path, { format: 'docker-archive', compression });
      run('docker', 'load', '-i', path);
      try {
        expect(run('docker', 'images', '--no-trunc', '-q', name).trim()).toBe(id);
        const container = run('docker', 'create', '--user', '0', '--entrypoint', '/bin/true', name).trim();
        try {
          run('docker', 'export', container, '-o', exported);
        } finally {
          run('docker', 'rm', container);
        }
      } finally {
        run('docker', 'rmi', name);
      }
      run('tar', '-xpf', exported, '--same-owner', '-C', rootfs);
      // Docker's exports hold no xattrs but capabilities.
      const comparable = (entries: readonly ListingEntry[]): object[] =>
        withoutLinks(
          entries.filter((entry) => !ADDED_BY_DOCKER.test(entry.path)).map((entry) => ({ ...entry, xattrs: {} })),
        );
      expect(comparable(listDisk(rootfs))).toEqual(
        comparable(listOurs(store.world.lowerOf(image), store.engine.log.chunks)),
      );
    },
  );
});

describe.skipIf(missing('umoci') !== null)(titled('umoci', missing('umoci')), () => {
  test('unpacks what is saved to the tree that overlog shows', async () => {
    const store = await edgeStore();
    const c = await changedContainer(store);
    const image = await c.commit({ tag: 'edge:2' });
    const [path, rootfs] = [freshPath(), freshPath()];
    await store.images.save('edge:2', path, { format: 'oci-layout' });
    run('umoci', 'raw', 'unpack', '--image', `${path}:edge:2`, rootfs);
    const ours = listOurs(store.world.lowerOf(image), store.engine.log.chunks);
    expect(withoutLinks(listDisk(rootfs))).toEqual(withoutLinks(ours));
  });
});

describe.skipIf(missing('tar') !== null)(titled('GNU tar', missing('tar')), () => {
  test('unpacks an exported container to the tree that overlog shows, nanoseconds and all', async () => {
    const store = await edgeStore();
    const c = await changedContainer(store);
    const [path, rootfs] = [freshPath(), emptyDirectory()];
    await c.export(path);
    run('tar', '-xpf', path, '--same-owner', '--xattrs', '--xattrs-include=*', '-C', rootfs);
    expect(withoutLinks(listDisk(rootfs))).toEqual(withoutLinks(listOurs(c.overlay.tree, store.engine.log.chunks)));
  });
});

describe.skipIf(missing() !== null)(titled('python’s tarfile', missing()), () => {
  test('reads an exported container, name by name', async () => {
    const store = await edgeStore();
    const c = await changedContainer(store);
    const path = freshPath();
    await c.export(path);
    const script = `
import sys, tarfile, json, hashlib
kinds = {b'0': 'file', b'1': 'hardlink', b'2': 'symlink', b'3': 'chr', b'4': 'blk', b'5': 'dir', b'6': 'fifo'}
with tarfile.open(sys.argv[1]) as tar:
    for m in tar:
        digest = hashlib.sha256(tar.extractfile(m).read()).hexdigest() if m.isreg() else None
        print(json.dumps(['/' + m.name, kinds[m.type], m.mode, m.uid, m.gid, digest]))
`;
    const read = run('python3', '-c', script, path)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const ours = listOurs(c.overlay.tree, store.engine.log.chunks).map((entry) => {
      const type = entry.hardlink === undefined ? entry.type : 'hardlink';
      const name = entry.path_b64 === undefined ? entry.path : pythonName(entry.path_b64);
      const digest = type === 'file' ? entry.sha256 : null;
      return [name, type, Number.parseInt(entry.mode, 8), entry.uid, entry.gid, digest];
    });
    expect(read).toEqual(ours);
  });
});

const overlay = overlayMissing();

/** Layers and upper of a container as directories; the listing that the kernel shows of them. */
async function kernelListing(store: Store, c: Container, dialect: UpperDialect): Promise<ListingEntry[]> {
  const { chunks } = store.engine.log;
  const lowers: string[] = [];
  for (const layer of store.world.layersOf(c.record.image as string)) {
    lowers.push(freshPath());
    await exportUpper(store.world.lowers.layer(layer), chunks, lowers.at(-1) as string, { form: 'directory', dialect });
  }
  const upper = freshPath();
  await c.exportUpper(upper, { form: 'directory', dialect });
  const expected = listOurs(c.overlay.tree, chunks, { upper: true });
  if (dialect === 'overlay') expect(comparableUpper(listDisk(upper))).toEqual(comparableUpper(expected));
  return mounted({ lowers, upper }, dialect === 'user-overlay' ? ',userxattr' : '', listDisk);
}

/** A whiteout's time says nothing, and the kernel makes all of them one inode. */
const comparableUpper = (entries: readonly ListingEntry[]): object[] =>
  withoutLinks(entries).map((entry) => ((entry as ListingEntry).rdev === '0:0' ? { ...entry, mtime_ns: '' } : entry));

describe.skipIf(overlay !== null)(titled('a kernel overlay', overlay), () => {
  test.each(['overlay', 'user-overlay'] as const)(
    'of our %s directories shows the merged tree, and the upper is the one listed',
    async (dialect) => {
      const store = await edgeStore();
      const c = await changedContainer(store);
      expect(await kernelListing(store, c, dialect)).toEqual(listOurs(c.overlay.tree, store.engine.log.chunks));
    },
  );

  test('of our directories shows the merged tree after any commands (law 4)', async () => {
    await fc.assert(
      fc.asyncProperty(storeCommands(), async (commands) => {
        const { store } = await playedOn(commands);
        for (const c of store.containers.list()) {
          if (c.record.image === null) continue;
          const shown = withoutLinks(await kernelListing(store, store.containers.of(c.subject), 'overlay'));
          expect(shown).toEqual(withoutLinks(listOurs(c.overlay.tree, store.engine.log.chunks)));
        }
        await store.close();
      }),
      { numRuns: Number(process.env['OVERLOG_OUT_RUNS'] ?? 5) },
    );
  }, 300_000);
});

async function playedOn(commands: Parameters<StorePlayer['play']>[0]): Promise<StorePlayer> {
  const player = await StorePlayer.open();
  await player.play(commands);
  return player;
}

/** The name as python has it: bytes that are not UTF-8 as lone surrogates. */
function pythonName(base64: string): string {
  const text = run(
    'python3',
    '-c',
    'import base64,sys,json;print(json.dumps(base64.b64decode(sys.argv[1]).decode("utf8","surrogateescape")))',
    base64,
  );
  return JSON.parse(text) as string;
}
