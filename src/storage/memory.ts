import { decodeTransaction, encodeTransaction, transactionCount, transactionSeq } from '../events/codec.ts';
import { lastSeq, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { checkExpected, closedLog } from './log-state.ts';
import { MemoryChunks } from './memory-chunks.ts';

/** Opens an empty log that lives as long as the process: for tests, dry runs and scratch containers. */
export function openMemoryLog(): EventLog {
  return new MemoryLog();
}

/** Bytes of a slab; a transaction that is larger has one of its own. */
const SLAB_BYTES = 65_536;

/** Each transaction is preceded by its length, so that a slab can be walked from its start. */
const LENGTH_BYTES = 4;

interface Slab {
  readonly firstSeq: number;
  readonly bytes: Buffer;
  used: number;
}

/**
 * A log in memory. Flushing and syncing have nothing to do.
 *
 * Transactions are kept encoded: measured on a million creates, an append takes the same time as keeping the objects
 * (1.0 against 1.1 µs, since kept objects have to survive the garbage collector) and a fifth of the memory.
 */
class MemoryLog implements EventLog {
  readonly chunks = new MemoryChunks();
  readonly readOnly = false;
  readonly failed = false;
  readonly #slabs: Slab[] = [];
  #head = 0;
  #closed = false;

  get head(): number {
    return this.#head;
  }

  get syncedSeq(): number {
    return this.#head;
  }

  append(transaction: Transaction): void {
    if (this.#closed) throw closedLog();
    checkExpected(transaction, this.#head);
    const bytes = encodeTransaction(transaction);
    const slab = this.#room(transaction.seq, LENGTH_BYTES + bytes.length);
    slab.bytes.writeUInt32LE(bytes.length, slab.used);
    slab.bytes.set(bytes, slab.used + LENGTH_BYTES);
    slab.used += LENGTH_BYTES + bytes.length;
    this.#head = lastSeq(transaction);
  }

  read(fromSeq = 1, toSeq = this.#head): Iterable<Transaction> {
    if (this.#closed) throw closedLog();
    return this.#transactions(Math.max(1, fromSeq), Math.min(toSeq, this.#head));
  }

  flush(): Promise<void> {
    return this.#nothingToDo();
  }

  flushSync(): void {
    if (this.#closed) throw closedLog();
  }

  sync(): Promise<void> {
    return this.#nothingToDo();
  }

  syncSync(): void {
    if (this.#closed) throw closedLog();
  }

  refresh(): number {
    return this.#head;
  }

  close(): Promise<void> {
    this.closeSync();
    return Promise.resolve();
  }

  closeSync(): void {
    this.#closed = true;
    this.chunks.close();
  }

  *#transactions(fromSeq: number, toSeq: number): Generator<Transaction, void> {
    for (let index = this.#slabHolding(fromSeq); index < this.#slabs.length; index++) {
      const slab = this.#slabs[index];
      let at = 0;
      while (at < slab.used) {
        const start = at + LENGTH_BYTES;
        const end = start + slab.bytes.readUInt32LE(at);
        const seq = transactionSeq(slab.bytes, start);
        if (seq > toSeq) return;
        if (seq + transactionCount(slab.bytes, start) > fromSeq)
          yield decodeTransaction(slab.bytes.subarray(start, end));
        at = end;
      }
    }
  }

  /** The last slab that starts at or before `seq`. */
  #slabHolding(seq: number): number {
    let low = 0;
    let high = this.#slabs.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#slabs[middle].firstSeq <= seq) low = middle;
      else high = middle;
    }
    return low;
  }

  #room(seq: number, length: number): Slab {
    const last = this.#slabs.at(-1);
    if (last !== undefined && last.used + length <= last.bytes.length) return last;
    const slab = { firstSeq: seq, bytes: Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length)), used: 0 };
    this.#slabs.push(slab);
    return slab;
  }

  #nothingToDo(): Promise<void> {
    return this.#closed ? Promise.reject(closedLog()) : Promise.resolve();
  }
}
