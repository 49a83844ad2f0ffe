/**
 * Projections: results folded from the log, each from one pure function, as a value and as a stream.
 *
 * ```
 * log ──▶ foldProjection ──▶ state          the same apply for both, so that they can't differ
 * commits ──▶ transactions$ ──▶ observe ──▶ state, state, …
 * ```
 *
 * Transactions come in batches, and how they are cut must not matter: the result after a batch equals the result after its
 * transactions one by one.
 */

import { Observable, share, shareReplay, type Subscriber } from 'rxjs';
import type { Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import type { World } from './world.ts';

export interface Projection<S> {
  readonly name: string;
  /** Raised whenever the same log gives another result; a result stored by another version is rebuilt. */
  readonly version: number;
  initial(): S;
  /**
   * The result after a batch.
   *
   * @param state - Not changed. Answering it again says that the batch changed nothing.
   * @param batch - Whole transactions, in order, not empty.
   * @param world - The world at the end of the batch or later. What is read from it may be ahead of the batch, as long as
   *   it is right when the batches have caught up.
   */
  apply(state: S, batch: readonly Transaction[], world: World): S;
  /**
   * The result at a world, read off it without the log, equal to the fold of the log up to there. Only where the world says
   * it all.
   */
  readonly ofWorld?: (world: World) => S;
}

/** Transactions in one batch when a log is folded. */
const FOLD_BATCH = 4096;

/**
 * The result of a projection over a log.
 *
 * @param transactions - From the log's first, or from the one after `from` was made.
 * @param world - The world after the last of them.
 * @param from - Where to go on; default: the initial state.
 */
export function foldProjection<S>(
  projection: Projection<S>,
  transactions: Iterable<Transaction>,
  world: World,
  from: S = projection.initial(),
): S {
  let state = from;
  let batch: Transaction[] = [];
  for (const transaction of transactions) {
    batch.push(transaction);
    if (batch.length < FOLD_BATCH) continue;
    state = projection.apply(state, batch, world);
    batch = [];
  }
  return batch.length === 0 ? state : projection.apply(state, batch, world);
}

/** What tells of commits: an engine. */
export interface CommitSource {
  /** Calls the listener after each transaction; the answer ends that. */
  onCommit(listener: (transaction: Transaction) => void): () => void;
}

/**
 * Committed transactions, in batches: all of one turn come together, in the microtask after it.
 *
 * Nothing is kept for late subscribers, and nothing is listened to while there are none.
 */
export function transactions$(source: CommitSource): Observable<readonly Transaction[]> {
  return new Observable<readonly Transaction[]>((subscriber) => {
    let pending: Transaction[] = [];
    const flush = (): void => {
      const batch = pending;
      pending = [];
      if (batch.length > 0) subscriber.next(batch);
    };
    const stop = source.onCommit((transaction) => {
      pending.push(transaction);
      if (pending.length === 1) queueMicrotask(flush);
    });
    return () => {
      pending = [];
      stop();
    };
  }).pipe(share());
}

/** A result that was kept: of the log up to an event. */
export interface Kept<S> {
  readonly seq: number;
  readonly state: S;
}

/** What {@link observe} follows. */
export interface ProjectionSource {
  /** The live world. */
  readonly world: World;
  readonly transactions$: Observable<readonly Transaction[]>;
  /** Transactions of the log, from the one that holds event `fromSeq` on. */
  read(fromSeq: number): Iterable<Transaction>;
}

/**
 * The result of a projection as a stream: the present one at once, then a new one after each batch that changes it.
 *
 * All subscribers share one fold, which rests while there are none: it goes on from where it was, by reading the log.
 *
 * @param kept - Asked before the log is read from its start; null: nothing was kept.
 */
export function observe<S>(
  projection: Projection<S>,
  source: ProjectionSource,
  kept: () => Kept<S> | null = () => null,
): Observable<S> {
  let state = projection.initial();
  let seq = 0;
  const take = (transactions: Iterable<Transaction>, subscriber: Subscriber<S> | null): void => {
    const fresh: Transaction[] = [];
    for (const transaction of transactions) if (transaction.seq > seq) fresh.push(transaction);
    const last = fresh.at(-1);
    if (last === undefined) return;
    const before = state;
    state = foldProjection(projection, fresh, source.world, state);
    seq = lastSeq(last);
    if (state !== before) subscriber?.next(state);
  };
  return new Observable<S>((subscriber) => {
    const subscription = source.transactions$.subscribe({
      next: (batch) => {
        try {
          take(batch, subscriber);
        } catch (error) {
          subscriber.error(error);
        }
      },
      error: (error) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    if (seq === 0 && projection.ofWorld !== undefined && !source.world.isPartial) {
      state = projection.ofWorld(source.world);
      seq = source.world.seq;
    } else {
      if (seq === 0) ({ state, seq } = kept() ?? { state, seq });
      catchUp(take, source, seq);
    }
    subscriber.next(state);
    return subscription;
  }).pipe(shareReplay({ bufferSize: 1, refCount: true }));
}

/** Takes in what the log has beyond `seq`, a piece at a time. */
function catchUp(
  take: (transactions: Iterable<Transaction>, _: null) => void,
  source: ProjectionSource,
  seq: number,
): void {
  if (source.world.seq <= seq) return;
  let piece: Transaction[] = [];
  for (const transaction of source.read(seq + 1)) {
    piece.push(transaction);
    if (piece.length < FOLD_BATCH) continue;
    take(piece, null);
    piece = [];
  }
  take(piece, null);
}
