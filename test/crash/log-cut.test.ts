import { describe, expect, test } from 'vitest';
import { decodeTransactions } from '../../src/events/bundle-reader.ts';
import type { Transaction } from '../../src/events/event.ts';
import { FRAME_HEADER_BYTES, KIND_BUNDLE } from '../../src/storage/file/frame.ts';
import { SEGMENT_HEADER_BYTES } from '../../src/storage/file/segment.ts';
import { scanFrames } from '../../src/storage/file/segment-scan.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { codeOf } from '../unit/storage/log-fixtures.ts';
import { appendNext, DIRECTORY, expectPrefix, openOn } from './log-workload.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const SEGMENT = `${DIRECTORY}/log/00000000000000000001.seg`;

/** A log that was flushed in groups, sometimes synced, and not closed. */
function killedLog(): { disk: SimulatedDisk; all: Transaction[] } {
  const disk = new SimulatedDisk();
  const log = openOn(disk);
  const all: Transaction[] = [];
  for (let index = 0; index < 9; index++) {
    all.push(appendNext(log));
    if (index % 3 === 2) log.flushSync();
  }
  log.flushSync();
  const killed = disk.clone();
  log.closeSync();
  return { disk: withoutLock(killed), all };
}

function withoutLock(disk: SimulatedDisk): SimulatedDisk {
  disk.unlinkSync(`${DIRECTORY}/lock`);
  return disk;
}

/** Offset behind each frame of the first segment, and how many transactions it holds. */
function frameEnds(disk: SimulatedDisk): { end: number; transactions: number }[] {
  const ends: { end: number; transactions: number }[] = [];
  const fd = disk.openSync(SEGMENT, 'r');
  const bytes = disk.bytes(SEGMENT);
  const segment = { format: bytes.readUInt32LE(8), salt: bytes.readUInt32LE(16) };
  scanFrames(disk, fd, SEGMENT_HEADER_BYTES, segment, (kind, buffer, start, end, offset) => {
    const transactions = kind === KIND_BUNDLE ? decodeTransactions(buffer.subarray(start, end)).length : 0;
    ends.push({ end: offset + FRAME_HEADER_BYTES + end - start, transactions });
  });
  disk.closeSync(fd);
  return ends;
}

const transactionsIn = (frames: readonly { transactions: number }[]): number =>
  frames.reduce((sum, { transactions }) => sum + transactions, 0);

describe('a log that was not closed', () => {
  const { disk, all } = killedLog();
  const whole = disk.bytes(SEGMENT);
  const ends = frameEnds(disk);

  test('cut anywhere keeps every transaction in front of the cut, and goes on', () => {
    expect(transactionsIn(ends)).toBe(all.length);
    for (let cut = SEGMENT_HEADER_BYTES; cut <= whole.length; cut++) {
      const cutDisk = disk.clone();
      cutDisk.put(SEGMENT, whole.subarray(0, cut));
      const log = openOn(cutDisk);
      const kept = transactionsIn(ends.filter(({ end }) => end <= cut));
      expect(expectPrefix(log, all)).toBe(kept);
      const wholeBytes = Math.max(SEGMENT_HEADER_BYTES, ...ends.map(({ end }) => end).filter((end) => end <= cut));
      if (wholeBytes === cut) expect(log.recovery).toBeNull();
      else {
        expect(log.recovery).toMatchObject({ byte: wholeBytes, bytes: cut - wholeBytes, seq: log.head });
        const keptBytes = cutDisk.bytes(log.recovery?.keptIn ?? '');
        expect(keptBytes.equals(whole.subarray(wholeBytes, cut))).toBe(true);
      }
      const next = appendNext(log);
      log.closeSync();
      const again = openOn(cutDisk);
      expect(again.recovery).toBeNull();
      expectPrefix(again, [...all.slice(0, kept), next]);
      again.closeSync();
      expect(verifyLog(DIRECTORY, { fileSystem: cutDisk }).tornBytes).toBe(0);
      expect(cutDisk.openDescriptors).toBe(0);
    }
  });

  test('cut inside of its header is refused as corrupt', () => {
    for (let cut = 0; cut < SEGMENT_HEADER_BYTES; cut++) {
      const cutDisk = disk.clone();
      cutDisk.put(SEGMENT, whole.subarray(0, cut));
      expect(codeOf(() => openOn(cutDisk))).toBe('ERR_LOG_CORRUPT');
      expect(cutDisk.openDescriptors).toBe(0);
    }
  });

  test('followed by garbage of any kind opens at its last transaction', () => {
    const tails = [Buffer.alloc(600), Buffer.alloc(600, 0xff), whole.subarray(84), whole.subarray(200, 900), whole];
    for (const tail of tails) {
      const tornDisk = disk.clone();
      tornDisk.put(SEGMENT, Buffer.concat([whole, Buffer.of(1), tail]));
      const log = openOn(tornDisk);
      expect(expectPrefix(log, all)).toBe(all.length);
      expect(log.recovery).toMatchObject({ byte: whole.length, bytes: tail.length + 1 });
      log.closeSync();
    }
  });
});

describe('a closed log', () => {
  /** Three segments of 4 KiB and a clean end. */
  const disk = new SimulatedDisk();
  const all: Transaction[] = [];
  const log = openOn(disk, { segmentBytesMax: 4096 });
  while (disk.paths().filter((path) => path.endsWith('.seg')).length < 3) all.push(appendNext(log));
  all.push(appendNext(log));
  log.closeSync();
  const segments = disk.paths().filter((path) => path.endsWith('.seg'));

  test('opens without recovery', () => {
    const again = openOn(disk.clone());
    expect(again.recovery).toBeNull();
    expect(again.syncedSeq).toBe(again.head);
    expect(expectPrefix(again, all)).toBe(all.length);
    again.closeSync();
  });

  test('with any bit changed is refused, or loses nothing but its closing mark', () => {
    const refused = new Map<string, number>();
    for (const [index, path] of segments.entries()) {
      const whole = disk.bytes(path);
      const markAt = index === segments.length - 1 ? whole.length - 65 : whole.length;
      for (let at = 0; at < whole.length; at++) {
        const changed = Buffer.from(whole);
        changed[at] ^= 1 << (at % 8);
        const changedDisk = disk.clone();
        changedDisk.put(path, changed);
        // A writer does the same and more; at each seventh byte, and where it matters.
        const modes = at % 7 === 0 || at >= markAt ? [true, false] : [true];
        for (const readOnly of modes) {
          const code = codeOf(() => {
            const opened = openOn(changedDisk, { readOnly });
            try {
              expect(expectPrefix(opened, all)).toBe(all.length);
              if (!readOnly) expect(opened.recovery).toMatchObject({ byte: markAt });
            } finally {
              opened.closeSync();
            }
          });
          expect(code).toBe(at < markAt ? 'ERR_LOG_CORRUPT' : 'no error');
          refused.set(code, (refused.get(code) ?? 0) + 1);
        }
      }
    }
    expect(refused.get('no error')).toBe(2 * 65);
  });

  test('without one of its segments is refused', () => {
    for (const path of segments.slice(1, -1)) {
      const missing = disk.clone();
      missing.unlinkSync(path);
      expect(codeOf(() => openOn(missing))).toBe('ERR_LOG_CORRUPT');
    }
  });

  test('with two segments exchanged is refused', () => {
    const exchanged = disk.clone();
    exchanged.put(segments[0], disk.bytes(segments[1]));
    exchanged.put(segments[1], disk.bytes(segments[0]));
    expect(codeOf(() => openOn(exchanged))).toBe('ERR_LOG_CORRUPT');
  });
});
