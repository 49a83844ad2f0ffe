import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../src/index.ts';
import { changedContainer, edgeStore, listDisk, listOurs, missing, run, titled, withoutLinks } from './other-tools.ts';

/** Images between overlog, podman and buildah, both ways. Their storage lies in a folder of the test's own. */

const folder = mkdtempSync(join(tmpdir(), 'overlog-tools-'));
let files = 0;
const freshPath = (): string => join(folder, String(++files));

const STORAGE = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];

afterAll(() => {
  if (missing('podman') === null) run('podman', ...STORAGE, 'image', 'rm', '--all', '--force');
  // The storage itself is a mount point.
  const mounts = run('cat', '/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.filter((each) => each.startsWith(`${folder}/`)).toReversed()) run('umount', path);
  rmSync(folder, { recursive: true, force: true });
});

async function committed(): Promise<{ store: Store; image: string }> {
  const store = await edgeStore();
  const image = await (await changedContainer(store)).commit({ tag: 'edge:2' });
  return { store, image };
}

const treeOf = (store: Store, image: string): object[] =>
  withoutLinks(listOurs(store.world.lowerOf(image), store.engine.log.chunks));

/** containers/storage clamps times before 1970. */
const clamped = (entries: readonly object[]): object[] =>
  entries.map((entry) =>
    'mtime_ns' in entry && String(entry.mtime_ns).startsWith('-') ? { ...entry, mtime_ns: '0' } : entry,
  );

describe.skipIf(missing('podman') !== null)(titled('podman', missing('podman')), () => {
  test('loads what overlog saves under its id, mounts its tree, and saves what overlog loads under the same id', async () => {
    const { store, image } = await committed();
    for (const format of ['docker-archive', 'oci-archive'] as const) {
      const [path, back] = [freshPath(), freshPath()];
      await store.images.save('edge:2', path, { format });
      run('podman', ...STORAGE, 'load', '--quiet', '--input', path);
      const id = image.slice('sha256:'.length);
      expect(run('podman', ...STORAGE, 'image', 'inspect', '--format', '{{.Id}}', id).trim()).toBe(id);
      const root = run('podman', ...STORAGE, 'image', 'mount', id).trim();
      try {
        expect(clamped(withoutLinks(listDisk(root)))).toEqual(clamped(treeOf(store, image)));
      } finally {
        run('podman', ...STORAGE, 'image', 'unmount', id);
      }
      run('podman', ...STORAGE, 'save', '--quiet', '--format', format, '--output', back, id);
      const other = await openStore();
      expect(await other.images.load(back, { tag: 'back:1' })).toMatchObject([{ id: image }]);
      expect(treeOf(other, image)).toEqual(treeOf(store, image));
      run('podman', ...STORAGE, 'image', 'rm', '--force', id);
    }
  }, 120_000);
});

describe.skipIf(missing('buildah') !== null)(titled('buildah', missing('buildah')), () => {
  test('builds on what overlog saves, and overlog loads what it makes of it', async () => {
    const { store, image } = await committed();
    const [path, back] = [freshPath(), freshPath()];
    await store.images.save('edge:2', path, { format: 'oci-archive' });
    const working = run('buildah', ...STORAGE, 'from', '--quiet', `oci-archive:${path}`).trim();
    let listing: object[];
    try {
      const root = run('buildah', ...STORAGE, 'mount', working).trim();
      expect(clamped(withoutLinks(listDisk(root)))).toEqual(clamped(treeOf(store, image)));
      run('sh', '-c', 'rm -r "$0/etc" && mkdir "$0/etc" && echo built > "$0/etc/built" && chmod 700 "$0/moved"', root);
      listing = withoutLinks(listDisk(root));
      run('buildah', ...STORAGE, 'umount', working);
      run('buildah', ...STORAGE, 'commit', '--quiet', working, `oci-archive:${back}:built:1`);
    } finally {
      run('buildah', ...STORAGE, 'rm', working);
    }
    const other = await openStore();
    const [{ id }] = await other.images.load(back);
    const wholeSeconds = (entries: readonly object[]): object[] =>
      clamped(entries).map((entry) => ({
        ...entry,
        mtime_ns: (entry as { mtime_ns: string }).mtime_ns.slice(0, -9),
      }));
    expect(wholeSeconds(treeOf(other, id))).toEqual(wholeSeconds(listing));
  }, 120_000);
});
