import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFileLog } from '../../../src/storage/file/file-log.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'overlog-ahead-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Lengths on both sides of what is read ahead. */
const contentOf = (chunk: number): Buffer => Buffer.alloc(1 + ((chunk * 977) % 30_000), String(chunk));

test('chunks are the same in whatever order they are read, also while the log grows', () => {
  const log = openFileLog(directory, { segmentBytesMax: 1 << 20, syncIntervalMs: 0, chunkCacheBytes: 0 });
  const put = (from: number, to: number): void => {
    for (let chunk = from; chunk <= to; chunk++) expect(log.chunks.put(contentOf(chunk))).toBe(chunk);
    log.flushSync();
  };
  const read = (chunk: number): void => expect(contentOf(chunk).equals(log.chunks.get(chunk))).toBe(true);
  put(1, 200);
  for (let chunk = 1; chunk <= 200; chunk++) read(chunk);
  put(201, 400);
  for (let chunk = 190; chunk <= 400; chunk++) read(chunk);
  for (let chunk = 400; chunk >= 1; chunk--) read(chunk);
  for (let step = 0; step < 400; step++) read(1 + ((step * 149) % 400));
  log.closeSync();
});
