/**
 * The state at any moment: the nearest snapshot at or before it, then the log folded forward.
 *
 * Snapshots are worlds that share nearly everything with their neighbours. They are taken every so many events while the
 * log is folded and while it grows, and thinned so that there are at most {@link TimeMachineOptions.snapshotsMax}: the gap
 * between two may grow with the square root of their age, so that yesterday is near and last year is not far. Recent
 * answers serve as snapshots too, which makes going through history step by step cheap.
 *
 * A log with checkpoints needs neither for what they cover: such a moment is made of them without folding
 * (checkpoint/past-worlds.ts).
 *
 * A moment inside a transaction is the state before that transaction.
 *
 * Forks and rewinds in the log refer to earlier moments. An answer plans first which moments it needs, theirs included,
 * and folds every stretch of the log once, from old to new; so it ends, and never costs more than the log from the oldest
 * snapshot needed, however many forks of forks there are.
 */

import type { StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { isFileEvent } from '../events/file-event.ts';
import { storeError } from '../events/log-error.ts';
import type { CopyUpLedger } from '../projections/copy-up-ledger.ts';
import { LowerViews } from '../projections/lower-views.ts';
import type { Kept } from '../projections/projection.ts';
import { type Past, World } from '../projections/world.ts';
import { type CheckpointOptions, Checkpoints } from './checkpoint/checkpoints.ts';
import { type PastChanges, type PastSource, PastWorlds } from './checkpoint/past-worlds.ts';
import { LogIndex } from './log-index.ts';
import type { Stretch } from './checkpoint/stretch.ts';
import { Snapshots } from './snapshots.ts';

/** What the time machine needs of a log. */
export type LogReader = Pick<EventLog, 'head' | 'read'>;

export interface TimeMachineOptions {
  /** Events between two snapshots of the newest stretch. */
  readonly snapshotEvery?: number;
  /** Snapshots kept at most, from 2. */
  readonly snapshotsMax?: number;
  /** Recent answers kept at most. */
  readonly recentMax?: number;
  readonly checkpoints?: CheckpointOptions;
  /** A fold over so few events is preferred to a look at checkpoints. */
  readonly foldMax?: number;
  /** Moments of a log with checkpoints that are so many events apart are compared by the log between them. */
  readonly readMax?: number;
}

/** Measured on a million events: folding 200 events onto a snapshot takes 7 ms, a moment of checkpoints 1 ms. */
const FOLD_MAX = 16;
const READ_MAX = 32_768;

export class TimeMachine implements Past {
  /** The newest world, folded in place: the store's live one. Only {@link TimeMachine.catchUp} and its engine fold it. */
  readonly live: World;
  readonly #log: LogReader;
  readonly #snapshots: Snapshots;
  readonly #index: LogIndex;
  readonly #checkpoints: Checkpoints | null;
  readonly #past: PastWorlds | null;
  readonly #foldMax: number;

  /**
   * @param start - Where folding starts: a new world, or one from a checkpoint; it becomes {@link TimeMachine.live}.
   */
  constructor(log: LogReader, start: World, options: TimeMachineOptions = {}, checkpoints: Checkpoints | null = null) {
    this.#log = log;
    this.#checkpoints = checkpoints;
    this.#foldMax = options.foldMax ?? FOLD_MAX;
    this.live = start;
    this.#snapshots = new Snapshots({
      empty: new World(start.lowers),
      every: options.snapshotEvery ?? 1024,
      max: options.snapshotsMax ?? 64,
      recentMax: options.recentMax ?? 16,
    });
    this.#index = new LogIndex(log, start.seq, start.seq === 0 ? null : start.timeNs);
    this.#past =
      checkpoints === null ? null : this.#pastOf(checkpoints, new World(start.lowers), options.readMax ?? READ_MAX);
    if (start.seq > 0) this.#snapshots.keep(start.snapshot());
  }

  /**
   * Folds what the log has beyond the live world: everything when a store is opened, what a writer has added when a
   * follower looks again.
   *
   * @param folded - Called after each transaction, for whoever follows the fold.
   */
  catchUp(folded?: (transaction: Transaction) => void): void {
    const wanted = folded === undefined ? 'effects' : 'all';
    for (const transaction of this.#log.read(this.live.seq + 1, this.#log.head, wanted)) {
      expectNext(this.live, transaction);
      this.live.apply(transaction, this);
      this.#note(transaction);
      this.#checkpoints?.catchUp(this.live);
      folded?.(transaction);
    }
  }

  /** Takes note of a transaction that was appended and folded into the live world: the engine's commit listener. */
  committed(transaction: Transaction): void {
    this.#note(transaction);
    this.#checkpoints?.committed(this.live);
  }

  /** The store is closed: stores what makes the next opening fast. */
  close(): void {
    this.#checkpoints?.close(this.live);
  }

  #note(transaction: Transaction): void {
    this.#index.add(transaction, this.live);
    if (this.#snapshots.isDue(this.live.seq, this.#log.head)) this.#snapshots.keep(this.live.snapshot());
  }

  /**
   * The world after event `seq`. A shared value: not to be folded further (take a snapshot of it for that).
   *
   * @param seq - From 0 to the newest event.
   * @throws `ERR_AT_INVALID` outside of that; `ERR_LOG_NOT_FOUND` when that part of the log is gone.
   */
  worldAt(seq: number): World {
    this.#expectInLog(seq);
    const known = this.#snapshots.at(seq);
    if (known !== undefined) return known;
    const isNow = seq === this.live.seq && !this.live.isPartial;
    const world = isNow ? this.live.snapshot() : this.#madeAt(seq);
    this.#snapshots.remember(seq, world);
    return world;
  }

  /** Last event of the last transaction at or before a time; 0 when the log begins later. */
  seqAtTime(timeNs: bigint): number {
    return this.#index.seqAtTime(timeNs);
  }

  /**
   * What may have changed of a container or volume between two worlds of this log that both have it; null where that is not
   * known, or where its tree was exchanged.
   */
  changesBetween(subject: SubjectId, earlier: World, later: World): PastChanges | null {
    return this.#past?.changesBetween(subject, earlier, later) ?? null;
  }

  /** The newest ledger of copy-ups that checkpoints hold of a moment at or before `seq`; null: none. */
  ledgerBefore(seq: number): Kept<CopyUpLedger> | null {
    return this.#index.ledgerBefore(seq);
  }

  /** What checkpoints hold of the log from its start on, without a gap. */
  get stretches(): Stretch[] {
    const stretches: Stretch[] = [];
    let end = 0;
    for (const info of this.#checkpoints?.list ?? []) {
      const stretch = info.from === end ? this.#index.stretch(info) : null;
      if (stretch === null) break;
      stretches.push(stretch);
      end = stretch.to;
    }
    return stretches;
  }

  /**
   * Transactions of the log, in order, from the one that holds the event after `after` to the one that holds `to`, of which
   * something is not about files. Where checkpoints tell which these are, the rest of the log is not read.
   */
  *besidesFiles(after: number, to: number): Generator<Transaction, void> {
    let at = after;
    for (const info of this.#checkpoints?.list ?? []) {
      if (info.seq <= at || info.from > at) continue;
      const stretch = this.#index.stretch(info);
      if (stretch === null) break;
      for (const first of stretch.otherTransactions(to)) {
        const transaction = this.transactionAt(first);
        if (transaction !== undefined && lastSeq(transaction) > at) yield transaction;
      }
      at = Math.min(to, stretch.to);
    }
    if (at >= to) return;
    for (const transaction of this.#log.read(at + 1, to)) {
      if (transaction.events.some((event) => !isFileEvent(event))) yield transaction;
    }
  }

  /** The events `(after, to]` that refer to earlier moments, ascending: forks, rewinds, and what was restored. */
  referringEvents(after: number, to: number): number[] {
    const events = new Set<number>();
    this.#index.forEachReference(after, to, (_, referring) => events.add(referring));
    return [...events];
  }

  /** The moments that the events `(after, to]` refer to, ascending. */
  referredMoments(after: number, to: number): number[] {
    const moments = new Set<number>();
    this.#index.forEachReference(after, to, (referred) => moments.add(referred));
    return [...moments].sort((a, b) => a - b);
  }

  /** The transaction that holds event `seq`; undefined for 0 and for numbers beyond the log. */
  transactionAt(seq: number): Transaction | undefined {
    if (!Number.isSafeInteger(seq) || seq < 1 || seq > this.#log.head) return undefined;
    for (const transaction of this.#log.read(seq, seq)) return transaction;
    return undefined;
  }

  #madeAt(seq: number): World {
    const isNear = seq - this.#snapshots.nearest(seq).seq <= this.#foldMax;
    const past = isNear || this.#past === null ? null : this.#past.worldAt(seq, this);
    return past ?? this.#foldTo(seq);
  }

  #pastOf(checkpoints: Checkpoints, empty: World, readMax: number): PastWorlds {
    const index = this.#index;
    index.use(checkpoints, !checkpoints.readOnly);
    checkpoints.describe(index);
    const source: PastSource = {
      get list() {
        return checkpoints.list;
      },
      worldOf: (seq) => (seq === 0 ? empty : checkpoints.worldOf(seq)),
      stretch: (info) => index.stretch(info),
      transactionAt: (seq) => this.transactionAt(seq),
      read: (from, to) => this.#log.read(from, to, 'effects'),
      references: (after, to) => {
        let count = 0;
        index.forEachReference(after, to, () => count++);
        return count;
      },
    };
    return new PastWorlds(source, readMax);
  }

  /** The newest world at hand at or before a moment. */
  #nearest(seq: number): World {
    const snapshot = this.#snapshots.nearest(seq);
    const checkpoint = snapshot.seq + this.#foldMax < seq ? this.#checkpoints?.nearest(seq) : null;
    return checkpoint != null && checkpoint.seq > snapshot.seq ? checkpoint : snapshot;
  }

  #foldTo(seq: number): World {
    const plan = this.#planFor(seq);
    const answers = new Map<number, World>();
    const past: Past = {
      // Of what is restored in a fork, the moment that the fork was made from is asked for too: no plan has that.
      worldAt: (at) => answers.get(at) ?? this.#snapshots.at(at) ?? this.worldAt(at),
    };
    for (const stretch of plan) foldStretch(this.#log, stretch, past, answers);
    return answers.get(seq) as World;
  }

  /** Stretches of the log to fold, old ones first: the one to `seq`, and those that its forks and rewinds refer to. */
  #planFor(seq: number): FoldPart[] {
    const stretches = new Map<number, FoldPart>();
    const wanted = [seq];
    for (let at = wanted.pop(); at !== undefined; at = wanted.pop()) {
      if (at !== seq && this.#snapshots.at(at) !== undefined) continue;
      const base = this.#nearest(at);
      let stretch = stretches.get(base.seq);
      if (stretch === undefined) stretches.set(base.seq, (stretch = { base, to: base.seq, stops: new Set() }));
      stretch.stops.add(at);
      if (at <= stretch.to) continue;
      this.#index.forEachReference(stretch.to, at, (referred) => wanted.push(referred));
      stretch.to = at;
    }
    return [...stretches.values()].sort((a, b) => a.base.seq - b.base.seq);
  }

  #expectInLog(seq: number): void {
    if (Number.isSafeInteger(seq) && seq >= 0 && seq <= this.live.seq) return;
    throw storeError('ERR_AT_INVALID', `there is no event ${seq}: the log goes from 0 to ${this.live.seq}`, {
      detail: { kind: 'range', at: seq, head: this.live.seq },
    });
  }
}

