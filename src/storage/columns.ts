/**
 * Append-only columns of numbers in typed arrays, for tables of millions of chunks.
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
