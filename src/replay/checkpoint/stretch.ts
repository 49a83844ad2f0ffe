/**
 * What is known of a stretch of the log, the events `(from, to]`, without reading it: which transactions touched which
 * node, and what the counters of the trees were.
 *
 * With it a past moment is a checkpoint and, for each node that somebody asks for, the few transactions that touched it.
 */

import { deserialize } from 'node:v8';
import type { Ino, SubjectId } from '../../events/event.ts';
import { ByteReader } from '../../projections/bytes.ts';
import type { TreeCounters } from '../../projections/stored/stored-tree.ts';

/** Rows between two places where counters stand in full. */
export const MARK_ROWS = 128;

export const COUNTERS = [
  'nextIno',
  'upperBytes',
  'upperAllocatedBytes',
  'upperNodes',
  'whiteouts',
  'orphans',
  'directoryMoves',
] as const satisfies readonly (keyof TreeCounters)[];

/** Of a container or volume. A row is a transaction with file events. */
export interface SubjectRows {
  /** First event of each row, less `from`; ascending. */
  readonly seqs: Uint32Array;
  /** Nodes and the rows that touched them, ascending by node, then by row. */
  readonly inos: Uint32Array;
  readonly rows: Uint32Array;
  /** Counters after every {@link MARK_ROWS}th row, in full. */
  readonly marks: Float64Array;
  /** For each other row: which counters changed, a bit each, then by how much: varints, the sign in the lowest bit. */
  readonly deltas: Uint8Array;
  /** Where a mark's row begins in `deltas`. */
  readonly deltaStarts: Uint32Array;
}

export interface StretchData {
  readonly from: number;
  readonly to: number;
  /** First events of transactions that hold something else than file events, less `from`. */
  readonly others: Uint32Array;
  readonly subjects: ReadonlyMap<SubjectId, SubjectRows>;
}

/** A stretch that is complete. */
export class Stretch {
  readonly #data: StretchData;
  readonly #leastRows = new Map<SubjectId, Uint32Array>();

  constructor(bytes: Buffer) {
    this.#data = deserialize(bytes) as StretchData;
  }

  get from(): number {
    return this.#data.from;
  }

  get to(): number {
    return this.#data.to;
  }

