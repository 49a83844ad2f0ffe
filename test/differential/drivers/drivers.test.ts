/**
 * The models of storage drivers against the real things: the same changes on a real overlay, snapshot or copy and in a
 * container, and then the blocks that the file system has given to the files (FIEMAP) beside what the model says.
 *
 * Data is compared to the byte. What stands beside it (extent trees, btrfs trees, directories) is metadata, for which the models
 * name their bounds.
 */

import nodeFs from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Container, type DriverBill, openStore, type Store } from '../../../src/index.ts';
import { CHANGES, contentOf, type FileCalls, IMAGE_FILES, SPARSE } from './changes.ts';
import { blocksBelow, type FileBlocks } from './extents.ts';
import { type FileSystemKind, LoopFileSystem, type OverlayKind, missingFor, run } from './loop-file-system.ts';

/** Where the files of the image lie, in it and on the real thing. */
const PLACE = 'files';

async function imageStore(): Promise<Store> {
  const store = await openStore();
  const builder = await store.containers.create({ name: 'builder' });
  writeImage(builder.fs, '');
  await builder.commit({ tag: 'image' });
  await builder.remove();
  return store;
}

function writeImage(fs: FileCalls, root: string): void {
  for (const [name, size] of Object.entries(IMAGE_FILES)) {
    const path = `${root}/${PLACE}/${name}`;
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, contentOf(name, size));
  }
  const fd = fs.openSync(`${root}/${PLACE}/${SPARSE.name}`, 'w');
  const piece = contentOf(SPARSE.name, SPARSE.dataBytes);
  for (const at of SPARSE.data) fs.writeSync(fd, piece, 0, piece.length, at);
  fs.closeSync(fd);
  fs.truncateSync(`${root}/${PLACE}/${SPARSE.name}`, SPARSE.size);
}

/** One driver's bill after a change in a fresh container. */
const priced = (store: Store, driver: string, change: (typeof CHANGES)[number][1]): Promise<DriverBill> =>
  changed(store, change, () => store.storageBills({ drivers: [driver] })[0]);

/** What somebody sees of a fresh container after a change. */
async function changed<T>(store: Store, change: (typeof CHANGES)[number][1], look: (web: Container) => T): Promise<T> {
  const web = await store.containers.create({ name: 'web', image: 'image' });
  try {
    change(web.fs, `/${PLACE}`);
    return look(web);
  } finally {
    await web.remove();
  }
}

describe.each<[FileSystemKind, OverlayKind, string, (blocks: FileBlocks) => number]>([
  ['ext4', 'overlay', 'overlay2', ({ dataBytes }) => dataBytes],
  ['xfs', 'overlay', 'overlay2-reflink:zeroes-tail=1', ({ ownBytes }) => ownBytes],
  ['btrfs', 'overlay', 'overlay2-reflink', ({ ownBytes }) => ownBytes],
  ['ext4', 'fuse-overlayfs', 'fuse-overlayfs', ({ dataBytes }) => dataBytes],
])('on %s %s', (kind, overlay, driver, bytesOf) => {
  const missing = missingFor(kind, ...(overlay === 'fuse-overlayfs' ? [overlay] : []));
  test.skipIf(missing !== null)(`is compared${missing === null ? '' : ` (skipped: ${missing})`}`, () => {});

  describe.skipIf(missing !== null)('takes what the model says', () => {
    let store: Store;
    let device: LoopFileSystem;
    beforeAll(async () => {
      store = await imageStore();
      device = new LoopFileSystem(kind);
      writeImage(nodeFs, join(device.root, 'lower'));
      device.sync();
    });
    afterAll(async () => {
      device.close();
      await store.close();
    });

    test.each(CHANGES)('for %s', async (_, change) => {
      const { upper, merged, unmount } = device.mountOverlay(join(device.root, 'lower'), overlay);
      change(nodeFs, join(merged, PLACE));
      device.sync();
      const real = bytesOf(blocksBelow(upper));
      unmount();
      expect((await priced(store, driver, change)).containers[0].dataBytes).toBe(real);
    });
  });
});

