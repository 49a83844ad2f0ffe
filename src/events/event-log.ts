import type { ChunkStore } from './chunk-store.ts';
import type { Transaction } from './event.ts';
import type { CheckpointStore } from './node-store.ts';
import type { ResultStore } from './result-store.ts';

/** What somebody wants of transactions; `effects`: all but the cause, which most of the text of a log is. */
export type ReadParts = 'all' | 'effects';

/**
 * The port of the log: an append-only sequence of transactions, with the chunks that they speak of.
 *
 * Everything that the engine needs on its way through one call is synchronous. Three levels of safety:
 * appended (in this process' buffer) → flushed (with the operating system: survives the death of the process) →
 * synced (on the disk: survives power loss).
 *
 * A failed write or sync poisons the log: it stays readable as far as it was flushed, every later append, flush or sync
 * throws `ERR_LOG_FAILED` with the first failure as its cause. There is no retry: after a failed fsync nobody knows what
 * the disk holds.
 */
export interface EventLog {
  readonly chunks: ChunkStore;

  /** Sequence number of the newest event; 0 in an empty log. */
  readonly head: number;

  /** Highest sequence number known to be on the disk. */
  readonly syncedSeq: number;

  readonly readOnly: boolean;

  /** Whether an earlier failure has closed the log for writing. */
  readonly failed: boolean;

  /**
   * Appends one transaction; it is visible to {@link EventLog.read} of this process at once.
   *
   * @param transaction - Its `seq` must be `head + 1` (the expected sequence).
   * @throws `ERR_LOG_CONFLICT` when the expected sequence is stale; nothing is written.
   * @throws `ERR_LOG_RECORD_TOO_LARGE`, `ERR_LOG_READ_ONLY`, `ERR_LOG_CLOSED`, `ERR_LOG_FAILED`.
   */
  append(transaction: Transaction): void;

  /**
   * Whole transactions in order, from the one that holds event `fromSeq` to the one that holds `toSeq` (both included).
   *
   * @param fromSeq - From 1; default 1.
   * @param toSeq - Default: the head at the time of the call.
   * @param wanted - Default all. With `effects` a log may give {@link NO_CAUSE} as the cause of a transaction: who folds
   *   a long log needs none.
   */
  read(fromSeq?: number, toSeq?: number, wanted?: ReadParts): Iterable<Transaction>;

  /** Hands everything appended so far to the operating system; resolves when it has it. Concurrent calls share the work. */
  flush(): Promise<void>;
  /** @param isHurried - Somebody waits: what a log computes over what it writes may be left to {@link EventLog.settle}. */
  flushSync(isHurried?: boolean): void;

  /** Does what hurried flushes have left, as every later write would. Left out by a log that leaves nothing. */
  settle?(): void;

  /** As flush, and onto the disk (fdatasync). Concurrent calls share one sync. */
  sync(): Promise<void>;
  syncSync(): void;

  /** What is kept beside the log and can be made from it again; left out by a log that keeps nothing. */
  readonly checkpoints?: CheckpointStore;

  /** As checkpoints; a log that is read only keeps them, too. */
  readonly results?: ResultStore;

  /** Of a follower: looks for transactions that the writer has flushed meanwhile; returns the new head. */
  refresh(): number;

  /** Syncs and releases the writer lock. A second call does nothing. */
  close(): Promise<void>;
  closeSync(): void;
}
