import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { StoreEvent } from '../../../src/events/event.ts';
import { isStoreError } from '../../../src/events/log-error.ts';
import { FORMAT_VERSION } from '../../../src/events/upcast.ts';
import { crc32 } from '../../../src/storage/crc32.ts';
import { type FileLog, openFileLog } from '../../../src/storage/file/file-log.ts';
import { FRAME_HEADER_BYTES, KIND_COMMIT } from '../../../src/storage/file/frame.ts';
import { type LogFileSystem, nodeFileSystem } from '../../../src/storage/file/log-file-system.ts';
import { SEGMENT_HEADER_BYTES } from '../../../src/storage/file/segment.ts';
import { verifyLog } from '../../../src/storage/file/verify.ts';
import { codeOf, Scratch, transactionAt } from './log-fixtures.ts';

const scratch = new Scratch();
afterEach(() => scratch.clean());

const FIRST = join('log', '00000000000000000001.seg');

/** Counts calls by name. */
function counting(): { fileSystem: LogFileSystem; calls: Record<string, number> } {
  const calls: Record<string, number> = {};
  const fileSystem = Object.fromEntries(
    Object.entries(nodeFileSystem).map(([name, call]) => [
      name,
      (...args: never[]) => {
        calls[name] = (calls[name] ?? 0) + 1;
        return (call as (...given: never[]) => unknown)(...args);
      },
    ]),
  ) as unknown as LogFileSystem;
  return { fileSystem, calls };
}

function commitFramesIn(segment: Buffer): number {
  let count = 0;
  for (let at = SEGMENT_HEADER_BYTES; at < segment.length; at += FRAME_HEADER_BYTES + segment.readUInt32LE(at + 4)) {
    if (segment[at + FRAME_HEADER_BYTES - 1] === KIND_COMMIT) count++;
  }
  return count;
}

const append = (log: FileLog, count: number): void => {
  for (let index = 0; index < count; index++) log.append(transactionAt(log.head + 1));
};

