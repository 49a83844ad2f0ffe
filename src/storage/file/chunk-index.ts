import type { ChunkNumber } from '../../events/event.ts';
import { Uint32Column } from '../columns.ts';
import { HashIndex } from '../hash-index.ts';
import { droppedSum } from '../log-state.ts';
import { ChunkTable } from './chunk-table.ts';
import type { TableNumbers } from './table-pages.ts';

/** Chunks of a segment that was not scanned. */
export interface StoredChunks {
  readonly first: ChunkNumber;
  readonly head: ChunkNumber;
  /** Their table ({@link ChunkTable}), of which a page is read when it is touched. */
  load(): TableNumbers;
}

interface StoredPart {
  readonly chunks: StoredChunks;
  table: ChunkTable | null;
}

/**
 * Where each chunk lies: offset of its content in its segment, length and CRC-32; some 24 bytes a chunk.
 *
 * The segment follows from the number, since a segment's header names its first chunk. Chunks of segments that were not
 * scanned stand in tables, which are read when one of them is asked for.
 */
export class ChunkIndex {
  /** Ascending, without gaps; the columns go on behind them. */
  readonly #stored: StoredPart[] = [];
  /** Number of the first chunk in the columns minus one. */
  #base: number;
  /** More than 0 when old segments were dropped. */
  readonly #start: number;
  readonly #offsets = new Uint32Column();
  readonly #lengths = new Uint32Column();
  readonly #sums = new Uint32Column();
  /** Only a writer looks for equal chunks. */
  readonly #bySum: HashIndex | null;
  /** The table that is searched for a sum, from the last one down; as many as there are: the columns. */
  #searched = 0;

  /** @param base - Number of the first chunk minus one. */
  constructor(base: number, findsEqual: boolean) {
    this.#base = base;
    this.#start = base;
    this.#bySum = findsEqual ? new HashIndex(this.#sums) : null;
  }

  get head(): ChunkNumber {
    return this.#base + this.#offsets.length;
  }

  get findsEqual(): boolean {
    return this.#bySum !== null;
  }

  has(chunk: ChunkNumber): boolean {
    return chunk > this.#start && chunk <= this.head && Number.isInteger(chunk);
  }

  /** Takes chunks from a table, in front of all that are added. */
  addStored(chunks: StoredChunks): void {
    if (this.#offsets.length > 0 || chunks.first !== this.#base + 1) throw new Error('chunk index: tables come first');
    if (chunks.head < chunks.first) return;
    this.#stored.push({ chunks, table: null });
    this.#base = chunks.head;
  }

  /** @param sum - CRC-32 of the content. */
  add(offset: number, length: number, sum: number): void {
    this.#offsets.push(offset);
    this.#lengths.push(length);
    this.#sums.push(sum);
    this.#bySum?.add();
  }

  /** Chunks whose content was dropped: they have numbers, and no bytes. */
  addDropped(count: number): void {
    for (let each = 0; each < count; each++) this.add(0, 0, droppedSum(this.head + 1));
  }

  /** The first chunk with this sum, or 0; {@link ChunkIndex.nextWithSum} gives the ones behind it. */
  firstWithSum(sum: number): ChunkNumber {
    if (this.#bySum === null) return 0;
    const index = this.#bySum.first(sum);
    this.#searched = this.#stored.length;
    return index >= 0 ? this.#base + index + 1 : this.#firstInTables(sum);
  }

  nextWithSum(sum: number): ChunkNumber {
    if (this.#bySum === null) return 0;
    const inColumns = this.#searched === this.#stored.length;
    const index = inColumns ? this.#bySum.next(sum) : this.#tableAt(this.#searched).next(sum);
    if (index < 0) return this.#firstInTables(sum);
    return inColumns ? this.#base + index + 1 : this.#stored[this.#searched].chunks.first + index;
  }

  offset(chunk: ChunkNumber): number {
    if (chunk > this.#base) return this.#offsets.get(chunk - this.#base - 1);
    const at = this.#partOf(chunk);
    return this.#tableAt(at).offset(chunk - this.#stored[at].chunks.first);
  }

  byteLength(chunk: ChunkNumber): number {
    if (chunk > this.#base) return this.#lengths.get(chunk - this.#base - 1);
    const at = this.#partOf(chunk);
    return this.#tableAt(at).byteLength(chunk - this.#stored[at].chunks.first);
  }

  sum(chunk: ChunkNumber): number {
    if (chunk > this.#base) return this.#sums.get(chunk - this.#base - 1);
    const at = this.#partOf(chunk);
    return this.#tableAt(at).sum(chunk - this.#stored[at].chunks.first);
  }

  /** The table of the chunks from `first` to `head`. */
  pack(first: ChunkNumber, head: ChunkNumber): Buffer {
    const offsets: number[] = [];
    const lengths: number[] = [];
    const sums: number[] = [];
    for (let chunk = first; chunk <= head; chunk++) {
      offsets.push(this.offset(chunk));
      lengths.push(this.byteLength(chunk));
      sums.push(this.sum(chunk));
    }
    return ChunkTable.pack(offsets, lengths, sums);
  }

  #firstInTables(sum: number): ChunkNumber {
    while (--this.#searched >= 0) {
      const index = this.#tableAt(this.#searched).first(sum);
      if (index >= 0) return this.#stored[this.#searched].chunks.first + index;
    }
    return 0;
  }

  #partOf(chunk: ChunkNumber): number {
    let low = 0;
    let high = this.#stored.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#stored[middle].chunks.first <= chunk) low = middle;
      else high = middle;
    }
    return low;
  }

  #tableAt(at: number): ChunkTable {
    const part = this.#stored[at];
    return (part.table ??= new ChunkTable(part.chunks.load()));
  }
}
