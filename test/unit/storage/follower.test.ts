import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { FileLog } from '../../../src/storage/file/file-log.ts';
import { openFileLog } from '../../../src/storage/file/file-log.ts';
import { codeOf, Scratch, transactionAt } from './log-fixtures.ts';

const scratch = new Scratch();
afterEach(() => scratch.clean());

const append = (log: FileLog, count: number): void => {
  for (let index = 0; index < count; index++) log.append(transactionAt(log.head + 1, 2));
};

/** Name and content of all files, to see that nothing changed. */
const snapshot = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .map((name) => join(directory, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );

describe('a follower', () => {
  test('sees what the writer has flushed, after a refresh', () => {
    const directory = scratch.directory();
    const writer = openFileLog(directory);
    append(writer, 1);
    const follower = openFileLog(directory, { readOnly: true });
    expect(follower.head).toBe(0);
    writer.flushSync();
    expect(follower.head).toBe(0);
    expect(follower.refresh()).toBe(2);
    expect([...follower.read()]).toStrictEqual([...writer.read()]);
    const chunk = writer.chunks.put(Buffer.from('content'));
    append(writer, 3);
    writer.flushSync();
    expect(codeOf(() => follower.chunks.get(chunk))).toBe('ERR_LOG_CHUNK_UNKNOWN');
    expect(follower.refresh()).toBe(8);
    expect(Buffer.from(follower.chunks.get(chunk)).toString()).toBe('content');
    expect([...follower.read()]).toStrictEqual([...writer.read()]);
    follower.closeSync();
    writer.closeSync();
  });

  test('follows the writer from segment to segment', () => {
    const directory = scratch.directory();
    const writer = openFileLog(directory, { segmentBytesMax: 4096 });
    const follower = openFileLog(directory, { readOnly: true });
    for (let turn = 0; turn < 40; turn++) {
      for (let put = 0; put < turn % 5; put++) writer.chunks.put(Buffer.alloc(700, `${turn} ${put} `));
      append(writer, turn);
      writer.flushSync();
      if (turn % 3 === 0) expect(follower.refresh()).toBe(writer.head);
    }
    follower.refresh();
    expect(readdirSync(join(directory, 'log')).length).toBeGreaterThan(5);
    expect([...follower.read()]).toStrictEqual([...writer.read()]);
    for (let chunk = 1; chunk <= writer.chunks.head; chunk++) {
      expect(Buffer.compare(writer.chunks.get(chunk), follower.chunks.get(chunk))).toBe(0);
    }
    writer.closeSync();
    expect(follower.refresh()).toBe(follower.head);
    expect(follower.syncedSeq).toBe(follower.head);
    follower.closeSync();
  });

  test('takes a torn tail for frames that are not yet there, and changes nothing', () => {
    const directory = scratch.directory();
    const writer = openFileLog(directory);
    append(writer, 3);
    writer.flushSync();
    const path = join(directory, 'log', '00000000000000000001.seg');
    const before = statSync(path).size;
    append(writer, 1);
    writer.flushSync();
    const whole = readFileSync(path);
    truncateSync(path, before + 20);
    const state = snapshot(directory);
    const follower = openFileLog(directory, { readOnly: true });
    expect(follower.recovery).toBeNull();
    expect(follower.head).toBe(6);
    expect(follower.refresh()).toBe(6);
    expect(snapshot(directory)).toStrictEqual(state);
    appendFileSync(path, whole.subarray(before + 20));
    expect(follower.refresh()).toBe(8);
    expect([...follower.read()]).toStrictEqual([...writer.read()]);
    follower.closeSync();
    writer.closeSync();
  });

  test('refuses every write', async () => {
    const directory = scratch.directory();
    openFileLog(directory).closeSync();
    const follower = openFileLog(directory, { readOnly: true });
    expect(follower.readOnly).toBe(true);
    expect(codeOf(() => follower.append(transactionAt(1)))).toBe('ERR_LOG_READ_ONLY');
    expect(codeOf(() => follower.chunks.put(Buffer.from('x')))).toBe('ERR_LOG_READ_ONLY');
    await follower.flush();
    await follower.sync();
    follower.flushSync();
    follower.syncSync();
    await follower.close();
  });

  test('finds a damaged frame in a sealed segment', () => {
    const directory = scratch.directory();
    const writer = openFileLog(directory, { segmentBytesMax: 4096 });
    const follower = openFileLog(directory, { readOnly: true });
    append(writer, 500);
    writer.flushSync();
    const path = join(directory, 'log', '00000000000000000001.seg');
    const bytes = readFileSync(path);
    bytes[200] ^= 1;
    writeFileSync(path, bytes);
    expect(codeOf(() => follower.refresh())).toBe('ERR_LOG_CORRUPT');
    follower.closeSync();
    writer.closeSync();
  });

  test('of nothing is refused', () => {
    expect(codeOf(() => openFileLog(scratch.directory(), { readOnly: true }))).toBe('ERR_LOG_NOT_FOUND');
    expect(codeOf(() => openFileLog('/nonexistent/overlog', { readOnly: true }))).toBe('ERR_LOG_NOT_FOUND');
    expect(codeOf(() => openFileLog('/nonexistent/overlog', { create: false }))).toBe('ERR_LOG_NOT_FOUND');
  });
});