describe('a log in files', () => {
  test('comes back with everything after it was closed', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory, { segmentBytesMax: 4096 });
    append(log, 200);
    const chunk = log.chunks.put(Buffer.from('content'));
    const all = [...log.read()];
    log.closeSync();
    const again = openFileLog(directory);
    expect(again.recovery).toBeNull();
    expect([...again.read()]).toStrictEqual(all);
    expect(Buffer.from(again.chunks.get(chunk)).toString()).toBe('content');
    expect(again.chunks.put(Buffer.from('content'))).toBe(chunk);
    again.closeSync();
  });

  test('that is opened and closed without a write does not change', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory);
    append(log, 3);
    log.closeSync();
    const before = readFileSync(join(directory, FIRST));
    for (let turn = 0; turn < 3; turn++) openFileLog(directory).closeSync();
    expect(readFileSync(join(directory, FIRST)).equals(before)).toBe(true);
  });

  test('ends with a commit frame where it is synced and after 64 KiB, not each time it is flushed', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory, { syncIntervalMs: 0 });
    const commits = (): number => commitFramesIn(readFileSync(join(directory, FIRST)));
    for (let index = 0; index < 20; index++) {
      append(log, 1);
      log.flushSync();
    }
    expect(commits()).toBe(1);
    log.syncSync();
    expect(commits()).toBe(2);
    append(log, 1);
    log.flushSync();
    // It says what has become durable.
    expect(commits()).toBe(3);
    log.chunks.put(Buffer.alloc(60_000, 1));
    log.flushSync();
    expect(commits()).toBe(3);
    log.chunks.put(Buffer.alloc(10_000, 2));
    log.flushSync();
    expect(commits()).toBe(4);
    log.closeSync();
    expect(verifyLog(directory).tornBytes).toBe(0);
  });

  test('writes once for all flushes of one turn, and syncs once for all syncs of one turn', async () => {
    const { fileSystem, calls } = counting();
    const log = openFileLog(scratch.directory(), { fileSystem });
    const before = { ...calls };
    const waiting: Promise<void>[] = [];
    for (let index = 0; index < 100; index++) {
      append(log, 1);
      waiting.push(log.flush(), log.sync());
    }
    await Promise.all(waiting);
    expect((calls['writeSync'] ?? 0) - (before['writeSync'] ?? 0)).toBe(1);
    expect(calls['fdatasync']).toBe(1);
    await log.sync();
    expect(calls['fdatasync']).toBe(1);
    await log.close();
  });

  test('starts another sync for what was appended while one was running', async () => {
    const { fileSystem, calls } = counting();
    const log = openFileLog(scratch.directory(), { fileSystem });
    append(log, 1);
    const first = log.sync();
    await Promise.resolve(); // now it runs
    append(log, 1);
    const rest = [log.sync(), log.sync(), log.sync()];
    await first;
    await Promise.all(rest);
    expect(log.syncedSeq).toBe(2);
    expect(calls['fdatasync']).toBe(2);
    log.closeSync();
  });

  test('syncs in the background', async () => {
    const log = openFileLog(scratch.directory(), { syncIntervalMs: 10 });
    append(log, 5);
    expect(log.syncedSeq).toBe(0);
    for (let turn = 0; turn < 200 && log.syncedSeq < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(log.syncedSeq).toBe(5);
    log.closeSync();
  });

  test('survives a close while a sync is running', async () => {
    const directory = scratch.directory();
    const log = openFileLog(directory);
    append(log, 1);
    const sync = log.sync();
    await Promise.resolve();
    log.closeSync();
    await sync;
    expect(verifyLog(directory)).toMatchObject({ head: 1, tornBytes: 0 });
  });

  test('takes transactions and batches that are larger than its buffer and its segments', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory, { segmentBytesMax: 4096 });
    const value = Buffer.alloc(65_536, 7);
    const events = Array.from({ length: 40 }, (_, ino): StoreEvent => {
      return { type: 'XattrSet', ino, name: 'user.large', value: new Uint8Array(value), ctimeNs: 1n };
    });
    const large = { ...transactionAt(1), events };
    log.append(large);
    append(log, 2);
    assert.deepStrictEqual([...log.read(1, 1)], [large]);
    log.closeSync();
    expect(verifyLog(directory)).toMatchObject({ transactions: 3, events: 42, head: 42 });
  });

  test('refuses a transaction over the bound and stays usable', () => {
    const log = openFileLog(scratch.directory());
    const config = new Uint8Array(64 * 1024 * 1024);
    const events: StoreEvent[] = [{ type: 'ImageAdded', image: 'sha256:0', config, layers: [] }];
    expect(codeOf(() => log.append({ ...transactionAt(1), events }))).toBe('ERR_LOG_RECORD_TOO_LARGE');
    expect(log.head).toBe(0);
    append(log, 1);
    log.closeSync();
  });

  test('refuses segment sizes out of bounds', () => {
    for (const segmentBytesMax of [0, 4095, 2 ** 30 + 1, Number.NaN]) {
      const code = codeOf(() => openFileLog(scratch.directory(), { segmentBytesMax }));
      expect(code).toBe('ERR_INVALID_ARGUMENT');
    }
  });

  test('reads an event in the middle without reading from the start', () => {
    const { fileSystem, calls } = counting();
    const directory = scratch.directory();
    const log = openFileLog(directory, { fileSystem });
    append(log, 20_000);
    log.flushSync();
    const before = calls['readSync'] ?? 0;
    expect([...log.read(15_000, 15_000)]).toStrictEqual([transactionAt(15_000)]);
    expect((calls['readSync'] ?? 0) - before).toBeLessThanOrEqual(2);
    log.closeSync();
  });

  test('reads a chunk with one call, and not again while it is in the cache', () => {
    const { fileSystem, calls } = counting();
    const log = openFileLog(scratch.directory(), { fileSystem });
    const chunk = log.chunks.put(Buffer.alloc(1000, 1));
    log.flushSync();
    const before = calls['readSync'] ?? 0;
    log.chunks.get(chunk);
    log.chunks.get(chunk);
    expect((calls['readSync'] ?? 0) - before).toBe(1);
    log.closeSync();
  });

  test('finds a chunk that was damaged after opening', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory);
    const chunk = log.chunks.put(Buffer.alloc(1000, 1));
    append(log, 1);
    log.syncSync();
    const bytes = readFileSync(join(directory, FIRST));
    bytes[300] ^= 1;
    writeFileSync(join(directory, FIRST), bytes);
    expect(codeOf(() => log.chunks.get(chunk))).toBe('ERR_LOG_CORRUPT');
    log.closeSync();
  });
});

