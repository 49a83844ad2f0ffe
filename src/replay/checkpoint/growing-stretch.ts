/** A stretch of the log that grows with it, until it is packed: which transactions touched which node, and the counters of trees. */

import { serialize } from 'node:v8';
import type { Ino, SubjectId, Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { ByteReader, ByteWriter } from '../../projections/bytes.ts';
import type { TreeCounters } from '../../projections/stored/stored-tree.ts';
import { forEachTouched } from '../../projections/touched-nodes.ts';
import type { World } from '../../projections/world.ts';
import { sortTouches } from './sort-touches.ts';
import {
  addDelta,
  asBuffer,
  COUNTERS,
  MARK_ROWS,
  markOf,
  Stretch,
  type StretchData,
  type SubjectRows,
} from './stretch.ts';

/** Of a subject, while the log grows. It is fed with every transaction, so nothing here makes objects. */
class GrowingRows {
  readonly seqs: number[] = [];
  readonly inos: number[] = [];
  readonly rows: number[] = [];
  readonly marks: number[] = [];
  readonly deltas = new ByteWriter();
  readonly deltaStarts: number[] = [];
  /** In the order of {@link COUNTERS}. */
  readonly #last = new Float64Array(COUNTERS.length);
  readonly #next = new Float64Array(COUNTERS.length);

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

  touch(ino: Ino): void {
    this.inos.push(ino);
    this.rows.push(this.seqs.length - 1);
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
    this.#last.set(this.#next);
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

/** A stretch that grows with the log. */
export class GrowingStretch {
  readonly from: number;
  to: number;
  readonly #others: number[] = [];
  readonly #subjects = new Map<SubjectId, GrowingRows>();
  /** Of the transaction that is being added. */
  #rows: GrowingRows | null = null;
  readonly #touch = (ino: Ino): void => {
    if (ino !== 0) this.#rows?.touch(ino);
  };

  constructor(from: number) {
    this.from = from;
    this.to = from;
  }

  /** @param world - As it is after the transaction. */
  add(transaction: Transaction, world: World): void {
    const { seq, subject, events } = transaction;
    this.to = seq + events.length - 1;
    const overlay = world.overlay(subject);
    this.#rows = null;
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (!isFileEvent(event)) {
        if (this.#others.at(-1) !== seq - this.from) this.#others.push(seq - this.from);
        continue;
      }
      // What the transaction itself removed has no moment at which anybody could ask for it.
      if (overlay === undefined) continue;
      if (this.#rows === null) {
        this.#rows = this.#rowsOf(subject);
        this.#rows.add(seq - this.from, overlay.tree);
      }
      forEachTouched(event, this.#touch);
    }
  }

  #rowsOf(subject: SubjectId): GrowingRows {
    let rows = this.#subjects.get(subject);
    if (rows === undefined) this.#subjects.set(subject, (rows = new GrowingRows()));
    return rows;
  }

  /** Takes what a stretch behind this one holds. */
  append(stretch: Stretch): void {
    const { from, to, others, subjects } = stretch.data;
    const shift = from - this.from;
    this.to = to;
    for (const other of others) this.#others.push(other + shift);
    for (const [subject, stored] of subjects) {
      const rows = this.#rowsOf(subject);
      const firstRow = rows.seqs.length;
      const reader = new ByteReader(asBuffer(stored.deltas));
      let values: number[] = [];
      for (let row = 0; row < stored.seqs.length; row++) {
        if (row % MARK_ROWS === 0) values = markOf(stored, row / MARK_ROWS);
        else addDelta(values, reader);
        rows.addValues(stored.seqs[row] + shift, values);
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
