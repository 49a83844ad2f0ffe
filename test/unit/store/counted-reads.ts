import type { EventLog } from '../../../src/events/event-log.ts';

/** Counts the transactions that are read from a log from now on. */
export function countedReads(log: EventLog): () => number {
  let count = 0;
  const read = log.read.bind(log);
  log.read = function* (...span) {
    for (const transaction of read(...span)) {
      count++;
      yield transaction;
    }
  };
  return () => count;
}
