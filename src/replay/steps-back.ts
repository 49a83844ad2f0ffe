/** The moment before the last so many steps of one container: what `web~3` means. */

import type { EventLog } from '../events/event-log.ts';
import { findContainer, type Registry } from '../projections/registry.ts';

/** Events that are read at a time, from the head on backwards. */
const WINDOW_EVENTS = 4096;

export interface StepsBack {
  /** The moment before these steps. */
  readonly seq: number;
  /** Steps that there were: fewer than asked for where the container is not that old. */
  readonly found: number;
}

/**
 * Goes back transaction by transaction, from the head on. What made the container is no step.
 *
 * @returns Null: there is no such container.
 */
export function stepsBack(
  log: Pick<EventLog, 'head' | 'read'>,
  registry: Registry,
  container: string,
  steps: number,
): StepsBack | null {
  const record = findContainer(registry, container);
  if (record === undefined || record === 'ambiguous') return null;
  const { container: subject, seq: madeBy } = record;
  let seq = log.head;
  let found = 0;
  for (let to = log.head; to > madeBy && found < steps;) {
    const from = Math.max(madeBy + 1, to - WINDOW_EVENTS + 1);
    // A transaction counts in the window that has its first event.
    const own = [...log.read(from, to)].filter(
      (each) => each.subject === subject && each.seq >= from && each.seq <= to,
    );
    for (const transaction of own.toReversed()) {
      if (found === steps) break;
      seq = transaction.seq - 1;
      found++;
    }
    to = from - 1;
  }
  return { seq, found };
}
