import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../src/events/event.ts';
import { lastSeq } from '../../src/events/event.ts';
import { isStoreError } from '../../src/events/log-error.ts';
import type { FileLog } from '../../src/storage/file/file-log.ts';
import { codeOf, rejectedCodeOf, transactionAt } from '../unit/storage/log-fixtures.ts';
import { type CallName, FailingDisk, type Fault } from './failing-disk.ts';
import { appendNext, DIRECTORY, expectPrefix, openOn } from './log-workload.ts';
import { SimulatedDisk } from './simulated-disk.ts';

/** What a run got to before it failed. */
interface Run {
  all: Transaction[];
  flushedSeq: number;
  syncedSeq: number;
  failedAt: unknown;
}

/** Opens, appends over several segments, flushes, syncs and closes, until something fails. */
function work(fault: Fault | null): { disk: SimulatedDisk; run: Run; failing: FailingDisk } {
  const disk = new SimulatedDisk();
  const failing = new FailingDisk(disk, fault);
  const run: Run = { all: [], flushedSeq: 0, syncedSeq: 0, failedAt: null };
  let log: FileLog | null = null;
  try {
    log = openOn(failing.files, { segmentBytesMax: 4096 });
    for (let index = 0; index < 60; index++) {
      run.all.push(appendNext(log));
      if (index % 5 === 4) log.flushSync();
      if (index % 5 === 4) run.flushedSeq = log.head;
      if (index % 20 === 19) log.syncSync();
      run.syncedSeq = log.syncedSeq;
    }
    log.closeSync();
  } catch (error) {
    run.failedAt = error;
    if (log !== null) afterFailure(log, run, error);
  }
  return { disk, run, failing };
}

/** The log is poisoned: every write says so with the cause, reads go on, closing releases everything. */
function afterFailure(log: FileLog, run: Run, error: unknown): void {
  if (!isStoreError(error, 'ERR_LOG_FAILED')) throw error;
  expect((error.cause as NodeJS.ErrnoException).code).toMatch(/^E(IO|NOSPC)$/);
  if (codeOf(() => log.flushSync()) === 'ERR_LOG_CLOSED') return; // it was closing that failed
  expect(log.failed).toBe(true);
  for (const call of [
    () => log.append(transactionAt(log.head + 1)),
    () => log.chunks.put(Buffer.from('new')),
    () => log.flushSync(),
    () => log.syncSync(),
  ]) {
    expect(codeOf(call)).toBe('ERR_LOG_FAILED');
  }
  expect(expectPrefix(log, run.all)).toBeGreaterThanOrEqual(run.all.length - 1);
  expect(codeOf(() => log.closeSync())).toBe('ERR_LOG_FAILED');
  expect(codeOf(() => log.closeSync())).toBe('no error');
}

/** Without the fault, the store opens with all that was flushed, and takes writes again. */
function expectWholeAfterwards(disk: SimulatedDisk, run: Run): void {
  expect(disk.openDescriptors).toBe(0);
  expect(disk.paths().filter((path) => path.startsWith(`${DIRECTORY}/lock`))).toStrictEqual([]);
  const log = openOn(disk);
  const kept = expectPrefix(log, run.all);
  expect(kept === 0 ? 0 : lastSeq(run.all[kept - 1])).toBeGreaterThanOrEqual(Math.max(run.flushedSeq, run.syncedSeq));
  const next = appendNext(log);
  log.closeSync();
  const again = openOn(disk);
  expectPrefix(again, [...run.all.slice(0, kept), next]);
  again.closeSync();
}

const WRITING: readonly CallName[] = ['writeSync'];
const SYNCING: readonly CallName[] = ['fdatasyncSync', 'fsyncSync'];
const NAMING: readonly CallName[] = ['renameSync', 'openSync'];

describe('a call that fails', () => {
  const count = (fault: Omit<Fault, 'nth'>): number => work({ ...fault, nth: Infinity }).failing.matched;

  test.each<Omit<Fault, 'nth'> & { what: string }>([
    { what: 'a write with EIO', calls: WRITING, code: 'EIO' },
    { what: 'a write with ENOSPC', calls: WRITING, code: 'ENOSPC' },
    { what: 'a write with ENOSPC after 1 byte', calls: WRITING, code: 'ENOSPC', shortBytes: 1 },
    { what: 'a write with ENOSPC after 150 bytes', calls: WRITING, code: 'ENOSPC', shortBytes: 150 },
    { what: 'a sync with EIO', calls: SYNCING, code: 'EIO' },
    // An index file that does not open is as one that is not there (beside-faults.test.ts).
    { what: 'a rename or open with ENOSPC', calls: NAMING, code: 'ENOSPC', within: '/log/' },
  ])('$what closes the log for writing, whichever it is, and leaves a whole store', (fault) => {
    const calls = count(fault);
    expect(calls).toBeGreaterThan(4);
    for (let nth = 1; nth <= calls; nth++) {
      const { disk, run } = work({ ...fault, nth, once: true });
      expect(run.failedAt).not.toBeNull();
      expectWholeAfterwards(disk, run);
    }
  });

  test('a failed write is not tried again, even when the disk would take it', () => {
    const { failing } = work({ calls: WRITING, nth: 4, code: 'EIO', once: true });
    const writes = failing.calls.filter((name) => name === 'writeSync');
    expect(writes).toHaveLength(4);
  });

  test('short writes are continued', () => {
    const disk = new SimulatedDisk();
    const short = { ...new FailingDisk(disk, null).files };
    short.writeSync = (fd, buffer, offset, length, position) =>
      disk.writeSync(fd, buffer, offset, Math.min(length, 7), position);
    const log = openOn(short);
    const all = Array.from({ length: 10 }, () => appendNext(log));
    log.closeSync();
    const again = openOn(disk);
    expect(expectPrefix(again, all)).toBe(10);
    again.closeSync();
  });

  test('an asynchronous sync that fails rejects all who share it and closes the log for writing', async () => {
    const disk = new SimulatedDisk();
    const failing = new FailingDisk(disk, { calls: ['fdatasync'], nth: 1, code: 'EIO', once: true });
    const log = openOn(failing.files);
    const first = appendNext(log);
    const shared = [log.sync(), log.sync()];
    for (const promise of shared) expect(await rejectedCodeOf(promise)).toBe('ERR_LOG_FAILED');
    expect(log.failed).toBe(true);
    expect(await rejectedCodeOf(log.flush())).toBe('ERR_LOG_FAILED');
    expect(await rejectedCodeOf(log.sync())).toBe('ERR_LOG_FAILED');
    expect(expectPrefix(log, [first])).toBe(1);
    expect(await rejectedCodeOf(log.close())).toBe('ERR_LOG_FAILED');
    expect(disk.openDescriptors).toBe(0);
  });

  test('a read that fails says so and leaves the log open', () => {
    const disk = new SimulatedDisk();
    const log = openOn(disk);
    const first = appendNext(log);
    log.closeSync();
    const opening = new FailingDisk(disk, null);
    openOn(opening.files, { readOnly: true }).closeSync();
    const nth = opening.calls.filter((name) => name === 'readSync').length + 1;
    const failing = new FailingDisk(disk, { calls: ['readSync'], nth, code: 'EIO', once: true });
    const again = openOn(failing.files, { readOnly: true });
    expect(() => [...again.read()]).toThrow('EIO');
    expect(expectPrefix(again, [first])).toBe(1);
    again.closeSync();
  });
});