/** Folds a whole log, whatever lies beside it: its live world stands at the head afterwards. */
export function foldFrom(log: Pick<EventLog, 'head' | 'read' | 'chunks'>, options?: TimeMachineOptions): TimeMachine {
  const time = new TimeMachine(log, new World(new LowerViews(log.chunks)), options);
  time.catchUp();
  return time;
}

/**
 * The world that a whole log makes, whatever lies beside it.
 *
 * No snapshots are kept on the way, since each makes what is folded after it copy what it touches: a fifth of the time and
 * a third of the memory. No cause is read, and nodes and names go into their tables at the end (bulk-tree.ts). A log that
 * refers to earlier moments needs them, and is folded as by {@link foldFrom}.
 *
 * @throws `ERR_LOG_NOT_FOUND` when a part of the log is gone.
 */
export function foldWorld(log: Pick<EventLog, 'head' | 'read' | 'chunks'>): World {
  const world = new World(new LowerViews(log.chunks));
  for (const transaction of log.read(1, log.head, 'effects')) {
    if (transaction.events.some(refersToPast)) return foldFrom(log).live;
    expectNext(world, transaction);
    world.apply(transaction, NO_PAST);
    if (!isFileEvent(transaction.events[0])) world.setBulk(true); // trees have begun
  }
  world.setBulk(false);
  return world;
}

