import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeEventBatch } from '../../src/events/codec.ts';
import { FORMAT_VERSION } from '../../src/events/upcast.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { Scratch, transactionAt } from '../unit/storage/log-fixtures.ts';
import { type Expectation, toJson } from './golden-log.ts';

const scratch = new Scratch();
afterEach(() => scratch.clean());

const GENERATOR = fileURLToPath(new URL('./generate.ts', import.meta.url));
const goldenDirectory = (format: number): string => fileURLToPath(new URL(`./format-${format}`, import.meta.url));

/** Written once by `generate.ts`; opened for ever. */
const formats = Array.from({ length: FORMAT_VERSION }, (_, index) => index + 1).filter((format) =>
  existsSync(goldenDirectory(format)),
);

describe.each(formats)('format %i', (format) => {
  const directory = goldenDirectory(format);
  const expected = JSON.parse(readFileSync(`${directory}.json`, 'utf8')) as Expectation;

  test(`opens logs written by format ${format}`, () => {
    const log = openFileLog(directory, { readOnly: true });
    expect(log.head).toBe(expected.head);
    expect(toJson([...log.read()])).toStrictEqual(expected.transactions);
    expect(log.chunks.head).toBe(expected.chunks.length);
    for (const [index, { content, digest }] of expected.chunks.entries()) {
      expect(Buffer.from(log.chunks.get(index + 1)).toString('hex')).toBe(content);
      expect(Buffer.from(log.chunks.digest(index + 1)).toString('hex')).toBe(digest);
    }
    log.closeSync();
  });

  test(`opens event batches written by format ${format}`, () => {
    const batch = Buffer.from(expected.chunks[2].content, 'hex');
    expect(batch[0]).toBe(format);
    expect(toJson(decodeEventBatch(batch))).toStrictEqual(expected.batch);
  });

  test(`verifies logs written by format ${format}`, () => {
    const { head, chunks, segments, tornBytes } = verifyLog(directory);
    expect({ head, chunks, tornBytes }).toStrictEqual({ head: expected.head, chunks: expected.chunks.length, tornBytes: 0 });
    expect(segments).toBeGreaterThan(2);
  });

  test(`goes on with a log written by format ${format} without changing a byte of its sealed segments`, () => {
    const copy = scratch.directory();
    cpSync(directory, copy, { recursive: true });
    const before = segmentsOf(copy);
    const log = openFileLog(copy);
    const appended = [0, 1, 2].map((index) => transactionAt(log.head + 1 + index));
    for (const transaction of appended) log.append(transaction);
    expect(log.chunks.put(Buffer.from('hello'))).toBe(1);
    const chunk = log.chunks.put(Buffer.from('new content'));
    log.closeSync();

    const reopened = openFileLog(copy);
    expect(toJson([...reopened.read()])).toStrictEqual(toJson([...(expected.transactions as []), ...appended]));
    expect(Buffer.from(reopened.chunks.get(chunk)).toString()).toBe('new content');
    reopened.closeSync();
    expect(verifyLog(copy)).toMatchObject({ head: expected.head + 3, tornBytes: 0 });
    const after = segmentsOf(copy);
    for (const [name, bytes] of before) {
      // The last one grows when it is of the format that is written.
      expect(after.get(name)?.subarray(0, bytes.length).equals(bytes), name).toBe(true);
    }
    const formatsAfter = [...after.values()].map((bytes) => bytes.readUInt32LE(8));
    const isCurrent = format === FORMAT_VERSION;
    expect(formatsAfter).toStrictEqual([...[...before].map(() => format), ...(isCurrent ? [] : [FORMAT_VERSION])]);
  });

  test(`opening and closing a log written by format ${format} leaves it in that format`, () => {
    const copy = scratch.directory();
    cpSync(directory, copy, { recursive: true });
    openFileLog(copy).closeSync();
    const after = segmentsOf(copy);
    expect([...after.keys()]).toStrictEqual([...segmentsOf(directory).keys()]);
    expect(openFileLog(copy, { readOnly: true }).head).toBe(expected.head);
  });

  // A change of a byte is a change of the format: it needs a new number, a golden log of its own and an upcast.
  test.runIf(format === FORMAT_VERSION)('is written byte for byte as before', () => {
    const folder = scratch.directory();
    execFileSync(process.execPath, ['--import', 'tsx', GENERATOR, folder]);
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
    const name = `format-${format}`;
    expect(readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }).sort()).toStrictEqual(names);
    const files = names.filter((file) => file.endsWith('.seg')).map((file) => join(name, file));
    expect(files.length).toBeGreaterThan(2);
    for (const file of [...files, `${name}.json`]) {
      const golden = readFileSync(join(directory, '..', file)).toString('latin1');
      expect(readFileSync(join(folder, file)).toString('latin1') === golden, file).toBe(true);
    }
  });
});

/** The segments of a log by name, in their order. */
function segmentsOf(directory: string): Map<string, Buffer> {
  const folder = join(directory, 'log');
  const names = readdirSync(folder).filter((name) => name.endsWith('.seg'));
  return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name))]));
}
