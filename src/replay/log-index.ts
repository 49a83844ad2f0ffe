/**
 * What the time machine knows of a log without reading it: a mark of time every so many transactions, and which events
 * refer to earlier moments.
 *
 * Kept for the part of the log that was folded. The part before a checkpoint is read once, when first asked for.
 */

import type { Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';

/** Transactions between two marks. */
const MARK_EVERY = 256;

export class LogIndex {
  readonly #log: Pick<EventLog, 'read'>;
  #part: Part;
  /** The log before this event (included) is not in the index yet. */
  #missingTo: number;

  /**
   * @param from - The index is fed from the event after this one on.
   */
  constructor(log: Pick<EventLog, 'read'>, from: number) {
    this.#log = log;
    this.#missingTo = from;
    this.#part = new Part();
  }

  /** Takes note of the next transaction. */
  add(transaction: Transaction): void {
    this.#part.add(transaction);
  }

  /** Visits the moments that forks and rewinds among the events `(after, to]` refer to. */
  forEachReference(after: number, to: number, visit: (referred: number) => void): void {
    if (after < this.#missingTo) this.#fill();
    const { referring, referred } = this.#part;
    for (let index = upperBound(referring, after); index < referring.length && referring[index] <= to; index++) {
      visit(referred[index]);
    }
  }

  /**
   * Last event of the last transaction at or before a time.
   *
   * Times in a log do not go back. Should they, a transaction counts as late as the latest one before it, so that the
   * answer is the same however the log is searched.
   */
  seqAtTime(timeNs: bigint): number {
    if (this.#missingTo > 0) this.#fill();
    const { markSeqs, markTimes } = this.#part;
    let low = -1;
    let high = markTimes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (markTimes[middle] <= timeNs) low = middle;
      else high = middle - 1;
    }
    if (low < 0) return 0;
    let seq = markSeqs[low];
    const to = this.#part.lastSeq;
    if (seq >= to) return seq;
    for (const transaction of this.#log.read(seq + 1, to)) {
      if (transaction.timeNs > timeNs) break;
      seq = lastSeq(transaction);
    }
    return seq;
  }

  #fill(): void {
    const whole = new Part();
    const indexedTo = this.#part.lastSeq;
    const to = Math.max(this.#missingTo, indexedTo);
    if (to > 0) for (const transaction of this.#log.read(1, to)) whole.add(transaction);
    this.#part = whole;
    this.#missingTo = 0;
  }
}

class Part {
  /** The marks: a transaction's last event, and the latest time up to it. */
  readonly markSeqs: number[] = [];
  readonly markTimes: bigint[] = [];
  /** Events that refer to a moment, ascending, and that moment. */
  readonly referring: number[] = [];
  readonly referred: number[] = [];
  lastSeq = 0;
  #sinceMark = 0;
  #latestNs: bigint | null = null;

  add(transaction: Transaction): void {
    this.lastSeq = lastSeq(transaction);
    if (this.#latestNs === null || transaction.timeNs > this.#latestNs) this.#latestNs = transaction.timeNs;
    if (this.#sinceMark === 0) {
      this.markSeqs.push(this.lastSeq);
      this.markTimes.push(this.#latestNs);
    }
    this.#sinceMark = (this.#sinceMark + 1) % MARK_EVERY;
    let seq = transaction.seq;
    for (const event of transaction.events) {
      if (event.type === 'ContainerForked') this.#refer(seq, event.at);
      else if (event.type === 'ContainerRewound') this.#refer(seq, event.to);
      else if (event.type === 'NodesRestored') this.#referToNodes(seq, event.nodes);
      seq++;
    }
  }

  /** Triples (ino, from, at). */
  #referToNodes(seq: number, nodes: readonly number[]): void {
    const moments = new Set(nodes.filter((_, index) => index % 3 === 2));
    for (const moment of moments) this.#refer(seq, moment);
  }

  #refer(seq: number, to: number): void {
    this.referring.push(seq);
    this.referred.push(to);
  }
}

/** Index of the first element greater than `value`. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
