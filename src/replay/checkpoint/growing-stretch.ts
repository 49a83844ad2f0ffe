/** A stretch of the log that grows with it, until it is packed: which transactions touched which node, and the counters of trees. */

import { serialize } from 'node:v8';
import type { Ino, SubjectId, Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { ByteReader, ByteWriter } from '../../projections/bytes.ts';
import { countersOf, type TreeCounters } from '../../projections/stored/stored-tree.ts';
import { forEachTouched } from '../../projections/touched-nodes.ts';
import type { World } from '../../projections/world.ts';
import { sortTouches } from './sort-touches.ts';
import {
  addDelta,
  asBuffer,
  COUNTERS,
  MARK_ROWS,
  markOf,
  namedCounters,
  Stretch,
  type StretchData,
  type SubjectRows,
} from './stretch.ts';

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
