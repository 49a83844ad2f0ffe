import type { ChunkNumber } from '../../events/event.ts';
import { DigestColumn, Uint32Column } from '../columns.ts';
import { HashIndex } from '../hash-index.ts';

/**
 * Where each chunk lies: offset of its content in its segment, length and digest; some 48 bytes a chunk.
 *
 * The segment follows from the number, since a segment's header names its first chunk.
 */
export class ChunkIndex {
  /** Number of the first chunk minus one: more than 0 when old segments were dropped. */
  readonly #base: number;
  readonly #offsets = new Uint32Column();
  readonly #lengths = new Uint32Column();
  readonly #digests = new DigestColumn();
  /** Only a writer looks for equal chunks. */
  readonly #byDigest: HashIndex | null;

  constructor(base: number, findsEqual: boolean) {
    this.#base = base;
    this.#byDigest = findsEqual ? new HashIndex(this.#digests) : null;
  }

  get head(): ChunkNumber {
    return this.#base + this.#offsets.length;
  }

  has(chunk: ChunkNumber): boolean {
    return chunk > this.#base && chunk <= this.head && Number.isInteger(chunk);
  }

  /** @param digest - 32 bytes at `at`; copied. */
  add(offset: number, length: number, digest: Buffer, at: number): void {
    this.#offsets.push(offset);
    this.#lengths.push(length);
    this.#digests.push(digest, at);
    this.#byDigest?.add();
  }

  /** The chunk with this digest, or 0. */
  find(digest: Buffer): ChunkNumber {
    const byDigest = this.#byDigest;
    if (byDigest === null) return 0;
    const hash = digest.readUInt32LE(0);
    let index = byDigest.first(hash);
    while (index !== -1 && !this.#digests.equals(index, digest, 0)) index = byDigest.next(hash);
    return index === -1 ? 0 : this.#base + index + 1;
  }

  offset(chunk: ChunkNumber): number {
    return this.#offsets.get(chunk - this.#base - 1);
  }

  byteLength(chunk: ChunkNumber): number {
    return this.#lengths.get(chunk - this.#base - 1);
  }

  digest(chunk: ChunkNumber): Buffer {
    return this.#digests.digest(chunk - this.#base - 1);
  }
}
