import type { Transaction } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';

/** Refusals that every log shares. */

/** @throws `ERR_LOG_CONFLICT` when the transaction does not follow the head. */
export function checkExpected(transaction: Transaction, head: number): void {
  if (transaction.seq !== head + 1) {
    throw storeError('ERR_LOG_CONFLICT', `expected sequence ${transaction.seq}, but the next one is ${head + 1}`, {
      detail: { seq: transaction.seq, head },
    });
  }
  if (transaction.events.length === 0) {
    throw storeError('ERR_INVALID_ARGUMENT', 'a transaction without events', { detail: { seq: transaction.seq } });
  }
}

export function closedLog(): Error {
  return storeError('ERR_LOG_CLOSED', 'the log is closed');
}

export function readOnlyLog(): Error {
  return storeError('ERR_LOG_READ_ONLY', 'the log is open for reading only');
}
