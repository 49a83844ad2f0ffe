import { expect, test } from 'vitest';
import { appendNext, DIRECTORY, expectPrefix, openOn } from '../../crash/log-workload.ts';
import { SimulatedDisk } from '../../crash/simulated-disk.ts';

const INDEX = /\.index$/;
const OPTIONS = { segmentBytesMax: 2 << 20 };

/** Counts the bytes that are read of segments. */
class CountingDisk extends SimulatedDisk {
  segmentBytes = 0;
  readonly #segments = new Set<number>();

  override openSync(path: string, flags: 'r' | 'r+' | 'wx+'): number {
    const fd = super.openSync(path, flags);
    if (path.endsWith('.seg')) this.#segments.add(fd);
    return fd;
  }

  override readSync(fd: number, buffer: Buffer, offset: number, length: number, position: number): number {
    const count = super.readSync(fd, buffer, offset, length, position);
    if (this.#segments.has(fd)) this.segmentBytes += count;
    return count;
  }
}

/** Fills a disk with a closed log of some MiB. */
function fill(disk: SimulatedDisk): ReturnType<typeof appendNext>[] {
  const log = openOn(disk, OPTIONS);
  const all = [];
  for (let count = 0; count < 8; count++) {
    for (let chunk = 0; chunk < 12; chunk++) log.chunks.put(Buffer.alloc(65_536, `${count}/${chunk}`));
    for (let each = 0; each < 40; each++) all.push(appendNext(log));
  }
  log.closeSync();
  return all;
}

test('opening a log whose segments have index files scans only what they do not cover', () => {
  const disk = new CountingDisk();
  const all = fill(disk);
  disk.segmentBytes = 0;
  const log = openOn(disk, OPTIONS);
  expect(disk.segmentBytes).toBeLessThan((1 << 20) + (4 << 10)); // what stands behind the last index file, of 7 MiB
  expect(expectPrefix(log, all)).toBe(all.length);
  expect(log.chunks.put(Buffer.alloc(65_536, '3/7'))).toBeLessThan(log.chunks.head);
  appendNext(log);
  log.closeSync();
});

test('a log with index files that are damaged, cut, exchanged or gone holds the same', () => {
  const disk = new SimulatedDisk();
  const all = fill(disk);
  const paths = disk.paths().filter((path) => INDEX.test(path));
  expect(paths.length).toBeGreaterThan(2);
  for (const path of paths) {
    const whole = Buffer.from(disk.bytes(path));
    for (const bytes of [
      ...[0, 5, 60, 300, 900, whole.length - 40].map((at) => withBitFlipped(whole, at)),
      whole.subarray(0, 100),
      whole.subarray(0, whole.length - 1),
      Buffer.from(disk.bytes(paths[0])),
      null,
    ]) {
      const changed = disk.clone();
      if (bytes === null) changed.unlinkSync(path);
      else changed.put(path, bytes);
      const log = openOn(changed, { readOnly: true });
      expect(expectPrefix(log, all)).toBe(all.length);
      log.closeSync();
    }
  }
});

test('a bit that changes in what an index file covers is refused when it is read', () => {
  const disk = new SimulatedDisk();
  const all = fill(disk);
  const segment = `${DIRECTORY}/log/00000000000000000002.seg`;
  const whole = disk.bytes(segment);
  let refused = 0;
  for (let at = 100; at < whole.length; at += 99_973) {
    const changed = disk.clone();
    changed.put(segment, withBitFlipped(whole, at));
    try {
      const log = openOn(changed, { readOnly: true });
      expect(expectPrefix(log, all)).toBe(all.length); // then it lies in a chunk that no transaction names, or in a commit
      for (let chunk = 1; chunk <= log.chunks.head; chunk++) log.chunks.get(chunk);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_LOG_CORRUPT' });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(15);
});

function withBitFlipped(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[at] ^= 4;
  return flipped;
}
