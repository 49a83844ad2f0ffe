/**
 * Salvage on a disk that fails: what the damaged log's disk does not give is left out, every other failure is told, the
 * damaged log stays as it is, and the next attempt saves all.
 */

import { expect, test } from 'vitest';
import type { LogFileSystem } from '../../src/storage/file/log-file-system.ts';
import { salvageLog } from '../../src/storage/file/salvage.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { type CallName, FailingDisk, type Fault } from './failing-disk.ts';
import { appendNext, DIRECTORY, expectPrefix, openOn } from './log-workload.ts';
import { errno, SimulatedDisk } from './simulated-disk.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';

function damagedLog(): { disk: SimulatedDisk; all: ReturnType<typeof appendNext>[] } {
  const disk = new SimulatedDisk();
  const log = openOn(disk, { segmentBytesMax: 4096 });
  const all = Array.from({ length: 40 }, () => {
    const transaction = appendNext(log);
    log.flushSync();
    return transaction;
  });
  log.closeSync();
  const segments = disk.paths().filter((path) => path.endsWith('.seg'));
  const bytes = disk.bytes(segments[2]);
  bytes[700] ^= 4;
  disk.put(segments[2], bytes);
  return { disk, all };
}

const segmentsOf = (disk: SimulatedDisk): string[] =>
  disk
    .paths()
    .filter((path) => path.startsWith(`${DIRECTORY}/log`) && path.endsWith('.seg'))
    .map((path) => disk.bytes(path).toString('hex'));

test.each<{ what: string; calls: readonly CallName[]; code: string; shortBytes?: number }>([
  { what: 'a read with EMFILE', calls: ['readSync'], code: 'EMFILE' },
  { what: 'a write with EIO', calls: ['writeSync'], code: 'EIO' },
  { what: 'a write with ENOSPC after 9 bytes', calls: ['writeSync'], code: 'ENOSPC', shortBytes: 9 },
  { what: 'a sync with EIO', calls: ['fdatasyncSync', 'fsyncSync'], code: 'EIO' },
  { what: 'a call about names with ENOSPC', calls: ['openSync', 'renameSync', 'mkdirSync'], code: 'ENOSPC' },
])('$what is told, whichever it is, and leaves the damaged log as it is', (kind) => {
  const { disk, all } = damagedLog();
  const before = segmentsOf(disk);
  const save = (target: string, fault: Fault | null) => {
    const failing = new FailingDisk(disk, fault);
    return { failing, run: () => salvageLog(DIRECTORY, target, { fileSystem: failing.files }) };
  };
  const whole = save('/whole', { ...kind, nth: Infinity });
  const saved = whole.run();
  expect(saved).toMatchObject({ damage: { byte: expect.any(Number) } });
  expect(whole.failing.matched).toBeGreaterThan(3);
  let failed = 0;
  for (let nth = 1; nth <= whole.failing.matched; nth++) {
    const { run } = save(`/try-${nth}`, { ...kind, nth, once: true });
    // An index file that can't be written is left out; everything else is told.
    if (!fails(run)) expect(verifyLog(`/try-${nth}`, { fileSystem: disk }).head).toBe(saved.events);
    else failed++;
    expect(segmentsOf(disk)).toEqual(before);
    expect(disk.openDescriptors).toBe(0);
    expect(save(`/again-${nth}`, null).run()).toEqual(saved);
    const copy = openFileLog(`/again-${nth}`, { fileSystem: disk, readOnly: true, syncIntervalMs: 0 });
    expect(expectPrefix(copy, all)).toBeGreaterThan(5);
    copy.closeSync();
  }
  expect(failed).toBeGreaterThan(3);
});

function fails(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch {
    return true;
  }
}

test.each([
  { what: 'one block', from: 8192, length: 4096 },
  { what: 'the first block', from: 0, length: 4096 },
  { what: 'all of it', from: 0, length: Infinity },
])('of a segment of which the disk does not give $what, all in front is saved, and behind it what there is', (lost) => {
  const disk = new SimulatedDisk();
  const log = openOn(disk, { segmentBytesMax: 32_768 });
  const all = Array.from({ length: 400 }, () => {
    const transaction = appendNext(log);
    log.flushSync();
    return transaction;
  });
  log.closeSync();
  const segments = disk.paths().filter((path) => path.endsWith('.seg'));
  expect(segments.length).toBeGreaterThan(2);
  const [, path] = segments;
  const bytes = disk.bytes(path);
  const end = Math.min(lost.from + lost.length, bytes.length);
  const saved = salvageLog(DIRECTORY, '/saved', { fileSystem: unreadable(disk, path, lost.from, end) });
  expect(saved.damage?.segment).toBe('00000000000000000002.seg');
  expect(saved.damage?.reason).toContain(`the disk does not give byte ${lost.from} (EIO)`);
  const from = saved.damage?.byte ?? -1;
  expect(from).toBeLessThanOrEqual(lost.from);
  expect(saved.lostBytes).toBe(end - lost.from);
  // In front of the damage: what would be there had it been cut at that byte.
  const copy = openFileLog('/saved', { fileSystem: disk, readOnly: true, syncIntervalMs: 0 });
  expect(expectPrefix(copy, all)).toBeGreaterThan(20);
  expect(copy.head).toBe(saved.events);
  copy.closeSync();
  // Behind it, zeros for what is lost, and the rest as it is.
  const expected = bytes.subarray(from);
  expected.fill(0, Math.max(0, lost.from - from), end - from);
  expect(disk.bytes(`/saved/unread/00000000000000000002.seg-from-${from}`).equals(expected)).toBe(true);
  expect(disk.bytes('/saved/unread/00000000000000000003.seg-from-0').equals(disk.bytes(segments[2]))).toBe(true);
  expect(disk.openDescriptors).toBe(0);
});

/** A disk that fails to read a stretch of one file, however often it is asked. */
function unreadable(disk: SimulatedDisk, path: string, from: number, end: number): LogFileSystem {
  const paths = new Map<number, string>();
  const { files } = new FailingDisk(disk, null);
  return {
    ...files,
    openSync: (name, flags) => {
      const fd = files.openSync(name, flags);
      paths.set(fd, name);
      return fd;
    },
    readSync: (fd, buffer, offset, length, position) => {
      if (paths.get(fd) === path && position < end && position + length > from) throw errno('EIO', path);
      return files.readSync(fd, buffer, offset, length, position);
    },
  };
}
