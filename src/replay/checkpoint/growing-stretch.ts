/**
 * A stretch of the log that grows with it, until it is packed: which transactions there are, and the counters of trees
 * behind each.
 *
 * It is fed with every transaction, so it notes only what the log does not say. What became of single nodes is read from
 * the log when the stretch is packed.
 */

import { serialize } from 'node:v8';
import type { SubjectId, Transaction } from '../../events/event.ts';
import { lastSeq } from '../../events/event.ts';
import type { NodeRef } from '../../events/node-store.ts';
import type { World } from '../../projections/world.ts';
import { gatherHistories } from './gather-histories.ts';
import { Stretch, type StretchData } from './stretch.ts';
import { forEachRow, GrowingRows, type SubjectRows } from './subject-rows.ts';

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

  /**
   * @param world - As it is after the transaction.
   * @param files - How many of its events are file events.
   */
  add(transaction: Transaction, world: World, files: number): void {
    const { seq, subject, events } = transaction;
    this.to = lastSeq(transaction);
    if (files < events.length) this.#others.push(seq - this.from);
    if (files === 0) return;
    // What the transaction itself removed has no moment at which anybody could ask for it.
    const overlay = world.overlay(subject);
    if (overlay !== undefined) this.#rowsOf(subject).add(seq - this.from, overlay.tree);
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
    for (const [subject, { rows: stored }] of subjects) this.#appendRows(subject, stored, shift);
  }

  /** Takes what grew behind this one. */
  appendGrowing(stretch: GrowingStretch): void {
    const shift = stretch.from - this.from;
    this.to = stretch.to;
    for (const other of stretch.#others) this.#others.push(other + shift);
    for (const [subject, rows] of stretch.#subjects) this.#appendRows(subject, rows.packed, shift);
  }

  #appendRows(subject: SubjectId, stored: SubjectRows, shift: number): void {
    const rows = this.#rowsOf(subject);
    forEachRow(stored, (seq, counters) => rows.addValues(seq + shift, counters));
  }

  /**
   * The stretch as bytes; it yields after pieces of work. Nothing is added any more.
   *
   * @param read - Transactions that begin in `[from, to]`.
   * @param write - Stores what is too much to be read at once.
   * @returns null: more has happened than there is room for.
   */
  *pack(
    read: (from: number, to: number) => Iterable<Transaction>,
    write: (bytes: Uint8Array) => NodeRef,
  ): Generator<void, Buffer | null> {
    const { from, to } = this;
    const rows = new Map<SubjectId, SubjectRows>();
    for (const [subject, growing] of this.#subjects) {
      rows.set(subject, growing.packed);
      yield;
    }
    const histories = yield* gatherHistories({ from, to, rows, read, write });
    if (histories === null) return null;
    const subjects: StretchData['subjects'] = new Map(
      Array.from(histories, ([subject, history]) => [subject, { rows: rows.get(subject) as SubjectRows, history }]),
    );
    return serialize({ from, to, others: new Uint32Array(this.#others), subjects } satisfies StretchData);
  }
}