describe('a segment', () => {
  const closedStore = (): { directory: string; bytes: Buffer } => {
    const directory = scratch.directory();
    const log = openFileLog(directory);
    append(log, 2);
    log.closeSync();
    return { directory, bytes: readFileSync(join(directory, FIRST)) };
  };

  test('of a newer format is refused as unsupported, not as corrupt', () => {
    const { directory, bytes } = closedStore();
    bytes.writeUInt32LE(FORMAT_VERSION + 1, 8);
    bytes.writeUInt32LE(crc32(bytes, 0, 12), 12);
    writeFileSync(join(directory, FIRST), bytes.subarray(0, 16)); // nothing else of it has to be known
    for (const readOnly of [true, false]) {
      expect(codeOf(() => openFileLog(directory, { readOnly }))).toBe('ERR_LOG_FORMAT_UNSUPPORTED');
    }
    expect(codeOf(() => verifyLog(directory))).toBe('ERR_LOG_FORMAT_UNSUPPORTED');
  });

  test('with another magic is refused as corrupt', () => {
    const { directory, bytes } = closedStore();
    bytes.write('PNG', 0);
    writeFileSync(join(directory, FIRST), bytes);
    expect(codeOf(() => openFileLog(directory))).toBe('ERR_LOG_CORRUPT');
  });

  test('with a bad frame is refused with segment, byte and sequence number', () => {
    const { directory, bytes } = closedStore();
    bytes[84 + 20] ^= 1;
    writeFileSync(join(directory, FIRST), bytes);
    for (const run of [() => openFileLog(directory), () => verifyLog(directory)]) {
      try {
        run();
        expect.unreachable();
      } catch (error) {
        if (!isStoreError(error, 'ERR_LOG_CORRUPT')) throw error;
        expect(error.detail).toStrictEqual({ segment: '00000000000000000001.seg', byte: 84, seq: 0 });
        expect(error.message).toContain('segment 00000000000000000001.seg, byte 84');
      }
    }
  });

  test('that a killed writer was making is removed', () => {
    const { directory } = closedStore();
    writeFileSync(join(directory, 'log', '00000000000000000002.seg.tmp'), 'half');
    openFileLog(directory).closeSync();
    expect(readdirSync(join(directory, 'log'))).toStrictEqual(['00000000000000000001.seg']);
  });
});

describe('verify', () => {
  test('counts what a log holds and tells its progress', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory, { segmentBytesMax: 65_536 });
    for (let index = 0; index < 60; index++) {
      log.chunks.put(Buffer.alloc(30_000, index + 1));
      log.append(transactionAt(log.head + 1, 2));
    }
    log.closeSync();
    const progress: number[] = [];
    const summary = verifyLog(directory, { onProgress: ({ bytes, bytesTotal }) => progress.push(bytes / bytesTotal) });
    expect(summary).toMatchObject({ chunks: 60, transactions: 60, events: 120, head: 120, tornBytes: 0 });
    expect(summary.segments).toBeGreaterThan(20);
    expect(progress.at(-1)).toBe(1);
  });

  test('finds content and frames that were replaced together with their checksums', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory, { randomSalt: () => 7 });
    log.chunks.put(Buffer.from('content'));
    append(log, 1);
    log.closeSync();
    const whole = readFileSync(join(directory, FIRST));
    const reseal = (bytes: Buffer, start: number): void => {
      const end = start + 9 + bytes.readUInt32LE(start + 4);
      bytes.writeUInt32LE(crc32(bytes, start + 4, end, 7), start);
    };
    const content = Buffer.from(whole);
    content.write('CONTENT', 84 + 13);
    content.writeUInt32LE(crc32(content, 84 + 13, 84 + 13 + 7), 84 + 9);
    content.writeUInt32LE(crc32(content, 84 + 4, 84 + 13, 7), 84);
    writeFileSync(join(directory, FIRST), content);
    openFileLog(directory, { readOnly: true }).closeSync();
    expect(codeOf(() => verifyLog(directory))).toBe('ERR_LOG_CORRUPT');
    const event = Buffer.from(whole);
    const transaction = 84 + 13 + 7;
    event.write('/FILE-1', event.indexOf('/file-1'));
    reseal(event, transaction);
    writeFileSync(join(directory, FIRST), event);
    openFileLog(directory, { readOnly: true }).closeSync();
    expect(codeOf(() => verifyLog(directory))).toBe('ERR_LOG_CORRUPT');
  });

  test('of nothing is refused', () => {
    expect(codeOf(() => verifyLog(scratch.directory()))).toBe('ERR_LOG_NOT_FOUND');
  });
});
