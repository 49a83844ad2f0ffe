/** A container over one layer of plain files, and what drivers say of it. */

import { type Container, type DriverBill, openStore, type Store } from '../../../../src/index.ts';
import { configOf } from '../../store/store-kit.ts';

const ATTRIBUTES = { uid: 0, gid: 0, mtimeNs: 1_000_000_000n, xattrs: [] };

/** @param layers - Lowest first: bytes of files by path; a path that ends in a slash is a directory, null a whiteout. */
export async function storeOf(...layers: Readonly<Record<string, number | null>>[]): Promise<Store> {
  let now = 1_700_000_000_000_000_000n;
  const store = await openStore({ storeId: '00000000000000ff', clock: () => (now += 1_000_000n) });
  await addApp(store, ...layers);
  return store;
}

/** Adds the layers as the image `app`. */
export async function addApp(store: Store, ...layers: Readonly<Record<string, number | null>>[]): Promise<void> {
  await store.images.add({
    config: configOf(layers.map((_, index) => `sha256:${String(index + 1).padStart(64, '0')}`)),
    tags: ['app'],
    layers: layers.map((files) => (sink) => {
      for (const [path, size] of Object.entries(files)) {
        if (size === null) sink.entry({ kind: 'whiteout', path });
        else if (path.endsWith('/'))
          sink.entry({ kind: 'dir', path: path.slice(0, -1), size: 0, mode: 0o755, ...ATTRIBUTES });
        else {
          sink.entry({ kind: 'file', path, size, mode: 0o644, ...ATTRIBUTES });
          sink.data(Buffer.alloc(size, path));
        }
      }
    }),
  });
}

export async function containerOf(...layers: Readonly<Record<string, number | null>>[]): Promise<[Store, Container]> {
  const store = await storeOf(...layers);
  return [store, await store.containers.create({ image: 'app', name: 'web' })];
}

/** The bill of one driver, as `qcow2:cluster-size=4K`. */
export const billOf = (store: Store, driver: string): DriverBill => store.storageBills({ drivers: [driver] })[0];

/** What first writes copied and took, then data of the containers. */
export function figuresOf(store: Store, driver: string): [copied: number, taken: number, data: number] {
  const { firstWrites, total, layers } = billOf(store, driver);
  return [firstWrites.copiedBytes, firstWrites.takenBytes, total.dataBytes - layers.dataBytes];
}
