import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dumpLog } from '../../src/storage/file/dump.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { salvageLog } from '../../src/storage/file/salvage.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { appendNext, expectPrefix } from './log-workload.ts';

let root: string;
let store: string;
let all: ReturnType<typeof appendNext>[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'overlog-salvage-'));
  store = join(root, 'store');
  const log = openFileLog(store, { segmentBytesMax: 4096, syncIntervalMs: 0 });
  all = [];
  for (let count = 0; count < 24; count++) {
    all.push(appendNext(log));
    if (count % 3 === 0) log.flushSync();
  }
  log.closeSync();
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('salvage of a log with a bit changed anywhere keeps what stands in front of it, and the bytes behind', () => {
  const segments = readdirSync(join(store, 'log')).map((name) => join(store, 'log', name));
  expect(segments.length).toBeGreaterThan(2);
  const [, path] = segments;
  const whole = readFileSync(path);
  let damaged = 0;
  for (let at = 0; at < whole.length; at += 211) {
    const bytes = Buffer.from(whole);
    bytes[at] ^= 0x20;
    writeFileSync(path, bytes);
    const target = join(root, `out-${at}`);
    const saved = salvageLog(store, target);
    writeFileSync(path, whole);
    expect(saved.damage).not.toBeNull();
    damaged++;
    const copy = openFileLog(target, { readOnly: true });
    const kept = expectPrefix(copy, all);
    expect(copy.head).toBe(saved.events);
    copy.closeSync();
    expect(kept).toBeGreaterThan(0);
    expect(verifyLog(target).events).toBe(saved.events);
    const unread = readdirSync(join(target, 'unread')).reduce(
      (sum, name) => sum + statSync(join(target, 'unread', name)).size,
      0,
    );
    expect(unread).toBe(saved.unreadBytes);
    expect(unread).toBeGreaterThan(0);
  }
  expect(damaged).toBeGreaterThan(10);
});

test('salvage of a whole log is that log, and refuses a folder that holds one', () => {
  const target = join(root, 'out');
  expect(salvageLog(store, target)).toMatchObject({ damage: null, unreadBytes: 0, events: all.at(-1)?.seq });
  const copy = openFileLog(target, { readOnly: true });
  expect(expectPrefix(copy, all)).toBe(all.length);
  copy.closeSync();
  expect(() => salvageLog(store, target)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }) as Error);
});

test('a dump accounts for every byte of the segments, and shows a bad frame', () => {
  const bySegment = new Map<string, number>();
  const transactions = [];
  for (const record of dumpLog(store)) {
    expect(record.offset).toBe(bySegment.get(record.segment) ?? 0);
    bySegment.set(record.segment, record.offset + record.bytes);
    if (record.record === 'transactions') transactions.push(...record.transactions);
  }
  for (const [name, bytes] of bySegment) expect(statSync(join(store, 'log', name)).size).toBe(bytes);
  expect(transactions).toEqual(all);
  const [path] = readdirSync(join(store, 'log')).map((name) => join(store, 'log', name));
  const bytes = readFileSync(path);
  bytes[200] ^= 1;
  writeFileSync(path, bytes);
  expect([...dumpLog(store)].filter(({ record }) => record === 'bad')).toHaveLength(1);
});
