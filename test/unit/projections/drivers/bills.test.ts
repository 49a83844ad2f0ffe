import { firstValueFrom, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { openStore, STORAGE_DRIVERS } from '../../../../src/index.ts';
import { billOf, containerOf, figuresOf, storeOf } from './driver-kit.ts';

describe('layers', () => {
  test('are counted once, with what each driver stores of them', async () => {
    const store = await storeOf({ 'a/': 0, 'a/big': 10_000, 'a/small': 100 }, { 'a/big': 5000 });
    expect(billOf(store, 'overlay2').layers.dataBytes).toBe(12_288 + 4096 + 8192);
    expect(billOf(store, 'btrfs').layers.dataBytes).toBe(12_288 + 8192);
    // Both layers in full: the second copies what it does not replace.
    expect(billOf(store, 'vfs').layers.dataBytes).toBe(12_288 + 4096 + (8192 + 4096));
    // The second file is a copy of the first, and what it replaces lies where the new blocks go.
    expect(billOf(store, 'containerd-blockfile').layers.dataBytes).toBe(2 * (12_288 + 4096));
    expect(billOf(store, 'containerd-blockfile:sparse=0').layers.dataBytes).toBe(2 * 500 * 2 ** 20);
    // 16 KiB of the first unit; the second layer's file lies in the blocks of the one that it replaces.
    expect(billOf(store, 'devicemapper').layers.dataBytes).toBe(2 * 65_536);
    expect(billOf(store, 'zfs').layers.dataBytes).toBe(12_288 + 4096 + 8192);
  });

  test('hold holes without room', async () => {
    const store = await openStore();
    const web = await store.containers.create({ name: 'web' });
    const fd = web.fs.openSync('/sparse', 'w');
    web.fs.writeSync(fd, 'x', 10_000_000);
    web.fs.closeSync(fd);
    await web.commit({ tag: 'sparse:1' });
    for (const driver of ['overlay2', 'btrfs']) expect(billOf(store, driver).layers.dataBytes).toBe(4096);
    expect(billOf(store, 'zfs').layers.dataBytes).toBe(131_072);
    expect(billOf(store, 'qcow2').layers.dataBytes).toBe(65_536);
  });
});

describe('a file with holes', () => {
  const sparse = async () => {
    const store = await openStore();
    const builder = await store.containers.create({ name: 'builder' });
    const fd = builder.fs.openSync('/sparse', 'w');
    builder.fs.writeSync(fd, 'x', 10_000_000);
    builder.fs.closeSync(fd);
    await builder.commit({ tag: 'sparse:1' });
    await builder.remove();
    return [store, await store.containers.create({ name: 'web', image: 'sparse:1' })] as const;
  };
  const DENSE = Math.ceil(10_000_001 / 4096) * 4096;

  test('is copied up with holes by the kernel, and without by a program that reads and writes', async () => {
    const [store, web] = await sparse();
    web.fs.chmodSync('/sparse', 0o600);
    expect(figuresOf(store, 'overlay2')[2]).toBe(4096);
    expect(figuresOf(store, 'fuse-overlayfs')).toEqual([10_000_001, DENSE, DENSE]);
    web.fs.truncateSync('/sparse', 5000);
    expect(figuresOf(store, 'fuse-overlayfs')[2]).toBe(8192);
  });

  test('has none in a full copy, until the container makes some', async () => {
    const [store, web] = await sparse();
    const data = () => billOf(store, 'vfs').containers[0].dataBytes;
    expect([data(), billOf(store, 'vfs').layers.dataBytes]).toEqual([DENSE, DENSE]);
    web.fs.truncateSync('/sparse', 0);
    web.fs.truncateSync('/sparse', 10_000_000);
    web.fs.appendFileSync('/sparse', 'x');
    expect(data()).toBe(4096);
  });
});

test('an EROFS layer has files in whole blocks, and what lies beside inodes in slots of 32 bytes', async () => {
  // The sizes that mkfs.erofs -Enoinline_data,force-inode-extended makes of the same files.
  const store = await storeOf({ 'd/': 0, 'd/f5000': 5000, f8192: 8192, one: 2 });
  expect(billOf(store, 'containerd-erofs').layers).toMatchObject({ dataBytes: 20_480, metadataBytes: 4096 });
  const many = await storeOf(
    Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`n${at}${'x'.repeat(40)}`, 0])),
  );
  expect(billOf(many, 'containerd-erofs').layers).toMatchObject({ dataBytes: 0, metadataBytes: 28_672 });
});

