import { openStore, type OpenStoreOptions, type Store } from '../../../src/index.ts';

const ATTRIBUTES = { uid: 0, gid: 0, mtimeNs: 1_000_000_000n, xattrs: [] };

/** Bytes of a config for layers that nobody digests. */
export const configOf = (diffIds: readonly string[], more: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      ...more,
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [],
    }),
  );

/** A store with the image `app`: /etc/conf (4 bytes), and /data (0750, 5:6) with a file `seed` (3 bytes) and two links to it. */
export async function smallStore(options: OpenStoreOptions = {}): Promise<Store> {
  let now = 1_700_000_000_000_000_000n;
  const store = await openStore({ storeId: '00000000000000ff', clock: () => (now += 1_000_000n), ...options });
  await store.images.add({
    config: configOf([`sha256:${'1'.repeat(64)}`]),
    tags: ['app'],
    layers: [
      (sink) => {
        sink.entry({ kind: 'dir', path: 'etc', size: 0, mode: 0o755, ...ATTRIBUTES });
        sink.entry({ kind: 'file', path: 'etc/conf', size: 4, mode: 0o644, ...ATTRIBUTES });
        sink.data(Buffer.from('conf'));
        sink.entry({ kind: 'dir', path: 'data', size: 0, mode: 0o2750, ...ATTRIBUTES, uid: 5, gid: 6 });
        sink.entry({ kind: 'file', path: 'data/seed', size: 3, mode: 0o600, ...ATTRIBUTES, uid: 5, gid: 6 });
        sink.data(Buffer.from('abc'));
        sink.entry({ kind: 'hardlink', path: 'data/twin', target: 'data/seed' });
        sink.entry({ kind: 'symlink', path: 'data/link', target: 'seed', mode: 0o777, ...ATTRIBUTES });
      },
    ],
  });
  return store;
}
