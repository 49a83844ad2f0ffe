import { decodeTransactions } from '../events/bundle-reader.ts';
import { BundleWriter } from '../events/bundle-writer.ts';
import { lastSeq, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { FORMAT_VERSION } from '../events/upcast.ts';
import { checkExpected, closedLog } from './log-state.ts';
import { MemoryChunks } from './memory-chunks.ts';

/** Opens an empty log that lives as long as the process: for tests, dry runs and scratch containers. */
export function openMemoryLog(): EventLog {
  return new MemoryLog();
}

/** A bundle is closed when it has so many bytes: who reads one transaction decodes the bundle that holds it. */
const BUNDLE_BYTES = 8192;

interface Bundle {
  readonly firstSeq: number;
  readonly bytes: Buffer;
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
  readonly #bundles: Bundle[] = [];
  /** The newest transactions. */
  readonly #open = new BundleWriter();
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
    const open = this.#open;
    if (open.byteLength >= BUNDLE_BYTES) {
      this.#bundles.push({ firstSeq: open.firstSeq, bytes: Buffer.from(open.bytes()) });
      open.clear();
    }
    open.append(transaction);
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
    let next = fromSeq;
    for (let index = this.#bundleHolding(fromSeq); index < this.#bundles.length; index++) {
      const { firstSeq, bytes } = this.#bundles[index];
      if (firstSeq > toSeq) return;
      for (const transaction of decodeTransactions(bytes, FORMAT_VERSION, next, toSeq)) {
        yield transaction;
        next = lastSeq(transaction) + 1;
      }
    }
    const open = this.#open;
    if (next > toSeq || open.isEmpty || open.firstSeq > toSeq) return;
    yield* decodeTransactions(open.bytes(), FORMAT_VERSION, next, toSeq);
  }

  /** The last bundle that starts at or before `seq`. */
  #bundleHolding(seq: number): number {
    let low = 0;
    let high = this.#bundles.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#bundles[middle].firstSeq <= seq) low = middle;
      else high = middle;
    }
    return low;
  }

  #nothingToDo(): Promise<void> {
    return this.#closed ? Promise.reject(closedLog()) : Promise.resolve();
  }
}
