/**
 * The shell around the pure parts: takes what `decide` answered, folds it into the world, appends it to the log and
 * tells whoever listens; all in one turn, with no await between.
 *
 * A call that consists of several smaller ones (writeFile is open, write, close) is one transaction: its events are
 * folded as they come, so that later steps see them, and appended together when the call ends.
 */

import type { Cause, FileEvent, StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { storeError } from '../events/log-error.ts';
import type { Past, World } from '../projections/world.ts';
import { exceedsQuota } from './decide/quota.ts';
import { ENOSPC, fsError } from './errno.ts';

/** Nanoseconds since 1970. */
export type Clock = () => bigint;

/** Ticks of the clock in a millisecond. */
const TICKS_PER_MS = 20;
const TICK_NS = BigInt(1_000_000 / TICKS_PER_MS);

const originTicks = performance.timeOrigin * TICKS_PER_MS;
let lastTick = 0;
let lastTickNs = 0n;

/**
 * The system's clock, in steps of 50 µs: all that happens in one step has one time, the same BigInt, and costs no arithmetic
 * on it. The kernel's file times move in steps of 1 to 10 ms (`ktime_get_coarse_real_ts64`).
 */
export const systemClock: Clock = () => {
  const tick = Math.floor(originTicks + performance.now() * TICKS_PER_MS);
  if (tick !== lastTick) {
    lastTick = tick;
    lastTickNs = BigInt(tick) * TICK_NS;
  }
  return lastTickNs;
};

/** Called after a transaction has been appended and folded. It must not throw and must not write to the store. */
export type CommitListener = (transaction: Transaction) => void;

/** Called before events are folded, with the tree as it was; what it throws refuses them. It must not write to the store. */
export type CommitGuard = (subject: SubjectId, events: readonly StoreEvent[]) => void;

interface Step {
  readonly cause: Cause;
  readonly timeNs: bigint;
  subject: SubjectId;
  events: StoreEvent[];
  /** Bytes of attribute values in the events, the only large things that an event can hold. */
  valueBytes: number;
}

/** A call of more events or values than this is several transactions: the log takes 64 MiB in one. */
const STEP_EVENTS_MAX = 100_000;
const STEP_VALUE_BYTES_MAX = 16 * 1024 * 1024;

export class Engine {
  readonly log: EventLog;
  readonly world: World;
  readonly past: Past;
  /** Group and actor that new transactions carry. */
  group: string | null = null;
  actor: string | null = null;
  #clock: Clock;
  #listeners: CommitListener[] = [];
  #guard: CommitGuard | null = null;
  #step: Step | null = null;
  /** What made the world and the log part. */
  #failure: { readonly error: unknown } | null = null;

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
    const { timeNs } = this.world;
    return now !== timeNs && now < timeNs ? timeNs : now;
  }

  /** Whether a call that consists of several is running: its cause stands for those of its parts. */
  get isInCall(): boolean {
    return this.#step !== null;
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Has somebody asked before anything happens: who does it elsewhere, too, and may fail there. */
  guardCommits(guard: CommitGuard | null): void {
    this.#guard = guard;
  }

  /**
   * Appends what one call did, and folds it in.
   *
   * @param cause - Of the transaction; inside {@link Engine.transact} that one's cause stands.
   * @param events - In order; an empty list does nothing.
   * @param timeNs - As {@link Engine.now} gave it to the decision.
   * @throws ENOSPC when the container's quota is too small for them; then nothing of them is done.
   */
  commit(subject: SubjectId, cause: Cause, events: readonly StoreEvent[], timeNs: bigint): void {
    if (events.length === 0) return;
    this.#refuseIfClosed();
    this.#refuseIfFull(subject, cause, events);
    this.#guard?.(subject, events);
    const step = this.#step;
    if (step !== null) {
      if (step.subject !== subject || isFull(step)) this.#endStep(step);
      step.subject = subject;
      this.#fold(subject, events, this.log.head + 1 + step.events.length, step.timeNs);
      for (const event of events) {
        step.events.push(event);
        if (event.type === 'XattrSet') step.valueBytes += event.value.length;
      }
      return;
    }
    this.#fold(subject, events, this.log.head + 1, timeNs);
    this.#append(subject, cause, timeNs, events);
  }

  /**
   * Runs a call that consists of several smaller ones as one transaction.
   *
   * When `call` throws, what its earlier steps did stays, as with the single calls; the transaction ends with it. Steps
   * on different subjects become one transaction each; a call of more than 100,000 events becomes several.
   */
  transact<T>(cause: Cause, call: () => T): T {
    if (this.#step !== null) return call();
    const step: Step = { cause, timeNs: this.now(), subject: 0, events: [], valueBytes: 0 };
    this.#step = step;
    try {
      return call();
    } finally {
      this.#step = null;
      this.#endStep(step);
    }
  }

  #refuseIfFull(subject: SubjectId, cause: Cause, events: readonly StoreEvent[]): void {
    const { quotas } = this.world.registry;
    const quota = quotas.size === 0 ? undefined : quotas.get(subject);
    const tree = quota === undefined ? undefined : this.world.overlay(subject)?.tree;
    if (quota === undefined || tree === undefined || !exceedsQuota(tree, quota, events)) return;
    throw fsError(ENOSPC, cause[0], cause.length > 1 ? String(cause[1]) : undefined);
  }

  #endStep(step: Step): void {
    const { events } = step;
    step.events = [];
    step.valueBytes = 0;
    if (events.length > 0) this.#append(step.subject, step.cause, step.timeNs, events);
  }

  /** Folds before appending: an event that no fold can take must not reach the log. */
  #fold(subject: SubjectId, events: readonly StoreEvent[], firstSeq: number, timeNs: bigint): void {
    try {
      this.world.applyEvents(subject, events, firstSeq, timeNs, this.past);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #append(subject: SubjectId, cause: Cause, timeNs: bigint, events: readonly StoreEvent[]): void {
    const { group, actor } = this;
    const transaction: Transaction = { seq: this.log.head + 1, timeNs, subject, cause, group, actor, events };
    try {
      this.log.append(transaction);
    } catch (error) {
      throw this.#fail(error);
    }
    this.world.applied(transaction);
    for (const listener of this.#listeners) listener(transaction);
  }

  /** The world is ahead of the log now, so nothing more may be built on it: no write succeeds from here on. */
  #fail(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }

  #refuseIfClosed(): void {
    if (this.log.readOnly) throw storeError('ERR_LOG_READ_ONLY', 'the store was opened for reading only');
    const failure = this.#failure;
    if (failure === null && !this.log.failed) return;
    const message = 'the store failed earlier and takes no more writes';
    throw storeError('ERR_LOG_FAILED', message, failure === null ? {} : { cause: failure.error });
  }

  /** Stores a piece of content for an event that is about to speak of it. */
  putChunk(bytes: Uint8Array): number {
    this.#refuseIfClosed();
    return this.log.chunks.put(bytes);
  }
}

const isFull = (step: Step): boolean =>
  step.events.length >= STEP_EVENTS_MAX || step.valueBytes >= STEP_VALUE_BYTES_MAX;

/** Of anything but a directory. */
export type CopyUpEvent = Extract<FileEvent, { type: 'FileCopiedUp' | 'SymlinkCopiedUp' | 'NodeCopiedUp' }>;

/** Events that one decision answers with, and what it needs to make them. */
export class Draft {
  readonly events: FileEvent[] = [];
  /** Copy-ups among them that give a file a new number, since they break a hard link; null: none. */
  brokenLinks: CopyUpEvent[] | null = null;
  readonly timeNs: bigint;
  #nextIno: number;

  constructor(nextIno: number, timeNs: bigint) {
    this.#nextIno = nextIno;
    this.timeNs = timeNs;
  }

  addCopyUp(event: CopyUpEvent): void {
    this.events.push(event);
    if (event.upperIno !== event.ino) (this.brokenLinks ??= []).push(event);
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