  /** First events of the transactions up to `seq` that hold something else than file events. */
  *otherTransactions(seq: number): Generator<number, void> {
    for (const other of this.#data.others) {
      if (this.#data.from + other > seq) return;
      yield this.#data.from + other;
    }
  }

  subjects(): Iterable<SubjectId> {
    return this.#data.subjects.keys();
  }

  /**
   * What touched the nodes of a subject from event `after + 1` to `seq`.
   *
   * @param keyEnd - No node that was there then has this number or a greater one.
   */
  touches(subject: SubjectId, after: number, seq: number, keyEnd = Infinity): Touches {
    const rows = this.#data.subjects.get(subject);
    if (rows === undefined) return new Touches(NO_ROWS, { from: this.#data.from, after, seq, keyEnd });
    let leastRows = this.#leastRows.get(subject);
    if (leastRows === undefined) this.#leastRows.set(subject, (leastRows = leastOfBlocks(rows.rows)));
    return new Touches({ ...rows, leastRows }, { from: this.#data.from, after, seq, keyEnd });
  }

  /** The counters of a subject after its last transaction up to `seq`; null: it has none in the stretch. */
  countersAt(subject: SubjectId, seq: number): TreeCounters | null {
    const rows = this.#data.subjects.get(subject);
    if (rows === undefined) return null;
    const row = upperBound(rows.seqs, seq - this.#data.from) - 1;
    if (row < 0) return null;
    const mark = Math.floor(row / MARK_ROWS);
    const values = markOf(rows, mark);
    const reader = new ByteReader(asBuffer(rows.deltas), rows.deltaStarts[mark]);
    for (let next = mark * MARK_ROWS + 1; next <= row; next++) addDelta(values, reader);
    return namedCounters(values);
  }

  /** For whoever goes on writing it. */
  get data(): StretchData {
    return this.#data;
  }
}

/** Touches that are passed over together when all of them come later. */
const BLOCK = 64;

interface SearchedRows extends Pick<SubjectRows, 'seqs' | 'inos' | 'rows'> {
  /** The least row of each {@link BLOCK} touches. */
  readonly leastRows: Uint32Array;
}

const NOTHING = new Uint32Array(0);
const NO_ROWS: SearchedRows = { seqs: NOTHING, inos: NOTHING, rows: NOTHING, leastRows: NOTHING };

function leastOfBlocks(rows: Uint32Array): Uint32Array {
  const least = new Uint32Array(Math.ceil(rows.length / BLOCK)).fill(0xffff_ffff);
  for (let at = 0; at < rows.length; at++) {
    const block = Math.floor(at / BLOCK);
    if (rows[at] < least[block]) least[block] = rows[at];
  }
  return least;
}

/** Nodes that were touched between two moments, and by which transactions. */
export class Touches {
  readonly #rows: SearchedRows;
  readonly #from: number;
  /** Rows that count: from the first one, in front of the end. */
  readonly #first: number;
  readonly #end: number;
  /** Touches behind this place are of nodes that came later. */
  readonly #length: number;

  constructor(rows: SearchedRows, range: { from: number; after: number; seq: number; keyEnd: number }) {
    this.#rows = rows;
    this.#from = range.from;
    this.#first = upperBound(rows.seqs, range.after - range.from);
    this.#end = upperBound(rows.seqs, range.seq - range.from);
    this.#length = this.#end <= this.#first ? 0 : lowerBound(rows.inos, range.keyEnd);
  }

  /** The greatest node, or -1. */
  get lastKey(): number {
    const { rows, inos } = this.#rows;
    for (let at = this.#length - 1; at >= 0; at--) if (this.#counts(rows[at])) return inos[at];
    return -1;
  }

  /** Whether a node from `first` on and below `end` was touched. */
  touches(first: Ino, end: Ino): boolean {
    const { inos } = this.#rows;
    const at = this.#next(lowerBound(inos, first));
    return at < this.#length && inos[at] < end;
  }

  /** First events of the transactions that touched a node, ascending. */
  *of(ino: Ino): Generator<number, void> {
    const { seqs, inos, rows } = this.#rows;
    for (let at = lowerBound(inos, ino); at < this.#length && inos[at] === ino; at++) {
      if (this.#counts(rows[at])) yield this.#from + seqs[rows[at]];
    }
  }

  /** All nodes, ascending. */
  *nodes(): Generator<Ino, void> {
    const { inos } = this.#rows;
    let last = -1;
    for (let at = this.#next(0); at < this.#length; at = this.#next(at + 1)) {
      if (inos[at] === last) continue;
      last = inos[at];
      yield last;
    }
  }

  /** The first touch that counts from a place on, or a place behind all. */
  #next(from: number): number {
    const { rows, leastRows } = this.#rows;
    let at = from;
    while (at < this.#length) {
      if (at % BLOCK === 0 && leastRows[at / BLOCK] >= this.#end) at += BLOCK;
      else if (this.#counts(rows[at])) return at;
      else at++;
    }
    return this.#length;
  }

  #counts(row: number): boolean {
    return row >= this.#first && row < this.#end;
  }
}

export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

export const markOf = (rows: SubjectRows, mark: number): number[] =>
  Array.from(rows.marks.subarray(mark * COUNTERS.length, (mark + 1) * COUNTERS.length));

export function addDelta(values: number[], reader: ByteReader): void {
  const changed = reader.byte();
  for (let bit = 0; bit < COUNTERS.length; bit++) {
    if (((changed >>> bit) & 1) === 0) continue;
    const coded = reader.varint();
    values[bit] += coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
  }
}

const namedCounters = (values: readonly number[]): TreeCounters =>
  Object.fromEntries(COUNTERS.map((name, index) => [name, values[index]])) as unknown as TreeCounters;

/** Index of the first element that is not less than `value`. */
function lowerBound(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first element that is greater than `value`. */
function upperBound(sorted: Uint32Array, value: number): number {
  return lowerBound(sorted, value + 1);
}
