/**
 * The rows of a container or volume in a stretch of the log: a transaction with file events each, and the counters of the
 * tree behind it.
 */

import { ByteReader, ByteWriter } from '../../projections/bytes.ts';
import type { TreeCounters } from '../../projections/stored/stored-tree.ts';

/** Rows between two places where counters stand in full. */
export const MARK_ROWS = 128;

const COUNTERS = [
  'nextIno',
  'upperBytes',
  'upperAllocatedBytes',
  'upperNodes',
  'whiteouts',
  'orphans',
  'directoryMoves',
] as const satisfies readonly (keyof TreeCounters)[];
const DIRECTORY_MOVES = COUNTERS.indexOf('directoryMoves');

/** Of a container or volume. A row is a transaction with file events. */
export interface SubjectRows {
  /** First event of each row, less `from`; ascending. */
  readonly seqs: Uint32Array;
  /** Counters after every {@link MARK_ROWS}th row, in full. */
  readonly marks: Float64Array;
  /** For each other row: which counters changed, a bit each, then by how much: varints, the sign in the lowest bit. */
  readonly deltas: Uint8Array;
  /** Where a mark's row begins in `deltas`. */
  readonly deltaStarts: Uint32Array;
}

/** Rows that grow with the log. Nothing here makes objects: it is fed with every transaction. */
export class GrowingRows {
  readonly seqs: number[] = [];
  readonly marks: number[] = [];
  readonly deltas = new ByteWriter();
  readonly deltaStarts: number[] = [];
  /** In the order of {@link COUNTERS}. */
  #last = new Float64Array(COUNTERS.length);
  #next = new Float64Array(COUNTERS.length);

  add(seq: number, counters: TreeCounters): void {
    const next = this.#next;
    next[0] = counters.nextIno;
    next[1] = counters.upperBytes;
    next[2] = counters.upperAllocatedBytes;
    next[3] = counters.upperNodes;
    next[4] = counters.whiteouts;
    next[5] = counters.orphans;
    next[6] = counters.directoryMoves;
    this.#addRow(seq);
  }

  /** @param counters - In the order of {@link COUNTERS}. */
  addValues(seq: number, counters: readonly number[]): void {
    this.#next.set(counters);
    this.#addRow(seq);
  }

  get packed(): SubjectRows {
    return {
      seqs: new Uint32Array(this.seqs),
      marks: new Float64Array(this.marks),
      deltas: new Uint8Array(this.deltas.bytes()),
      deltaStarts: new Uint32Array(this.deltaStarts),
    };
  }

  #addRow(seq: number): void {
    const row = this.seqs.length;
    this.seqs.push(seq);
    if (row % MARK_ROWS === 0) {
      for (const value of this.#next) this.marks.push(value);
      this.deltaStarts.push(this.deltas.length);
    } else {
      this.#addDelta();
    }
    const before = this.#last;
    this.#last = this.#next;
    this.#next = before;
  }

  #addDelta(): void {
    const before = this.#last;
    const after = this.#next;
    let changed = 0;
    for (let bit = 0; bit < COUNTERS.length; bit++) if (after[bit] !== before[bit]) changed |= 1 << bit;
    this.deltas.byte(changed);
    for (let bit = 0; bit < COUNTERS.length; bit++) {
      if (((changed >>> bit) & 1) === 0) continue;
      const delta = after[bit] - before[bit];
      this.deltas.varint(delta < 0 ? -2 * delta - 1 : 2 * delta);
    }
  }
}

/** The counters behind a row. */
export function countersAtRow(rows: SubjectRows, row: number): TreeCounters {
  const mark = Math.floor(row / MARK_ROWS);
  const values = markOf(rows, mark);
  const reader = new ByteReader(asBuffer(rows.deltas), rows.deltaStarts[mark]);
  for (let next = mark * MARK_ROWS + 1; next <= row; next++) addDelta(values, reader);
  return Object.fromEntries(COUNTERS.map((name, index) => [name, values[index]])) as unknown as TreeCounters;
}

/** Calls `visit` with the counters behind each row, in the order of {@link COUNTERS}; the list is used again. */
export function forEachRow(rows: SubjectRows, visit: (seq: number, counters: readonly number[]) => void): void {
  const reader = new ByteReader(asBuffer(rows.deltas));
  let values: number[] = [];
  for (let row = 0; row < rows.seqs.length; row++) {
    if (row % MARK_ROWS === 0) values = markOf(rows, row / MARK_ROWS);
    else addDelta(values, reader);
    visit(rows.seqs[row], values);
  }
}

export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

const markOf = (rows: SubjectRows, mark: number): number[] =>
  Array.from(rows.marks.subarray(mark * COUNTERS.length, (mark + 1) * COUNTERS.length));

function addDelta(values: number[], reader: ByteReader): void {
  const changed = reader.byte();
  for (let bit = 0; bit < COUNTERS.length; bit++) {
    if (((changed >>> bit) & 1) === 0) continue;
    const coded = reader.varint();
    values[bit] += coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
  }
}

/** Reads the changes of a row: whether a directory may have moved or gone in it. */
export function mayMoveDirectory(reader: ByteReader): boolean {
  const changed = reader.byte();
  for (let bit = 0; bit < COUNTERS.length; bit++) if (((changed >>> bit) & 1) === 1) reader.varint();
  return ((changed >>> DIRECTORY_MOVES) & 1) === 1;
}
