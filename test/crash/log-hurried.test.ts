import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../src/events/event.ts';
import { lastSeq } from '../../src/events/event.ts';
import type { FileLog } from '../../src/storage/file/file-log.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { appendNext, DIRECTORY, expectPrefix, openOn } from './log-workload.ts';
import { randomFrom, SimulatedDisk } from './simulated-disk.ts';

const LOG = join(DIRECTORY, 'log');
/** Small enough that a run rolls some times. */
const SEGMENT_BYTES_MAX = 400_000;

type Step =
  | { readonly type: 'append' }
  /** A transaction without content. */
  | { readonly type: 'truncate' }
  /** New content, or (with a seed that was there before) content that the log has. */
  | { readonly type: 'put'; readonly bytes: number; readonly seed: number }
  | { readonly type: 'flush' }
  | { readonly type: 'settle' }
  | { readonly type: 'sync' };

const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ type: 'append' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ type: 'truncate' }) },
  {
    weight: 3,
    arbitrary: fc.record<Step & { type: 'put' }>({
      type: fc.constant('put'),
      bytes: fc.constantFrom(1, 700, 4096, 20_000, 65_536),
      seed: fc.integer({ min: 0, max: 12 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ type: 'flush' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'settle' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'sync' }) },
);
const anySteps = fc.array(anyStep, { minLength: 20, maxLength: 80 });

/** Bytes that differ from those of another seed in one place. */
function bytesOf(bytes: number, seed: number): Buffer {
  const content = Buffer.alloc(bytes, 7);
  content[bytes >> 1] = seed;
  return content;
}

function take(log: FileLog, all: Transaction[], step: Step, isHurried: boolean): void {
  if (step.type === 'append') all.push(appendNext(log));
  else if (step.type === 'truncate') all.push(appendTruncation(log));
  else if (step.type === 'put') {
    const content = bytesOf(step.bytes, step.seed);
    expect(content.equals(log.chunks.get(log.chunks.put(content)))).toBe(true);
  } else if (step.type === 'sync') log.syncSync();
  else if (step.type === 'settle') log.settle?.();
  else log.flushSync(isHurried);
}

function appendTruncation(log: FileLog): Transaction {
  const seq = log.head + 1;
  const timeNs = BigInt(seq) * 1_000_000n;
  const events = [{ type: 'Truncated', ino: 2, size: seq, timeNs }] as const;
  const transaction: Transaction = {
    seq,
    timeNs,
    subject: 1,
    cause: ['truncate', '/f'],
    group: null,
    actor: null,
    events,
  };
  log.append(transaction);
  return transaction;
}

describe('a hurried flush', () => {
  test('followed by settle writes what a plain one does, byte for byte', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const disks = [false, true].map((isHurried) => {
          const disk = new SimulatedDisk();
          const log = openOn(disk, { segmentBytesMax: SEGMENT_BYTES_MAX });
          for (const step of steps) {
            take(log, [], step, isHurried);
            log.settle?.();
          }
          log.closeSync();
          return disk;
        });
        const [plain, hurried] = disks;
        const names = plain.readdirSync(LOG);
        expect(hurried.readdirSync(LOG)).toStrictEqual(names);
        for (const name of names)
          expect(hurried.bytes(join(LOG, name)).equals(plain.bytes(join(LOG, name)))).toBe(true);
        expect(verifyLog(DIRECTORY, { fileSystem: disks[1] }).tornBytes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('has handed everything to the operating system, settled or not: a killed writer loses nothing of it', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const disk = new SimulatedDisk();
        const log = openOn(disk, { segmentBytesMax: SEGMENT_BYTES_MAX });
        const all: Transaction[] = [];
        let flushed = 0;
        for (const step of steps) {
          take(log, all, step, true);
          if (step.type === 'flush') flushed = all.length;
          else if (step.type !== 'settle') continue;
          const killed = disk.clone();
          killed.unlinkSync(`${DIRECTORY}/lock`);
          const again = openOn(killed);
          expect(expectPrefix(again, all)).toBeGreaterThanOrEqual(flushed);
          appendNext(again);
          again.closeSync();
          expect(verifyLog(DIRECTORY, { fileSystem: killed }).tornBytes).toBe(0);
        }
        log.closeSync();
      }),
      { numRuns: 60 },
    );
  });

  test('loses nothing that was synced when the power goes', () => {
    fc.assert(
      fc.property(anySteps, fc.integer(), (steps, seed) => {
        const disk = new SimulatedDisk();
        const log = openOn(disk, { segmentBytesMax: SEGMENT_BYTES_MAX });
        const all: Transaction[] = [];
        for (const step of steps) take(log, all, step, true);
        const { syncedSeq } = log;
        const opened = openOn(disk.afterPowerLoss(randomFrom(seed)), { readOnly: syncedSeq > 0 });
        const found = expectPrefix(opened, all);
        expect(found === 0 ? 0 : lastSeq(all[found - 1])).toBeGreaterThanOrEqual(syncedSeq);
        opened.closeSync();
        log.closeSync();
      }),
      { numRuns: 100 },
    );
  });
});
