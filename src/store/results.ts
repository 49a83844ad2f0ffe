/** Results folded from the log, as values that are right when asked, and as observables. */

import { map, type Observable } from 'rxjs';
import { type Cause, lastSeq, type SubjectId, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { type ContainerSize, containerSize } from '../projections/container-size.ts';
import { copyUpLedger, type CopyUpLedger } from '../projections/copy-up-ledger.ts';
import { diskUsage, type DiskUsage } from '../projections/disk-usage.ts';
import { type History, history, pastsOf } from '../projections/history.ts';
import { foldProjection, type Kept, observe, type Projection } from '../projections/projection.ts';
import type { Pasts } from '../projections/subject-past.ts';
import type { World } from '../projections/world.ts';
import { LogPasts } from '../replay/log-pasts.ts';
import { historyOf } from '../replay/path-history.ts';
import type { TimeMachine } from '../replay/time-machine.ts';

/** Where results come from. */
export interface ResultSource {
  readonly log: Pick<EventLog, 'read'>;
  readonly world: World;
  readonly time: TimeMachine;
  readonly transactions$: Observable<readonly Transaction[]>;
}

export class Results {
  readonly diskUsage$: Observable<DiskUsage>;
  readonly copyUps$: Observable<CopyUpLedger>;
  readonly #history$: Observable<History>;
  readonly #source: ResultSource;
  readonly #usage: Folded<DiskUsage>;
  readonly #copyUps: Folded<CopyUpLedger>;
  readonly #pasts: LogPasts;

  constructor(source: ResultSource) {
    const { log, world, transactions$ } = source;
    const read = (fromSeq: number): Iterable<Transaction> => log.read(fromSeq);
    const observed = { world, transactions$, read };
    this.#source = source;
    this.diskUsage$ = observe(diskUsage, observed);
    const kept = (seq: number): Kept<CopyUpLedger> | null => source.time.ledgerBefore(seq);
    this.copyUps$ = observe(copyUpLedger, observed, () => kept(world.seq));
    this.#history$ = observe(history, observed);
    this.#usage = new Folded(diskUsage, source);
    this.#copyUps = new Folded(copyUpLedger, source, kept);
    this.#pasts = new LogPasts(source);
  }

  /** @param world - A past one; default: the live one. */
  diskUsage(world: World = this.#source.world): DiskUsage {
    return this.#usage.at(world);
  }

  copyUps(world: World = this.#source.world): CopyUpLedger {
    return this.#copyUps.at(world);
  }

  /** Why a container is as large as it is. */
  containerSize(world: World, container: SubjectId): ContainerSize {
    const { time } = this.#source;
    let last: Transaction | undefined;
    const causeOf = (seq: number): Cause => {
      if (last === undefined || seq < last.seq || seq > lastSeq(last)) last = time.transactionAt(seq);
      return last?.cause ?? [''];
    };
    return containerSize(world, container, this.copyUps(), causeOf);
  }

  /** Transactions that touched what stands at a path, oldest first. */
  history(world: World, subject: SubjectId, path: string): Transaction[] {
    return this.#historyOf(this.pasts(), world, subject, path);
  }

  /** What touched which node, up to now. */
  pasts(): Pasts {
    return this.#pasts.upToNow();
  }

  history$(subject: SubjectId, path: string): Observable<Transaction[]> {
    return this.#history$.pipe(map((state) => this.#historyOf(pastsOf(state), this.#source.world, subject, path)));
  }

  #historyOf(pasts: Pasts, world: World, subject: SubjectId, path: string): Transaction[] {
    const { time } = this.#source;
    return [...historyOf({ pasts, world, subject, path, transactionAt: (seq) => time.transactionAt(seq) })];
  }
}

/**
 * A projection's result that goes on from where it was when it is asked for again, or from what was kept, or is read off the
 * world.
 */
class Folded<S> {
  readonly #projection: Projection<S>;
  readonly #source: ResultSource;
  readonly #kept: (seq: number) => Kept<S> | null;
  #state: S;
  #seq = 0;

  /** @param kept - The newest result that was kept of a moment at or before an event. */
  constructor(projection: Projection<S>, source: ResultSource, kept: (seq: number) => Kept<S> | null = () => null) {
    this.#projection = projection;
    this.#source = source;
    this.#kept = kept;
    this.#state = projection.initial();
  }

  at(world: World): S {
    const { log } = this.#source;
    const { ofWorld } = this.#projection;
    if (ofWorld !== undefined && (world !== this.#source.world || this.#seq === 0)) {
      const state = ofWorld(world);
      if (world === this.#source.world) this.#keep(state, world.seq);
      return state;
    }
    const isLive = world === this.#source.world;
    const known = isLive && this.#seq > 0 ? { seq: this.#seq, state: this.#state } : this.#kept(world.seq);
    const seq = known?.seq ?? 0;
    const from = known?.state ?? this.#projection.initial();
    const state = world.seq > seq ? foldProjection(this.#projection, log.read(seq + 1, world.seq), world, from) : from;
    if (isLive) this.#keep(state, world.seq);
    return state;
  }

  #keep(state: S, seq: number): void {
    this.#state = state;
    this.#seq = seq;
  }
}
