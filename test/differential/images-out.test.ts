import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type Container, type ListingEntry, openStore, type Store, type UpperDialect } from '../../src/index.ts';
import { exportUpper } from '../../src/store/container-export.ts';
import { storeCommands } from '../../src/testing/store-command.ts';
import { StorePlayer } from '../../src/testing/store-player.ts';
import { changedContainer, edgeStore, listDisk, listOurs, missing, run, titled, withoutLinks } from './other-tools.ts';

/** What overlog writes, as others read it: skopeo, umoci, GNU tar, and the kernel. Each group needs root and its tool. */

const folder = mkdtempSync(join(tmpdir(), 'overlog-out-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const freshPath = (): string => join(folder, String(++files));

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
