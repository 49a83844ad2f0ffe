/** A log read from its end: for whoever wants the last transactions only. */

import type { Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';

/** Events that are read at once: few at first, since most want few, then as many as half a megabyte of log holds. */
const EVENTS_MIN = 128;
const EVENTS_MAX = 8192;

/**
 * Transactions from the one that holds event `to`, the newest first, to the one that holds event `from`.
 *
 * @param from - From 1 on.
 */
export function* newestFirst(log: Pick<EventLog, 'read'>, from: number, to: number): Generator<Transaction, void> {
  let end = to;
  for (let events = EVENTS_MIN; end >= from; events = Math.min(events * 2, EVENTS_MAX)) {
    const start = Math.max(from, end - events + 1);
    const piece = Array.from(log.read(start, end));
    if (piece.length === 0) return;
    for (const transaction of piece.toReversed()) yield transaction;
    end = piece[0].seq - 1;
  }
}
