/**
 * A log that keeps nothing: for a tree whose truth lies elsewhere, such as in the upper directory of an overlay on the disk.
 * Sequence numbers go on; content of a transaction can be read until it has been appended.
 */

import { storeError } from '../events/log-error.ts';
import { CHUNK_BYTES_MAX, type ChunkStore } from '../events/chunk-store.ts';
import { type ChunkNumber, lastSeq, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { crc32 } from './crc32.ts';
import { checkExpected, chunkTooLarge, closedLog, unknownChunk } from './log-state.ts';

export class PassingLog implements EventLog {
  readonly chunks: PassingChunks;
  readonly readOnly = false;
  readonly failed = false;
  #head = 0;
  #closed = false;

  /** @param firstChunk - Number of its first chunk; those below it are somebody else's. */
  constructor(firstChunk = 1) {
    this.chunks = new PassingChunks(firstChunk);
  }

  get head(): number {
    return this.#head;
  }

  get syncedSeq(): number {
    return this.#head;
  }

  append(transaction: Transaction): void {
    if (this.#closed) throw closedLog();
    checkExpected(transaction, this.#head);
    this.#head = lastSeq(transaction);
    this.chunks.forget();
  }

  read(): Iterable<Transaction> {
    return [];
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  flushSync(): void {}

  sync(): Promise<void> {
    return Promise.resolve();
  }

  syncSync(): void {}

  refresh(): number {
    return this.#head;
  }

  close(): Promise<void> {
    this.closeSync();
    return Promise.resolve();
  }

  closeSync(): void {
    this.#closed = true;
    this.chunks.forget();
  }
}

export class PassingChunks implements ChunkStore {
  #first: ChunkNumber;
  /** Of the transaction that is being made, from number `#first` on. */
  #pending: Uint8Array[] = [];

  constructor(first: ChunkNumber) {
    this.#first = first;
  }

  get head(): ChunkNumber {
    return this.#first + this.#pending.length - 1;
  }

  /** Unlike with other stores the bytes are not copied: they pass on before the caller goes on. */
  put(bytes: Uint8Array): ChunkNumber {
    if (bytes.length === 0 || bytes.length > CHUNK_BYTES_MAX) throw chunkTooLarge(bytes.length);
    this.#pending.push(bytes);
    return this.head;
  }

  putDropped(): void {
    throw storeError('ERR_UNSUPPORTED', 'a log that is passed on and not kept has no chunks to drop');
  }

  get(chunk: ChunkNumber): Uint8Array {
    const bytes = this.#pending[chunk - this.#first];
    if (bytes === undefined) throw unknownChunk(chunk);
    return bytes;
  }

  byteLength(chunk: ChunkNumber): number {
    return this.get(chunk).length;
  }

  sum(chunk: ChunkNumber): number {
    const bytes = this.get(chunk);
    return crc32(bytes, 0, bytes.length);
  }

  digest(chunk: ChunkNumber): Uint8Array {
    throw unknownChunk(chunk);
  }

  forget(): void {
    this.#first += this.#pending.length;
    this.#pending = [];
  }
}
