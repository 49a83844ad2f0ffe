/** Reads from the log what happened to the nodes of a stretch, in pieces of work. */

import { lastSeq, type SubjectId, type Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import type { NodeRef } from '../../events/node-store.ts';
import { ByteReader } from '../../projections/bytes.ts';
import { HistoryGathering, type HistoryTable } from './node-histories.ts';
import { asBuffer, MARK_ROWS, mayMoveDirectory, type SubjectRows } from './subject-rows.ts';

/** Events that are read from the log at once: half a bundle, which is decoded from its start each time. */
const EVENTS_AT_ONCE = 128;
/** Transactions that are gathered between two pauses. */
const TRANSACTIONS_AT_ONCE = 8;

/**
 * The histories of all subjects of the events `(from, to]`.
 *
 * @param parts.rows - Of each subject.
 * @param parts.read - Transactions that begin in `[from, to]`.
 * @returns null: more has happened than can be put in order.
 */
export function* gatherHistories(parts: {
  from: number;
  to: number;
  rows: ReadonlyMap<SubjectId, SubjectRows>;
  read: (from: number, to: number) => Iterable<Transaction>;
  write: (bytes: Uint8Array) => NodeRef;
}): Generator<void, Map<SubjectId, HistoryTable> | null> {
  const { from, to, rows, read, write } = parts;
  const gatherers = new Map(Array.from(rows, ([subject, ofSubject]) => [subject, new Gatherer(ofSubject)]));
  for (let at = from; at < to;) {
    const before = at;
    // Read to the end before it goes on: the log may grow in a pause.
    const transactions = Array.from(read(at + 1, Math.min(at + EVENTS_AT_ONCE, to)));
    yield;
    for (const [index, transaction] of transactions.entries()) {
      gatherers.get(transaction.subject)?.add(transaction, from);
      at = lastSeq(transaction);
      if (index % TRANSACTIONS_AT_ONCE === 0) yield;
    }
    if (at === before) throw new Error(`stretch: there is no event ${at + 1}`);
  }
  const tables = new Map<SubjectId, HistoryTable>();
  for (const [subject, { histories }] of gatherers) {
    if (!histories.isComplete) return null;
    tables.set(subject, yield* histories.store(write));
  }
  return tables;
}

/** Goes through the rows of a subject as its transactions come. */
class Gatherer {
  readonly histories = new HistoryGathering();
  readonly #rows: SubjectRows;
  readonly #deltas: ByteReader;
  #row = 0;

  constructor(rows: SubjectRows) {
    this.#rows = rows;
    this.#deltas = new ByteReader(asBuffer(rows.deltas));
  }

  add({ seq, events }: Transaction, from: number): void {
    // Without a row it has no file events, or its subject was gone behind it.
    if (this.#rows.seqs[this.#row] !== seq - from) return;
    const row = this.#row++;
    const moves = row % MARK_ROWS === 0 || mayMoveDirectory(this.#deltas);
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (isFileEvent(event)) this.histories.add(event, row, index, moves);
    }
  }
}
