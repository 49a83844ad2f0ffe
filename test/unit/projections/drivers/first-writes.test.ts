/** What the first write to a file of the image costs: the published rule of each driver, on one example each. */

import { describe, expect, test } from 'vitest';
import { containerOf, figuresOf } from './driver-kit.ts';

const TEN_MB = 10_000_000;
/** Modes of fallocate(2). */
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const BLOCKS = Math.ceil(TEN_MB / 4096) * 4096;

describe('one byte in the middle of 10 MB of the image', () => {
  test.each([
    ['overlay2', TEN_MB, BLOCKS, BLOCKS],
    ['aufs', TEN_MB, BLOCKS, BLOCKS],
    ['fuse-overlayfs', TEN_MB, BLOCKS, BLOCKS],
    ['containerd-erofs', TEN_MB, BLOCKS, BLOCKS],
    ['overlay2-reflink', 4095, 4096, 4096],
    ['btrfs', 4095, 4096, 4096],
    ['btrfs:sector-size=16K', 16_383, 16_384, 16_384],
    ['zfs', 131_071, 131_072, 131_072],
    ['zfs:record-size=16K', 16_383, 16_384, 16_384],
    // The file system writes a block of 4 KiB; thin provisioning copies the whole block of the pool first.
    ['devicemapper', 65_536, 65_536, 65_536],
    ['containerd-devmapper:block-size=256K', 262_144, 262_144, 262_144],
    // QEMU copies what the write leaves of the cluster.
    ['qcow2', 61_440, 65_536, 65_536],
    ['qcow2:cluster-size=4K', 0, 4096, 4096],
    ['qcow2:cluster-size=2M', 2_093_056, 2_097_152, 2_097_152],
    ['qcow2:cluster-size=256K,extended-l2=1', 4096, 8192, 8192],
    ['vfs', 0, 0, BLOCKS],
    ['containerd-native', 0, 0, BLOCKS],
  ])('costs with %s: copied %i, taken %i; the container holds %i', async (driver, copied, taken, data) => {
    const [store, web] = await containerOf({ 'big.bin': TEN_MB });
    const fd = web.fs.openSync('/big.bin', 'r+');
    web.fs.writeSync(fd, 'x', 5_000_000);
    web.fs.closeSync(fd);
    expect(figuresOf(store, driver)).toEqual([copied, taken, data]);
  });

  test('costs nothing more the second time, wherever it was copied as a whole', async () => {
    const [store, web] = await containerOf({ 'big.bin': TEN_MB });
    const fd = web.fs.openSync('/big.bin', 'r+');
    for (const at of [5_000_000, 5_000_001]) web.fs.writeSync(fd, 'x', at);
    web.fs.closeSync(fd);
    for (const driver of ['overlay2', 'btrfs', 'zfs', 'devicemapper', 'qcow2']) {
      expect([driver, store.storageBills({ drivers: [driver] })[0].firstWrites.count]).toEqual([driver, 1]);
    }
  });
});

describe('chmod of a file of the image', () => {
  test('costs the whole file with overlay2, and no data where files are not copied up', async () => {
    const [store, web] = await containerOf({ 'big.bin': TEN_MB });
    web.fs.chmodSync('/big.bin', 0o600);
    expect(figuresOf(store, 'overlay2')).toEqual([TEN_MB, BLOCKS, BLOCKS]);
    for (const driver of ['overlay2-reflink', 'btrfs', 'zfs', 'devicemapper', 'qcow2']) {
      expect([driver, ...figuresOf(store, driver)]).toEqual([driver, 0, 0, 0]);
    }
  });
});

describe('files of the container', () => {
  test('are never first writes, and take their blocks', async () => {
    const [store, web] = await containerOf({ 'etc/': 0 });
    web.fs.writeFileSync('/new', Buffer.alloc(10_000, 1));
    web.fs.appendFileSync('/new', 'more');
    expect(figuresOf(store, 'overlay2')).toEqual([0, 0, 12_288]);
    expect(figuresOf(store, 'overlay2-reflink')).toEqual([0, 0, 12_288]);
    expect(figuresOf(store, 'btrfs')).toEqual([0, 0, 12_288]);
    expect(figuresOf(store, 'zfs')).toEqual([0, 0, 12_288]);
    expect(figuresOf(store, 'devicemapper')).toEqual([0, 0, 65_536]);
  });

  test('of up to 2048 bytes lie in the metadata of btrfs', async () => {
    const [store, web] = await containerOf({ 'etc/': 0 });
    web.fs.writeFileSync('/small', Buffer.alloc(2048, 1));
    expect(figuresOf(store, 'btrfs')[2]).toBe(0);
    web.fs.appendFileSync('/small', 'x');
    expect(figuresOf(store, 'btrfs')[2]).toBe(4096);
  });
});

describe('truncation and holes', () => {
  test('a cut inside of a block writes that block anew on xfs, and on btrfs once the file grows again', async () => {
    const [store, web] = await containerOf({ 'big.bin': 20_000 });
    const xfs = 'overlay2-reflink:zeroes-tail=1';
    web.fs.truncateSync('/big.bin', 5000);
    // The clone's own last block of 3616 bytes, then the block that was cut.
    expect(figuresOf(store, xfs)).toEqual([3616 + 904, 2 * 4096, 4096]);
    expect(figuresOf(store, 'overlay2-reflink')).toEqual([0, 0, 0]);
    expect(figuresOf(store, 'btrfs')).toEqual([0, 0, 0]);
    web.fs.truncateSync('/big.bin', 6000);
    expect(figuresOf(store, xfs)[2]).toBe(4096);
    expect(figuresOf(store, 'btrfs')).toEqual([904, 4096, 4096]);
    web.fs.truncateSync('/big.bin', 4096);
    for (const driver of [xfs, 'overlay2-reflink', 'btrfs']) expect(figuresOf(store, driver)[2]).toBe(0);
  });

  test('what a hole took away is written without a copy', async () => {
    const [store, web] = await containerOf({ 'big.bin': 20_000 });
    const fd = web.fs.openSync('/big.bin', 'r+');
    web.fs.linux.fallocateSync(fd, KEEP_SIZE | PUNCH_HOLE, 4096, 8192);
    web.fs.writeSync(fd, 'x', 5000);
    web.fs.closeSync(fd);
    expect(figuresOf(store, 'overlay2-reflink')).toEqual([0, 0, 4096]);
  });
});
