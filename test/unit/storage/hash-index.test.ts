import { describe, expect, test } from 'vitest';
import { Uint32Column } from '../../../src/storage/columns.ts';
import { crc32 } from '../../../src/storage/crc32.ts';
import { HashIndex } from '../../../src/storage/hash-index.ts';
import { ChunkCache } from '../../../src/storage/file/chunk-cache.ts';
import { ChunkIndex } from '../../../src/storage/file/chunk-index.ts';
import { SeqIndex } from '../../../src/storage/file/seq-index.ts';

describe('a hash index', () => {
  test('finds all entries with one hash, and no others', () => {
    const hashes = new Uint32Column();
    const index = new HashIndex(hashes);
    const of = (entry: number): number => (entry % 7 === 0 ? 0xffff_ffff : Math.imul(entry, 0x9e3779b1) >>> 0);
    for (let entry = 0; entry < 20_000; entry++) {
      hashes.push(of(entry));
      index.add();
    }
    for (const entry of [1, 2, 3, 4999, 19_998]) {
      expect(index.first(of(entry))).toBe(entry);
      expect(index.next(of(entry))).toBe(-1);
    }
    const seen = new Set<number>();
    for (let at = index.first(0xffff_ffff); at !== -1; at = index.next(0xffff_ffff)) seen.add(at);
    expect(seen.size).toBe(Math.ceil(20_000 / 7));
    expect([...seen].every((entry) => entry % 7 === 0)).toBe(true);
    expect(index.first(12_345)).toBe(-1);
  });
});

describe('a chunk index', () => {
  const sumOf = (text: string): number => crc32(Buffer.from(text), 0, text.length);

  test('finds chunks by their sum over many pages, all of those that share one', () => {
    const index = new ChunkIndex(0, true);
    for (let chunk = 1; chunk <= 10_000; chunk++) index.add(chunk * 10, chunk, sumOf(String(chunk)));
    index.add(5, 6, sumOf('77'));
    const found = [index.firstWithSum(sumOf('77')), index.nextWithSum(sumOf('77')), index.nextWithSum(sumOf('77'))];
    expect(found).toStrictEqual([77, 10_001, 0]);
    for (const chunk of [1, 77, 4096, 4097, 10_000]) {
      expect(index.firstWithSum(sumOf(String(chunk)))).toBe(chunk);
      expect([index.offset(chunk), index.byteLength(chunk)]).toStrictEqual([chunk * 10, chunk]);
    }
    expect(index.firstWithSum(sumOf('none'))).toBe(0);
  });

  test('numbers chunks from its base on', () => {
    const index = new ChunkIndex(100, true);
    index.add(1, 2, sumOf('a'));
    expect(index.head).toBe(101);
    expect([index.has(100), index.has(101), index.has(102), index.has(100.5)]).toStrictEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(index.firstWithSum(sumOf('a'))).toBe(101);
  });
});

test('a chunk cache drops what was not read for longest when it is full', () => {
  const cache = new ChunkCache(10);
  cache.set(1, Buffer.alloc(4));
  cache.set(2, Buffer.alloc(4));
  expect(cache.get(1)).toBeDefined();
  cache.set(3, Buffer.alloc(4));
  expect(cache.get(2)).toBeUndefined();
  expect(cache.get(1)).toBeDefined();
  cache.set(4, Buffer.alloc(11));
  expect(cache.get(4)).toBeUndefined();
  expect(cache.get(3)).toBeDefined();
});

test('a sequence index finds the last entry at or in front of an event', () => {
  const index = new SeqIndex();
  expect(index.find(1)).toBeNull();
  for (let seq = 1; seq <= 1000; seq++) index.add(seq, Math.floor(seq / 500), (seq % 500) * 1000);
  for (const seq of [1, 2, 33, 34, 35, 499, 500, 501, 1000]) {
    const found = index.find(seq);
    const foundSeq = (found?.segment ?? 0) * 500 + (found?.offset ?? 0) / 1000;
    expect(foundSeq).toBeLessThanOrEqual(seq);
    expect(seq - foundSeq).toBeLessThan(34);
  }
});
