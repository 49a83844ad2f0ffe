import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestsOfPages, TablePages } from '../../../src/storage/file/table-pages.ts';

const PAGE = 1 << 14;

/** A table of some pages, each number of it another one. */
function tableOf(numbers: number): Buffer {
  const table = Buffer.alloc(numbers * 4);
  for (let index = 0; index < numbers; index++) table.writeUInt32LE(index * 7919, index * 4);
  return table;
}

test('a table read in pages has the numbers of the whole, reads each page once, and is rescued where one is damaged', () => {
  let rescued = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 * (PAGE / 4) + 3 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
      fc.option(fc.record({ byte: fc.nat(), bit: fc.nat(7) })),
      (numbers, asked, flip) => {
        const table = tableOf(numbers);
        const stored = Buffer.from(table);
        if (flip !== null) stored[flip.byte % stored.length] ^= 1 << flip.bit;
        const reads: number[] = [];
        const read = (start: number, length: number): Buffer => {
          reads.push(start / PAGE);
          return Buffer.from(stored.subarray(start, start + length));
        };
        let rescues = 0;
        const rescue = (): Buffer => {
          rescues++;
          return table;
        };
        const pages = new TablePages(digestsOfPages(table), table.length, read, rescue);
        for (const each of asked) expect(pages.readUInt32LE((each % numbers) * 4)).toBe((each % numbers) * 7919);
        const touched = new Set(asked.map((each) => Math.floor(((each % numbers) * 4) / PAGE)));
        const hasMet = flip !== null && touched.has(Math.floor((flip.byte % stored.length) / PAGE));
        expect(rescues).toBe(hasMet ? 1 : 0);
        if (!hasMet) expect([reads.length, new Set(reads)]).toEqual([touched.size, touched]);
        rescued += rescues;
      },
    ),
    { numRuns: 200 },
  );
  expect(rescued).toBeGreaterThan(20);
});

test('a table whose pages cannot be read is rescued once', () => {
  const table = tableOf(10_000);
  let rescues = 0;
  const rescue = (): Buffer => {
    rescues++;
    return table;
  };
  const pages = new TablePages(digestsOfPages(table), table.length, () => null, rescue);
  expect(pages.readUInt32LE(0)).toBe(0);
  expect(pages.readUInt32LE(39_996)).toBe(9999 * 7919);
  expect(rescues).toBe(1);
});
