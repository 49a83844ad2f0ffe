/** What a verb says of a container that is no more: which event removed it, and how its past is reached. */

import { isStoreError, type Store } from '../index.ts';
import type { Verb } from './verb.ts';

/**
 * The sentence that the error of a missing container goes on with; '' of other errors, and of one that never was.
 *
 * The log is read for it, which nobody minds after a refusal.
 */
export function removalHint(error: unknown, store: Store | undefined, verb: Verb): string {
  if (store === undefined || store.isClosed || !isStoreError(error, 'ERR_NOT_FOUND')) return '';
  const reference = error.detail['container'];
  if (typeof reference !== 'string') return '';
  const removal = lastRemoval(store, reference);
  if (removal === null) return '';
  const before = removal.transaction - 1;
  const removed = `: event ${removal.seq} removed it`;
  if (before < store.oldest) return `${removed}, and history before event ${store.oldest} was dropped`;
  if (verb.reads) return `${removed}; --at ${before} shows it as it was`;
  return `${removed}; overlog fork ${reference} --at ${before} brings it back`;
}

/** The last removal of a container of that name or id; a moment inside of its transaction is the one before it. */
function lastRemoval(store: Store, reference: string): { seq: number; transaction: number } | null {
  const known = new Map<number, { name: string; readonly id: string }>();
  let found: { seq: number; transaction: number } | null = null;
  for (const { seq: transaction, events } of store.engine.log.read()) {
    let seq = transaction;
    for (const event of events) {
      if (event.type === 'ContainerCreated' || event.type === 'ContainerForked') {
        known.set(event.container, { name: event.name, id: event.id });
      } else if (event.type === 'ContainerRenamed') {
        const container = known.get(event.container);
        if (container !== undefined) container.name = event.name;
      } else if (event.type === 'ContainerRemoved') {
        const container = known.get(event.container);
        if (container?.name === reference || (reference.length >= 12 && container?.id.startsWith(reference))) {
          found = { seq, transaction };
        }
      }
      seq++;
    }
  }
  return found;
}
