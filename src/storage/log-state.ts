import { CHUNK_BYTES_MAX } from '../events/chunk-store.ts';
import type { ChunkNumber, Transaction } from '../events/event.ts';
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

export function chunkTooLarge(length: number): Error {
  return storeError('ERR_LOG_RECORD_TOO_LARGE', `a chunk of ${length} bytes: 1 to ${CHUNK_BYTES_MAX} are allowed`, {
    detail: { bytes: length },
  });
}

export function transactionTooLarge(bytes: number, bytesMax: number, seq: number): Error {
  const message = `a transaction of ${bytes} bytes: at most ${bytesMax} are allowed`;
  return storeError('ERR_LOG_RECORD_TOO_LARGE', message, { detail: { bytes, seq } });
}

/** The chunk has a number and nothing else: no moment that was kept speaks of it. */
export function droppedChunk(chunk: ChunkNumber): Error {
  const message = `the content of chunk ${chunk} is gone: the history that it belonged to was dropped`;
  return storeError('ERR_HISTORY_DROPPED', message, { detail: { chunk } });
}

/** What a chunk without content has in place of a checksum: spread out, so that tables of sums stay even. */
export const droppedSum = (chunk: ChunkNumber): number => Math.imul(chunk, 0x9e3779b1) >>> 0;

export function unknownChunk(chunk: ChunkNumber): Error {
  return storeError('ERR_LOG_CHUNK_UNKNOWN', `chunk ${chunk} is not in the log`, { detail: { chunk } });
}
