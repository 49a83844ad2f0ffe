/**
 * The shell around the pure parts: takes what `decide` answered, appends it to the log, folds it into the world and
 * tells whoever listens; all in one turn, with no await between.
 *
 * A call that consists of several smaller ones (writeFile is open, write, close) is one transaction: its events are
 * folded as they come, so that later steps see them, and appended together when the call ends.
 */

import type { Cause, FileEvent, StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { isStoreError, storeError } from '../events/log-error.ts';
import type { Past, World } from '../projections/world.ts';

/** Nanoseconds since 1970. */
export type Clock = () => bigint;

/** The millisecond that the clock was last read in, and its start: arithmetic on BigInts is half of what a reading costs. */
let lastMs = 0;
let lastMsNs = 0n;

/** The system's clock, to the resolution that the platform gives. */
export const systemClock: Clock = () => {
  const ms = performance.timeOrigin + performance.now();
  const whole = Math.floor(ms);
  if (whole !== lastMs) {
    lastMs = whole;
    lastMsNs = BigInt(whole) * 1_000_000n;
  }
  return lastMsNs + BigInt(Math.floor((ms - whole) * 1e6));
};

/** Called after a transaction has been appended and folded. It must not throw and must not write to the store. */
export type CommitListener = (transaction: Transaction) => void;

interface Step {
  readonly cause: Cause;
  readonly timeNs: bigint;
  subject: SubjectId;
  events: StoreEvent[];
}

export class Engine {
  readonly log: EventLog;
  readonly world: World;
  readonly past: Past;
  /** Group and actor that new transactions carry. */
  group: string | null = null;
  actor: string | null = null;
  #clock: Clock;
  #listeners: CommitListener[] = [];
  #step: Step | null = null;

  constructor(parts: { log: EventLog; world: World; past: Past; clock?: Clock }) {
    this.log = parts.log;
    this.world = parts.world;
    this.past = parts.past;
    this.#clock = parts.clock ?? systemClock;
  }

  /** Time for the next transaction: the clock's, but never before the last one's. */
  now(): bigint {
    if (this.#step !== null) return this.#step.timeNs;
    const now = this.#clock();
    return now > this.world.timeNs ? now : this.world.timeNs;
  }

  /** Whether a call that consists of several is running: its cause stands for those of its parts. */
  get isInCall(): boolean {
    return this.#step !== null;
  }

  /** Whether calls that write can succeed. */
  get isWritable(): boolean {
    return !this.log.readOnly && !this.log.failed;
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /**
   * Appends what one call did, and folds it in.
   *
   * @param cause - Of the transaction; inside {@link Engine.transact} that one's cause stands.
   * @param events - In order; an empty list does nothing.
   * @param timeNs - As {@link Engine.now} gave it to the decision.
   */
  commit(subject: SubjectId, cause: Cause, events: readonly StoreEvent[], timeNs: bigint): void {
    if (events.length === 0) return;
    this.#refuseIfClosed();
    const step = this.#step;
    if (step !== null) {
      if (step.subject !== subject && step.events.length > 0) this.#endStep(step);
      step.subject = subject;
      let seq = this.log.head + 1 + step.events.length;
      for (const event of events) {
        this.world.applyEvent(subject, event, seq++, step.timeNs, this.past);
        step.events.push(event);
      }
      return;
    }
    const transaction: Transaction = {
      seq: this.log.head + 1,
      timeNs,
      subject,
      cause,
      group: this.group,
      actor: this.actor,
      events,
    };
    this.log.append(transaction);
    this.world.apply(transaction, this.past);
    this.#tell(transaction);
  }

  /**
   * Runs a call that consists of several smaller ones as one transaction.
   *
   * When `call` throws, what its earlier steps did stays, as with the single calls; the transaction ends with it. Steps
   * on different subjects become one transaction each.
   */
  transact<T>(cause: Cause, call: () => T): T {
    if (this.#step !== null) return call();
    const step: Step = { cause, timeNs: this.now(), subject: 0, events: [] };
    this.#step = step;
    try {
      return call();
    } finally {
      this.#step = null;
      this.#endStep(step);
    }
  }

  #endStep(step: Step): void {
    if (step.events.length === 0) return;
    const transaction: Transaction = {
      seq: this.log.head + 1,
      timeNs: step.timeNs,
      subject: step.subject,
      cause: step.cause,
      group: this.group,
      actor: this.actor,
      events: step.events,
    };
    step.events = [];
    this.log.append(transaction);
    this.world.applied(transaction);
    this.#tell(transaction);
  }

  #tell(transaction: Transaction): void {
    for (const listener of this.#listeners) listener(transaction);
  }

  #refuseIfClosed(): void {
    if (this.log.readOnly) throw storeError('ERR_LOG_READ_ONLY', 'the store was opened for reading only');
    if (this.log.failed) throw storeError('ERR_LOG_FAILED', 'the store failed earlier and takes no more writes');
  }

  /** Stores a piece of content for an event that is about to speak of it. */
  putChunk(bytes: Uint8Array): number {
    this.#refuseIfClosed();
    return this.log.chunks.put(bytes);
  }
}

/** Whether an error means that the store can't take the write, which a file system call reports as EIO or EROFS. */
export function isStoreFailure(error: unknown): boolean {
  return isStoreError(error, 'ERR_LOG_FAILED') || isStoreError(error, 'ERR_LOG_READ_ONLY');
}

/** Events that one decision answers with, and what it needs to make them. */
export class Draft {
  readonly events: FileEvent[] = [];
  readonly timeNs: bigint;
  #nextIno: number;

  constructor(nextIno: number, timeNs: bigint) {
    this.#nextIno = nextIno;
    this.timeNs = timeNs;
  }

  /** Whether the draft copies up that directory already; the tree does not know of it yet. */
  hasCopiedUp(ino: number): boolean {
    for (const event of this.events) if (event.type === 'DirectoryCopiedUp' && event.ino === ino) return true;
    return false;
  }

  /** A number that no node of the tree has. */
  newIno(): number {
    return this.#nextIno++;
  }
}