describe('containerd-blockfile', () => {
  test('grows with each layer as its documentation counts it', async () => {
    const store = await storeOf({ a: 2 ** 20 }, { b: 2 ** 20 }, { c: 2 ** 20 });
    expect(billOf(store, 'containerd-blockfile').layers.dataBytes).toBe((1 + 2 + 3) * 2 ** 20);
  });

  test('keeps the blocks of a removed file, and uses them again', async () => {
    const [store, web] = await containerOf({ a: 2 ** 20 });
    web.fs.unlinkSync('/a');
    const bill = () => billOf(store, 'containerd-blockfile').containers[0];
    expect([bill().dataBytes, bill().retainedBytes]).toEqual([2 ** 20, 2 ** 20]);
    web.fs.writeFileSync('/b', Buffer.alloc(2 ** 19, 1));
    expect([bill().dataBytes, bill().retainedBytes, bill().firstWrites.count]).toEqual([2 ** 20, 2 ** 19, 0]);
  });
});

describe('making a container', () => {
  test('copies the image where there are no snapshots', async () => {
    const [store] = await containerOf({ 'a/': 0, 'a/big': 10_000 });
    const creation = (driver: string) => billOf(store, driver).containers[0].creation.copiedBytes;
    expect(creation('vfs')).toBe(10_000);
    expect(creation('containerd-blockfile')).toBe(12_288);
    expect(creation('containerd-blockfile:sparse=0')).toBe(500 * 2 ** 20);
    for (const driver of ['overlay2', 'btrfs', 'zfs', 'devicemapper', 'qcow2']) expect(creation(driver)).toBe(0);
  });

  test('as a fork copies the upper where a writable layer cannot be shared', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    web.fs.appendFileSync('/big.bin', 'x');
    const at = store.seq;
    web.fs.writeFileSync('/later', Buffer.alloc(50_000));
    await store.containers.fork('web', { at, name: 'fork' });
    const creation = (driver: string) => billOf(store, driver).containers[1].creation.copiedBytes;
    expect(creation('overlay2')).toBe(100_001);
    expect(creation('btrfs')).toBe(0);
  });
});

describe('forks', () => {
  test('share what was written before, count it once, and write it anew', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    const write = (fs: typeof web.fs, at: number): void => {
      const fd = fs.openSync('/big.bin', 'r+');
      fs.writeSync(fd, 'x', at);
      fs.closeSync(fd);
    };
    write(web.fs, 0);
    const fork = await store.containers.fork('web', { name: 'fork' });
    expect(figuresOf(store, 'btrfs')).toEqual([4095, 4096, 4096]);
    expect(billOf(store, 'btrfs').containers.map(({ dataBytes }) => dataBytes)).toEqual([4096, 4096]);
    // The same block again: no longer shared with the fork, and a first write.
    write(web.fs, 1);
    expect(figuresOf(store, 'btrfs')).toEqual([8190, 8192, 8192]);
    // The fork's own is not shared any more, but it cannot know.
    write(fork.fs, 2);
    expect(figuresOf(store, 'btrfs')).toEqual([12_285, 12_288, 8192]);
  });

  test('of an earlier moment do not share what came later', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    web.fs.writeFileSync('/a', Buffer.alloc(4096, 1));
    const at = store.seq;
    web.fs.writeFileSync('/b', Buffer.alloc(4096, 2));
    await store.containers.fork('web', { at, name: 'fork' });
    expect(billOf(store, 'btrfs').containers.map(({ dataBytes }) => dataBytes)).toEqual([8192, 4096]);
    expect(
      billOf(store, 'btrfs').containers.map(({ freedBytes, metadataBytes }) => freedBytes - metadataBytes),
    ).toEqual([4096, 0]);
    expect(billOf(store, 'btrfs').total.dataBytes - billOf(store, 'btrfs').layers.dataBytes).toBe(8192);
  });

  test('with vfs have no holes of a file that only a descriptor holds', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    const before = billOf(store, 'vfs').containers[0].dataBytes;
    const fd = web.fs.openSync('/sparse', 'w');
    web.fs.writeSync(fd, 'x', 70_000);
    expect(billOf(store, 'vfs').containers[0].dataBytes).toBe(before + 4096);
    web.fs.unlinkSync('/sparse');
    expect(billOf(store, 'vfs').containers[0].dataBytes).toBe(before);
    web.fs.closeSync(fd);
    expect(billOf(store, 'vfs').containers[0].dataBytes).toBe(before);
  });

  test('and rewinds to before what was asked last are told as by a store that is asked once', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    web.fs.writeFileSync('/a', Buffer.alloc(4096, 1));
    const first = store.seq;
    web.fs.writeFileSync('/b', Buffer.alloc(8192, 2));
    const second = store.seq;
    const drivers = store.storageBills().map(({ driver }) => driver);
    await store.containers.fork('web', { at: first, name: 'early' });
    web.fs.appendFileSync('/b', 'x');
    // Each list of drivers has books of its own, which begin with the log.
    expect(store.storageBills()).toEqual(store.storageBills({ drivers }));
    drivers.reverse();
    await store.rewind('web', second);
    await store.containers.rewindPath('web', first, '/b');
    web.fs.appendFileSync('/a', 'x');
    expect(store.storageBills().toReversed()).toEqual(store.storageBills({ drivers }));
  });

  test('a rewind gives the space back', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    const at = store.seq;
    web.fs.appendFileSync('/big.bin', Buffer.alloc(50_000));
    expect(figuresOf(store, 'devicemapper')[2]).toBeGreaterThan(0);
    await store.rewind('web', at);
    for (const driver of ['overlay2', 'btrfs', 'devicemapper', 'qcow2']) expect(figuresOf(store, driver)[2]).toBe(0);
  });
});