describe('an upper on ext4', () => {
  const missing = missingFor('ext4');
  test.skipIf(missing !== null)(`is compared${missing === null ? '' : ` (skipped: ${missing})`}`, () => {});

  test.skipIf(missing !== null)('has allocated what containerd counts, files and directories (SEM-2.2)', async () => {
    const store = await imageStore();
    const device = new LoopFileSystem('ext4');
    try {
      writeImage(nodeFs, join(device.root, 'lower'));
      for (const [title, change] of [...CHANGES, ['many names', manyNames] as const]) {
        const { upper, merged, unmount } = device.mountOverlay(join(device.root, 'lower'));
        change(nodeFs, join(merged, PLACE));
        device.sync();
        // What du says is that, and blocks that depend on more than the tree: of an extent tree, where a file lies in more than
        // four pieces, and of attributes that the inode has no room for, as the overlay's own marks of a directory.
        const real = blocksBelow(upper).dataBytes + directoryBytes(upper, ({ size }) => size);
        unmount();
        const ours = await changed(store, change, (web) => store.allocatedUsage().containers.get(web.subject));
        expect([title, ours]).toEqual([title, real]);
      }
    } finally {
      device.close();
      await store.close();
    }
  });
});

/** A directory that is nearly one block of names; in larger ones ext4 leaves gaps, which is not counted. */
function manyNames(fs: FileCalls, root: string): void {
  fs.mkdirSync(`${root}/many/below`, { recursive: true });
  for (let name = 0; name < 30; name++) fs.writeFileSync(`${root}/many/${String(name).padStart(100, 'n')}`, 'x');
}

describe('a snapshot of a btrfs subvolume', () => {
  const missing = missingFor('btrfs', 'btrfs');
  test.skipIf(missing !== null)(`is compared${missing === null ? '' : ` (skipped: ${missing})`}`, () => {});

  describe.skipIf(missing !== null)('takes what the model says', () => {
    let store: Store;
    let device: LoopFileSystem;
    beforeAll(async () => {
      store = await imageStore();
      device = new LoopFileSystem('btrfs');
      run('btrfs', 'subvolume', 'create', join(device.root, 'image'));
      writeImage(nodeFs, join(device.root, 'image'));
      device.sync();
    });
    afterAll(async () => {
      device.close();
      await store.close();
    });

    test.each(CHANGES)('for %s', async (_, change) => {
      const container = join(device.root, 'container');
      run('btrfs', 'subvolume', 'snapshot', join(device.root, 'image'), container);
      change(nodeFs, join(container, PLACE));
      device.sync();
      const { ownBytes } = blocksBelow(container);
      run('btrfs', 'subvolume', 'delete', container);
      expect((await priced(store, 'btrfs', change)).containers[0].dataBytes).toBe(ownBytes);
    });
  });
});

describe('a copy as vfs makes it', () => {
  const missing = missingFor('ext4');
  test.skipIf(missing !== null)(`is compared${missing === null ? '' : ` (skipped: ${missing})`}`, () => {});

  test.skipIf(missing !== null)('takes what the model says, for all changes', async () => {
    const store = await imageStore();
    const device = new LoopFileSystem('ext4');
    try {
      const image = join(device.root, 'image');
      writeImage(nodeFs, image);
      for (const [title, change] of CHANGES) {
        const container = join(device.root, 'container');
        copyTree(image, container);
        change(nodeFs, join(container, PLACE));
        device.sync();
        const { dataBytes } = blocksBelow(container);
        const bill = (await priced(store, 'vfs', change)).containers[0];
        expect([title, bill.dataBytes]).toEqual([title, dataBytes]);
        expect([title, bill.metadataBytes]).toEqual([title, directoryBytes(container)]);
        nodeFs.rmSync(container, { recursive: true });
      }
    } finally {
      device.close();
      await store.close();
    }
  });
});

/** As Docker's DirCopy does it: by copy_file_range(2), which writes holes out where it can't clone. */
function copyTree(from: string, to: string): void {
  run('cp', '-a', '--sparse=never', '--reflink=never', from, to);
}

/** Blocks of a directory and all below it. */
function directoryBytes(directory: string, of = ({ blocks }: nodeFs.Stats): number => blocks * 512): number {
  let bytes = of(nodeFs.statSync(directory));
  for (const entry of nodeFs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) bytes += directoryBytes(join(directory, entry.name), of);
  }
  return bytes;
}
