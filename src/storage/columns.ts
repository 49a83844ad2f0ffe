/**
 * Append-only columns of numbers and of digests in typed arrays, for tables of millions of chunks.
 *
 * In pages, not in one array that doubles: growing copies nothing, and the waste is at most one page.
 */

const PAGE_BITS = 12;
const PAGE_ENTRIES = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_ENTRIES - 1;

export class Uint32Column {
  readonly #pages: Uint32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get(index: number): number {
    return this.#pages[index >>> PAGE_BITS][index & PAGE_MASK];
  }

  push(value: number): void {
    const at = this.#length & PAGE_MASK;
    if (at === 0) this.#pages.push(new Uint32Array(PAGE_ENTRIES));
    this.#pages[this.#length >>> PAGE_BITS][at] = value;
    this.#length++;
  }
}

/** Bytes of a SHA-256 digest (FIPS 180-4). */
export const DIGEST_BYTES = 32;

export class DigestColumn {
  readonly #pages: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The first four bytes, which are as good a hash as any. */
  get(index: number): number {
    return this.#pages[index >>> PAGE_BITS].readUInt32LE((index & PAGE_MASK) * DIGEST_BYTES);
  }

  /** A view: not to be changed. */
  digest(index: number): Buffer {
    const offset = (index & PAGE_MASK) * DIGEST_BYTES;
    return this.#pages[index >>> PAGE_BITS].subarray(offset, offset + DIGEST_BYTES);
  }

  equals(index: number, source: Buffer, offset: number): boolean {
    const at = (index & PAGE_MASK) * DIGEST_BYTES;
    const page = this.#pages[index >>> PAGE_BITS];
    return page.compare(source, offset, offset + DIGEST_BYTES, at, at + DIGEST_BYTES) === 0;
  }

  /** Copies 32 bytes from `source` at `offset`. */
  push(source: Buffer, offset: number): void {
    const at = this.#length & PAGE_MASK;
    if (at === 0) this.#pages.push(Buffer.allocUnsafeSlow(PAGE_ENTRIES * DIGEST_BYTES));
    const page = this.#pages[this.#length >>> PAGE_BITS];
    // A whole buffer is set in a third of the time of Buffer.copy, which makes a view first.
    if (source.length === DIGEST_BYTES) page.set(source, at * DIGEST_BYTES);
    else source.copy(page, at * DIGEST_BYTES, offset, offset + DIGEST_BYTES);
    this.#length++;
  }
}