describe('removing', () => {
  test('a file of the container gives its blocks back, but not those of a device', async () => {
    const [store, web] = await containerOf({ 'etc/': 0 });
    web.fs.writeFileSync('/tmp', Buffer.alloc(131_072, 1));
    web.fs.unlinkSync('/tmp');
    for (const driver of ['overlay2', 'btrfs', 'zfs']) expect(figuresOf(store, driver)[2]).toBe(0);
    expect(billOf(store, 'devicemapper').containers[0]).toMatchObject({ dataBytes: 131_072, retainedBytes: 131_072 });
    // The file system uses the blocks again.
    web.fs.writeFileSync('/tmp', Buffer.alloc(65_536, 1));
    expect(billOf(store, 'devicemapper').containers[0]).toMatchObject({ dataBytes: 131_072, retainedBytes: 65_536 });
  });

  test('a file of the image leaves room on the device of the container, once its last name is gone', async () => {
    const store = await openStore();
    const first = await store.containers.create({ name: 'first' });
    first.fs.writeFileSync('/a', Buffer.alloc(131_072, 1));
    first.fs.linkSync('/a', '/b');
    await first.commit({ tag: 'linked:1' });
    const web = await store.containers.create({ name: 'web', image: 'linked:1' });
    const dataOf = (): number => billOf(store, 'devicemapper').containers[1].dataBytes;
    web.fs.unlinkSync('/a');
    web.fs.writeFileSync('/x', Buffer.alloc(4096, 2));
    expect(billOf(store, 'devicemapper').containers[1].firstWrites.count).toBe(0);
    expect(dataOf()).toBe(65_536);
    web.fs.unlinkSync('/b');
    // Its first free block is shared with the image: a write to it copies.
    web.fs.writeFileSync('/y', Buffer.alloc(4096, 3));
    expect(billOf(store, 'devicemapper').containers[1].firstWrites).toEqual({
      count: 1,
      copiedBytes: 65_536,
      takenBytes: 65_536,
    });
    expect(dataOf()).toBe(2 * 65_536);
  });
});

describe('other histories', () => {
  test('metacopy leaves data where it is until it is written', async () => {
    const store = await storeOf({ 'big.bin': 100_000 });
    const web = await store.containers.create({
      image: 'app',
      name: 'web',
      profile: { metacopy: true, redirectDir: true },
    });
    web.fs.chmodSync('/big.bin', 0o600);
    for (const driver of ['overlay2', 'overlay2-reflink', 'btrfs']) expect(figuresOf(store, driver)).toEqual([0, 0, 0]);
    expect(billOf(store, 'vfs').containers[0].dataBytes).toBe(102_400);
    web.fs.appendFileSync('/big.bin', 'x');
    expect(figuresOf(store, 'overlay2')).toEqual([100_000, 102_400, 102_400]);
    expect(figuresOf(store, 'btrfs')).toEqual([100_000 % 4096, 4096, 4096]);
  });

  test('an undone group gives files back what they shared, and takes away what it made', async () => {
    const [store, web] = await containerOf({ 'big.bin': 100_000 });
    web.fs.chmodSync('/big.bin', 0o600);
    store.group('step', () => {
      web.fs.appendFileSync('/big.bin', Buffer.alloc(10_000));
      web.fs.writeFileSync('/new', Buffer.alloc(10_000, 1));
    });
    expect(figuresOf(store, 'btrfs')[2]).toBe(3 * 4096 + 3 * 4096);
    await store.containers.undo('web', 'step');
    for (const driver of ['overlay2-reflink', 'btrfs', 'zfs']) expect(figuresOf(store, driver)[2]).toBe(0);
    expect(figuresOf(store, 'overlay2')[2]).toBe(102_400);
  });
});

