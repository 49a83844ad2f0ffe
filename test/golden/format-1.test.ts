import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeEventBatch } from '../../src/events/codec.ts';
import { FORMAT_VERSION } from '../../src/events/upcast.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { Scratch } from '../unit/storage/log-fixtures.ts';
import { type Expectation, toJson } from './golden-log.ts';

const scratch = new Scratch();
afterEach(() => scratch.clean());

const GOLDEN_DIRECTORY = fileURLToPath(new URL('./format-1', import.meta.url));
const GENERATOR = fileURLToPath(new URL('./generate.ts', import.meta.url));

/** Written once by `generate.ts`; opened for ever. */
describe('format 1', () => {
  const expected = JSON.parse(readFileSync(`${GOLDEN_DIRECTORY}.json`, 'utf8')) as Expectation;

  test('opens logs written by format 1', () => {
    const log = openFileLog(GOLDEN_DIRECTORY, { readOnly: true });
    expect(log.head).toBe(expected.head);
    expect(toJson([...log.read()])).toStrictEqual(expected.transactions);
    expect(log.chunks.head).toBe(expected.chunks.length);
    for (const [index, { content, digest }] of expected.chunks.entries()) {
      expect(Buffer.from(log.chunks.get(index + 1)).toString('hex')).toBe(content);
      expect(Buffer.from(log.chunks.digest(index + 1)).toString('hex')).toBe(digest);
    }
    log.closeSync();
  });

  test('opens event batches written by format 1', () => {
    const batch = Buffer.from(expected.chunks[2].content, 'hex');
    expect(toJson(decodeEventBatch(batch))).toStrictEqual(expected.batch);
  });

  test('verifies logs written by format 1', () => {
    const { head, chunks, segments, tornBytes } = verifyLog(GOLDEN_DIRECTORY);
    expect({ head, chunks, tornBytes }).toStrictEqual({ head: expected.head, chunks: expected.chunks.length, tornBytes: 0 });
    expect(segments).toBeGreaterThan(2);
  });

  // A change of a byte is a change of the format: it needs a new number, a golden log of its own and an upcast.
  test.runIf(FORMAT_VERSION === 1)('is written byte for byte as before', () => {
    const folder = scratch.directory();
    execFileSync(process.execPath, ['--import', 'tsx', GENERATOR, folder]);
    const names = readdirSync(GOLDEN_DIRECTORY, { recursive: true, encoding: 'utf8' }).sort();
    expect(readdirSync(join(folder, 'format-1'), { recursive: true, encoding: 'utf8' }).sort()).toStrictEqual(names);
    const files = names.filter((name) => name.endsWith('.seg')).map((name) => join('format-1', name));
    expect(files.length).toBeGreaterThan(2);
    for (const file of [...files, 'format-1.json']) {
      const golden = readFileSync(join(GOLDEN_DIRECTORY, '..', file)).toString('latin1');
      expect(readFileSync(join(folder, file)).toString('latin1') === golden, file).toBe(true);
    }
  });
});
