/** Results folded from the log, as values that are right when asked, and as observables. */

import { map, type Observable } from 'rxjs';
import { type Cause, lastSeq, type SubjectId, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { type ContainerSize, containerSize } from '../projections/container-size.ts';
import { copyUpLedger, type CopyUpLedger } from '../projections/copy-up-ledger.ts';
import { diskUsage, type DiskUsage } from '../projections/disk-usage.ts';
import { type History, history, pastsOf } from '../projections/history.ts';
import { foldProjection, observe, type Projection } from '../projections/projection.ts';
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
    this.copyUps$ = observe(copyUpLedger, observed);
    this.#history$ = observe(history, observed);
    this.#usage = new Folded(diskUsage, source);
    this.#copyUps = new Folded(copyUpLedger, source);
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

/** A projection's result that goes on from where it was when it is asked for again, or is read off the world. */
class Folded<S> {
  readonly #projection: Projection<S>;
  readonly #source: ResultSource;
  #state: S;
  #seq = 0;

  constructor(projection: Projection<S>, source: ResultSource) {
    this.#projection = projection;
    this.#source = source;
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
    if (world !== this.#source.world) return foldProjection(this.#projection, log.read(1, world.seq), world);
    if (world.seq > this.#seq) {
      this.#keep(foldProjection(this.#projection, log.read(this.#seq + 1, world.seq), world, this.#state), world.seq);
    }
    return this.#state;
  }

  #keep(state: S, seq: number): void {
    this.#state = state;
    this.#seq = seq;
  }
}