describe('limits', () => {
  test('tell what the history runs into', async () => {
    const [store] = await containerOf({ 'big.bin': 3 * 2 ** 20 });
    const hit = (driver: string) => billOf(store, driver).limits.filter(({ isHit }) => isHit);
    expect(hit('overlay2')).toEqual([]);
    expect(hit('containerd-blockfile:file-size=4M')).toEqual([]);
    expect(hit('containerd-blockfile:file-size=2M')).toMatchObject([{ reached: 3 * 2 ** 20 + 4096 }]);
  });

  test('a stack of 129 layers is too deep for overlay2', async () => {
    const layers = Array.from({ length: 129 }, (_, index) => ({ [`f${index}`]: 1 }));
    const [store] = await containerOf(...layers);
    expect(billOf(store, 'overlay2').limits[0]).toMatchObject({ reached: 129, isHit: true });
    for (const driver of ['overlay2', 'aufs', 'devicemapper', 'btrfs', 'zfs', 'vfs']) {
      const hit = billOf(store, driver).limits.filter(({ isHit }) => isHit);
      expect([driver, hit.map(({ limit }) => limit)]).toContainEqual(
        expect.arrayContaining(['Docker takes at most 125 layers']),
      );
    }
    expect(billOf(store, 'containerd-erofs').limits[0]).toMatchObject({ reached: 129, isHit: false });
    expect(billOf(store, 'overlay2').read.lookups).toBe(130);
  });

  test('a hard link of the image that breaks is told', async () => {
    const store = await openStore();
    const first = await store.containers.create({ name: 'first' });
    first.fs.writeFileSync('/a', 'a');
    first.fs.linkSync('/a', '/b');
    await first.commit({ tag: 'linked:1' });
    const web = await store.containers.create({ name: 'web', image: 'linked:1' });
    web.fs.appendFileSync('/a', 'x');
    expect(billOf(store, 'overlay2').limits.at(-1)).toMatchObject({ reached: 1, isHit: true });
  });
});

describe('storageBills', () => {
  test('says each figure with its formula, source and parameters', async () => {
    const [store] = await containerOf({ 'big.bin': 1000 });
    const bills = store.storageBills();
    expect(bills.map(({ driver }) => driver)).toEqual(STORAGE_DRIVERS.map(({ name }) => name));
    for (const { rules, limits } of bills) {
      for (const { formula, source } of Object.values(rules)) expect([formula, source]).not.toContain('');
      for (const { limit, source } of limits) expect([limit, source]).not.toContain('');
    }
  });

  test.each([
    ['ext4', 'there is no storage driver "ext4"; there are overlay2, '],
    ['overlay2:x=1', 'overlay2 has no parameter "x"; it has none'],
    ['qcow2:cluster-size=100', 'qcow2: cluster-size is a number from 512 to 2097152'],
    ['qcow2:cluster-size=1000', 'qcow2: cluster-size is a power of two'],
    ['qcow2:cluster-size=', 'qcow2: cluster-size is a number'],
    ['qcow2:cluster-size=4K,extended-l2=1', 'qcow2: extended-l2 wants clusters of at least 16 KiB'],
  ])('refuses %s', async (asked, message) => {
    const store = await openStore();
    expect(() => store.storageBills({ drivers: [asked] })).toThrow(message);
  });

  test('is an observable, too: the present bills, then new ones', async () => {
    const [store, web] = await containerOf({ 'big.bin': 10_000 });
    const copied = store.storageBills$(['overlay2']);
    const seen = firstValueFrom(copied.pipe(take(2), toArray()));
    web.fs.chmodSync('/big.bin', 0o600);
    expect((await seen).map(([bill]) => bill.firstWrites.copiedBytes)).toEqual([0, 10_000]);
  });
});

describe('storageStory', () => {
  test('tells call by call what a file cost, from before it was forked on', async () => {
    const [store, web] = await containerOf({ 'big.bin': 10_000 });
    web.fs.chmodSync('/big.bin', 0o600);
    const at = store.seq;
    web.fs.truncateSync('/big.bin', 1);
    await store.containers.fork('web', { at, name: 'fork' });
    web.fs.appendFileSync('/big.bin', 'later');
    const fork = store.containers.get('fork');
    fork.fs.appendFileSync('/big.bin', 'xy');
    const { drivers, steps } = store.storageStory('fork', '/big.bin', {
      drivers: ['overlay2', 'btrfs', 'qcow2:cluster-size=4K'],
    });
    expect(drivers).toEqual(['overlay2', 'btrfs', 'qcow2:cluster-size=4096']);
    expect(steps.map(({ cause, writtenBytes, costs }) => [cause[0], writtenBytes, costs])).toEqual([
      ['chmod', 0, [{ copiedBytes: 10_000, takenBytes: 12_288 }, null, null]],
      ['appendFile', 2, [null, { copiedBytes: 1808, takenBytes: 4096 }, { copiedBytes: 0, takenBytes: 4096 }]],
    ]);
    expect(() => store.storageStory('fork', '/none')).toThrow('there is nothing at /none');
  });
});
