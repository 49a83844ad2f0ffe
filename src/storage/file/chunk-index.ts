import type { ChunkNumber } from '../../events/event.ts';
import { Uint32Column } from '../columns.ts';
import { HashIndex } from '../hash-index.ts';

/**
 * Where each chunk lies: offset of its content in its segment, length and CRC-32; some 24 bytes a chunk.
 *
 * The segment follows from the number, since a segment's header names its first chunk.
 */
export class ChunkIndex {
  /** Number of the first chunk minus one: more than 0 when old segments were dropped. */
  readonly #base: number;
  readonly #offsets = new Uint32Column();
  readonly #lengths = new Uint32Column();
  readonly #sums = new Uint32Column();
  /** Only a writer looks for equal chunks. */
  readonly #bySum: HashIndex | null;

  constructor(base: number, findsEqual: boolean) {
    this.#base = base;
    this.#bySum = findsEqual ? new HashIndex(this.#sums) : null;
  }

  get head(): ChunkNumber {
    return this.#base + this.#offsets.length;
  }

  get findsEqual(): boolean {
    return this.#bySum !== null;
  }

  has(chunk: ChunkNumber): boolean {
    return chunk > this.#base && chunk <= this.head && Number.isInteger(chunk);
  }

  /** @param sum - CRC-32 of the content. */
  add(offset: number, length: number, sum: number): void {
    this.#offsets.push(offset);
    this.#lengths.push(length);
    this.#sums.push(sum);
    this.#bySum?.add();
  }

  /** The first chunk with this sum, or 0; {@link ChunkIndex.nextWithSum} gives the ones behind it. */
  firstWithSum(sum: number): ChunkNumber {
    return this.#numberOf(this.#bySum?.first(sum) ?? -1);
  }

  nextWithSum(sum: number): ChunkNumber {
    return this.#numberOf(this.#bySum?.next(sum) ?? -1);
  }

  offset(chunk: ChunkNumber): number {
    return this.#offsets.get(chunk - this.#base - 1);
  }

  byteLength(chunk: ChunkNumber): number {
    return this.#lengths.get(chunk - this.#base - 1);
  }

  #numberOf(index: number): ChunkNumber {
    return index < 0 ? 0 : this.#base + index + 1;
  }
}
