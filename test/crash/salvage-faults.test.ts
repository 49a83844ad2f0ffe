/** Salvage on a disk that fails: it says so, the damaged log stays as it is, and the next attempt saves all. */

import { expect, test } from 'vitest';
import { salvageLog } from '../../src/storage/file/salvage.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { type CallName, FailingDisk, type Fault } from './failing-disk.ts';
import { appendNext, DIRECTORY, expectPrefix, openOn } from './log-workload.ts';
import { SimulatedDisk } from './simulated-disk.ts';
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
  { what: 'a read with EIO', calls: ['readSync'], code: 'EIO' },
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
