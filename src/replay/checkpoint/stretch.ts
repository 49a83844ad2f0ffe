/**
 * What is known of a stretch of the log, the events `(from, to]`, without reading it: which transactions touched which
 * node, and what the counters of the trees were.
 *
 * With it a past moment is a checkpoint and, for each node that somebody asks for, the few transactions that touched it.
 */

import { deserialize, serialize } from 'node:v8';
import type { Ino, SubjectId, Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { ByteReader, ByteWriter } from '../../projections/bytes.ts';
import { countersOf, type TreeCounters } from '../../projections/stored/stored-tree.ts';
import { forEachTouched } from '../../projections/touched-nodes.ts';
import type { World } from '../../projections/world.ts';

/** Rows between two places where counters stand in full. */
const MARK_ROWS = 128;

const COUNTERS = [
  'nextIno',
  'upperBytes',
  'upperAllocatedBytes',
  'upperNodes',
  'whiteouts',
  'orphans',
  'directoryMoves',
] as const satisfies readonly (keyof TreeCounters)[];

/** Of a container or volume. A row is a transaction with file events. */
interface SubjectRows {
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

interface StretchData {
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

/** Of a subject, while the log grows. */
class GrowingRows {
  readonly seqs: number[] = [];
  readonly inos: number[] = [];
  readonly rows: number[] = [];
  readonly marks: number[] = [];
  readonly deltas = new ByteWriter();
  readonly deltaStarts: number[] = [];
  #last: TreeCounters | null = null;

  add(seq: number, counters: TreeCounters): void {
    const row = this.seqs.length;
    this.seqs.push(seq);
    if (row % MARK_ROWS === 0) {
      for (const name of COUNTERS) this.marks.push(counters[name]);
      this.deltaStarts.push(this.deltas.length);
    } else {
      this.#delta(this.#last as TreeCounters, counters);
    }
    this.#last = counters;
  }

  touch(ino: Ino): void {
    this.inos.push(ino);
    this.rows.push(this.seqs.length - 1);
  }

  #delta(before: TreeCounters, after: TreeCounters): void {
    let changed = 0;
    for (let bit = 0; bit < COUNTERS.length; bit++)
      if (after[COUNTERS[bit]] !== before[COUNTERS[bit]]) changed |= 1 << bit;
    this.deltas.byte(changed);
    for (let bit = 0; bit < COUNTERS.length; bit++) {
      if (((changed >>> bit) & 1) === 0) continue;
      const delta = after[COUNTERS[bit]] - before[COUNTERS[bit]];
      this.deltas.varint(delta < 0 ? -2 * delta - 1 : 2 * delta);
    }
  }
}

/** A stretch that grows with the log. */
export class GrowingStretch {
  readonly from: number;
  to: number;
  readonly #others: number[] = [];
  readonly #subjects = new Map<SubjectId, GrowingRows>();

  constructor(from: number) {
    this.from = from;
    this.to = from;
  }

  /** @param world - As it is after the transaction. */
  add(transaction: Transaction, world: World): void {
    const { seq, subject, events } = transaction;
    this.to = seq + events.length - 1;
    let rows: GrowingRows | null = null;
    // What the transaction itself removed has no moment at which anybody could ask for it.
    const isThere = world.overlay(subject) !== undefined;
    for (const event of events) {
      if (!isFileEvent(event)) {
        if (this.#others.at(-1) !== seq - this.from) this.#others.push(seq - this.from);
        continue;
      }
      if (!isThere) continue;
      rows ??= this.#row(seq, subject, world);
      const into = rows;
      forEachTouched(event, (ino) => {
        if (ino !== 0) into.touch(ino);
      });
    }
  }

  #row(seq: number, subject: SubjectId, world: World): GrowingRows {
    let rows = this.#subjects.get(subject);
    if (rows === undefined) this.#subjects.set(subject, (rows = new GrowingRows()));
    const tree = world.overlay(subject)?.tree;
    if (tree === undefined) throw new Error(`stretch: there is no container or volume ${subject}`);
    rows.add(seq - this.from, countersOf(tree));
    return rows;
  }

  /** Takes what a stretch behind this one holds. */
  append(stretch: Stretch): void {
    const { from, to, others, subjects } = stretch.data;
    const shift = from - this.from;
    this.to = to;
    for (const other of others) this.#others.push(other + shift);
    for (const [subject, stored] of subjects) {
      let rows = this.#subjects.get(subject);
      if (rows === undefined) this.#subjects.set(subject, (rows = new GrowingRows()));
      const firstRow = rows.seqs.length;
      const reader = new ByteReader(asBuffer(stored.deltas));
      let values: number[] = [];
      for (let row = 0; row < stored.seqs.length; row++) {
        if (row % MARK_ROWS === 0) values = markOf(stored, row / MARK_ROWS);
        else addDelta(values, reader);
        rows.add(stored.seqs[row] + shift, namedCounters(values));
      }
      for (let at = 0; at < stored.inos.length; at++) {
        rows.inos.push(stored.inos[at]);
        rows.rows.push(stored.rows[at] + firstRow);
      }
    }
  }

  /** Takes what grew behind this one. */
  appendGrowing(stretch: GrowingStretch): void {
    const pack = stretch.pack();
    let step = pack.next();
    while (step.done !== true) step = pack.next();
    this.append(new Stretch(step.value));
  }

  /** The stretch as bytes; it yields after pieces of work. Nothing is added any more. */
  *pack(): Generator<void, Buffer> {
    const subjects = new Map<SubjectId, SubjectRows>();
    for (const [subject, rows] of this.#subjects) {
      const { inos, rows: touching } = yield* sortTouches(rows.inos, rows.rows);
      subjects.set(subject, {
        seqs: Uint32Array.from(rows.seqs),
        inos,
        rows: touching,
        marks: Float64Array.from(rows.marks),
        deltas: Uint8Array.from(rows.deltas.bytes()),
        deltaStarts: Uint32Array.from(rows.deltaStarts),
      });
      yield;
    }
    const { from, to } = this;
    return serialize({ from, to, others: Uint32Array.from(this.#others), subjects } satisfies StretchData);
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

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

const namedCounters = (values: readonly number[]): TreeCounters =>
  Object.fromEntries(COUNTERS.map((name, index) => [name, values[index]])) as unknown as TreeCounters;

/** Touches that are sorted at once; the rest is merging. */
const RUN = 8192;
const ROW_SPAN = 2 ** 20;

/** Nodes with the rows that touched them, by node, then by row, each pair once. */
function* sortTouches(inos: number[], rows: number[]): Generator<void, { inos: Uint32Array; rows: Uint32Array }> {
  if (rows.length > 0 && rows[rows.length - 1] >= ROW_SPAN) throw new Error('stretch: too many transactions');
  let runs: Float64Array[] = [];
  for (let start = 0; start < inos.length; start += RUN) {
    const run = new Float64Array(Math.min(RUN, inos.length - start));
    for (let at = 0; at < run.length; at++) run[at] = inos[start + at] * ROW_SPAN + rows[start + at];
    runs.push(run.sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: Float64Array[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(at + 1 < runs.length ? merge(runs[at], runs[at + 1]) : runs[at]);
      yield;
    }
    runs = merged;
  }
  return withoutTwice(runs[0] ?? new Float64Array(0));
}

function merge(left: Float64Array, right: Float64Array): Float64Array {
  const merged = new Float64Array(left.length + right.length);
  let here = 0;
  let there = 0;
  for (let at = 0; at < merged.length; at++) {
    const takeLeft = there >= right.length || (here < left.length && left[here] <= right[there]);
    merged[at] = takeLeft ? left[here++] : right[there++];
  }
  return merged;
}

function withoutTwice(sorted: Float64Array): { inos: Uint32Array; rows: Uint32Array } {
  const inos = new Uint32Array(sorted.length);
  const rows = new Uint32Array(sorted.length);
  let length = 0;
  for (let at = 0; at < sorted.length; at++) {
    if (at > 0 && sorted[at] === sorted[at - 1]) continue;
    inos[length] = Math.floor(sorted[at] / ROW_SPAN);
    rows[length++] = sorted[at] % ROW_SPAN;
  }
  return { inos: inos.slice(0, length), rows: rows.slice(0, length) };
}

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