const refersToPast = ({ type }: StoreEvent): boolean =>
  type === 'ContainerForked' || type === 'ContainerRewound' || type === 'NodesRestored';

const NO_PAST: Past = {
  worldAt: (seq) => {
    throw new Error(`fold: an event refers to ${seq}, and was not known to`);
  },
};

/**
 * Opens a log: from its newest checkpoint, where it has one.
 *
 * @param onFailure - Told why no more checkpoints are written; nothing is lost by that.
 */
export function openTime(
  log: EventLog,
  options: TimeMachineOptions = {},
  onFailure?: (error: unknown) => void,
): TimeMachine {
  const store = log.checkpoints;
  if (store === undefined) return foldFrom(log, options);
  const lowers = new LowerViews(log.chunks);
  const checkpoints = new Checkpoints({
    store,
    log,
    lowers,
    again: (seq) =>
      foldWorld({
        head: seq,
        read: (from, to = seq, wanted) => log.read(from, Math.min(to, seq), wanted),
        chunks: log.chunks,
      }),
    ...(options.checkpoints && { options: options.checkpoints }),
    ...(onFailure && { onFailure }),
  });
  const time = new TimeMachine(log, checkpoints.newest() ?? new World(lowers), options, checkpoints);
  time.catchUp();
  return time;
}

