/**
 * A table of a segment's index file in pages, each read and checked when somebody touches it: who wants one chunk of sixty
 * thousand reads a page or two, not a megabyte.
 *
 * All pages have 16 KiB, the last one what is left; a list of their digests goes with them.
 */

import { hash } from 'node:crypto';

const TABLE_PAGE_BYTES = 1 << 14;
const PAGE_BITS = 14;
const DIGEST_BYTES = 32;

/** Numbers of a table by their place: a multiple of 4 that lies in it. */
export interface TableNumbers {
  readUInt32LE(at: number): number;
}

/** Reads bytes of the table's section; null: they can't be read. */
type ReadPart = (start: number, length: number) => Buffer | null;

/** SHA-256 of each page of a table, one after the other. */
export function digestsOfPages(table: Buffer): Buffer {
  const digests: Buffer[] = [];
  for (let at = 0; at < table.length; at += TABLE_PAGE_BYTES)
    digests.push(hash('sha256', table.subarray(at, at + TABLE_PAGE_BYTES), 'buffer'));
  return Buffer.concat(digests);
}

export class TablePages implements TableNumbers {
  readonly #digests: Buffer;
  readonly #bytes: number;
  readonly #read: ReadPart;
  readonly #rescue: () => Buffer;
  readonly #pages: (Buffer | undefined)[] = [];
  #whole: Buffer | null = null;

  /**
   * @param digests - Of the pages, checked.
   * @param read - Of the table, from its start.
   * @param rescue - The same table, made without the file: for the first page that is damaged or can't be read.
   */
  constructor(digests: Buffer, bytes: number, read: ReadPart, rescue: () => Buffer) {
    this.#digests = digests;
    this.#bytes = bytes;
    this.#read = read;
    this.#rescue = rescue;
  }

  readUInt32LE(at: number): number {
    const page = this.#pages[at >>> PAGE_BITS];
    if (page !== undefined) return page.readUInt32LE(at & (TABLE_PAGE_BYTES - 1));
    return this.#load(at >>> PAGE_BITS).readUInt32LE(at & (TABLE_PAGE_BYTES - 1));
  }

  #load(number: number): Buffer {
    const start = number * TABLE_PAGE_BYTES;
    const length = Math.min(TABLE_PAGE_BYTES, this.#bytes - start);
    let page = this.#whole === null ? this.#read(start, length) : null;
    const digest = this.#digests.subarray(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES);
    if (page === null || !hash('sha256', page, 'buffer').equals(digest)) {
      this.#whole ??= this.#rescue();
      page = this.#whole.subarray(start, start + length);
    }
    this.#pages[number] = page;
    return page;
  }
}