interface FoldPart {
  readonly base: World;
  to: number;
  /** Moments to be answered on the way. */
  readonly stops: Set<number>;
}

function foldStretch(log: LogReader, stretch: FoldPart, past: Past, answers: Map<number, World>): void {
  const world = stretch.base.snapshot();
  const stops = [...stretch.stops].sort((a, b) => a - b);
  let next = 0;
  if (stretch.to > world.seq) {
    for (const transaction of log.read(world.seq + 1, stretch.to, 'effects')) {
      expectNext(world, transaction);
      const end = lastSeq(transaction);
      while (next < stops.length && stops[next] < end) answers.set(stops[next++], world.snapshot());
      if (next === stops.length) break;
      world.apply(transaction, past);
    }
  }
  if (next < stops.length && world.seq < stops[next]) throw historyIsGone(world.seq + 1, stops[next] + 1);
  while (next < stops.length) answers.set(stops[next++], world.snapshot());
}

function expectNext(world: World, transaction: Transaction): void {
  if (transaction.seq !== world.seq + 1) throw historyIsGone(world.seq + 1, transaction.seq);
}

/** @param next - The first event behind the gap. */
function historyIsGone(seq: number, next: number): Error {
  return storeError('ERR_LOG_NOT_FOUND', `history from event ${seq} to ${next - 1} is gone`, { detail: { seq, next } });
}
