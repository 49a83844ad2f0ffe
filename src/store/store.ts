/** An open store: images, containers, volumes, labels, and the way to every earlier moment. */

import type { Observable } from 'rxjs';
import { BindMirror } from '../engine/bind-mirror.ts';
import { removeLabel, setLabel } from '../engine/decide/label.ts';
import type { Engine } from '../engine/engine.ts';
import { STORE_SUBJECT, type SubjectId, type Transaction } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import type { ContainerSize } from '../projections/container-size.ts';
import type { CopyUpLedger } from '../projections/copy-up-ledger.ts';
import { allocatedUsage, type AllocatedUsage } from '../projections/allocated-usage.ts';
import type { DiskUsage } from '../projections/disk-usage.ts';
import type { DriverBill } from '../projections/drivers/bill.ts';
import { type ImageSize, imageSize } from '../projections/image-size.ts';
import type { World } from '../projections/world.ts';
import { isLabelName, resolveAt } from '../replay/at.ts';
import { stepsBack } from '../replay/steps-back.ts';
import { diffMoments } from '../replay/diff-moments.ts';
import { newestFirst } from '../replay/newest-first.ts';
import type { DockerEvent } from '../replay/docker-event.ts';
import { dockerEvents } from '../replay/docker-events.ts';
import type { TreeChange } from '../replay/tree-change.ts';
import type { TimeMachine } from '../replay/time-machine.ts';
import type { ApplyOptions, ApplyResult } from './apply/apply-changes.ts';
import { Changes } from './changes.ts';
import type { Container } from './container.ts';
import { Containers } from './containers.ts';
import { Images } from './images.ts';
import { OpenMoment } from './live-moment.ts';
import {
  type At,
  containerOf,
  imageOf,
  type Moments,
  type NamedSubject,
  type Subject,
  subjectIn,
  volumeOf,
} from './moment.ts';
import { KeptBooks } from './kept-books.ts';
import { Marks } from './marks.ts';
import { PastQuestions } from './past-questions.ts';
import { Results } from './results.ts';
import { type FileStory, StoragePrices } from './storage-prices.ts';
import { type StoreQueries, StoreView } from './store-view.ts';
import { carrying } from './carrying.ts';
import { type TransactionFilter, transactionTest } from './transaction-filter.ts';
import { Volumes } from './volumes.ts';

/** What to price. */
export interface PriceQuery {
  /** Default: now. */
  readonly at?: At | undefined;
  readonly drivers?: readonly string[] | undefined;
}

export class Store implements StoreQueries, Moments {
  readonly images: Images;
  readonly containers: Containers;
  readonly volumes: Volumes;
  /** Committed transactions, in batches; it completes when the store is closed. */
  readonly changes$: Observable<readonly Transaction[]>;
  readonly engine: Engine;
  readonly time: TimeMachine;
  /** What others saw, at times of their own. */
  readonly marks: Marks;
  /** Questions about the past of a container: blame, versions, bisect, patches, and undelete. */
  readonly past: PastQuestions;
  /** Where it lies; null: in memory. */
  readonly directory: string | null;
  readonly #live: OpenMoment;
  readonly #changes = new Changes();
  readonly #results: Results;
  readonly #prices: StoragePrices;

  /** Use {@link openStore}. */
  constructor(parts: {
    engine: Engine;
    time: TimeMachine;
    directory: string | null;
    warn: (message: string) => void;
    /** As of {@link CheckpointOptions}. */
    keepMin?: number | undefined;
  }) {
    this.engine = parts.engine;
    this.time = parts.time;
    this.directory = parts.directory;
    this.#live = new OpenMoment(parts.engine);
    this.images = new Images(this.#live);
    const mirror = new BindMirror(parts.engine.world, this.#live.chunks, parts.warn);
    parts.engine.onCommit(mirror.committed);
    this.containers = new Containers({ live: this.#live, mirror }, this);
    this.volumes = new Volumes(this.#live, this);
    this.changes$ = this.#changes.changes$;
    const { log } = parts.engine;
    const source = { log, world: this.world, time: this.time, transactions$: this.changes$ };
    this.#results = new Results(source);
    const { keepMin, warn } = parts;
    this.#prices = new StoragePrices(
      source,
      new KeptBooks(log.results, { warn, ...(keepMin !== undefined && { min: keepMin }) }),
    );
    parts.engine.onCommit(this.#changes.add);
    this.marks = new Marks(this.#live);
    this.past = new PastQuestions(this, () => this.#results.pasts(), this.#live.chunks);
  }

  /** 32 hex digits, made with the store. */
  get id(): string {
    return this.world.registry.storeId;
  }

  get world(): World {
    return this.engine.world;
  }

  get seq(): number {
    return this.world.seq;
  }

  get timeNs(): bigint {
    return this.world.timeNs;
  }

  /** Highest sequence number that is known to be on the disk. */
  get syncedSeq(): number {
    return this.engine.log.syncedSeq;
  }

  /** The oldest moment that can be asked about; 0 unless history was dropped. */
  get oldest(): number {
    return this.world.registry.oldest;
  }

  get readOnly(): boolean {
    return this.engine.log.readOnly;
  }

  get isClosed(): boolean {
    return this.#live.isClosed;
  }

  get labels(): ReadonlyMap<string, number> {
    return this.world.registry.labels;
  }

  /**
   * The sequence number that a moment stands for.
   *
   * @throws `ERR_AT_INVALID`; `ERR_HISTORY_DROPPED` for one in front of the oldest moment that was kept.
   */
  resolve(at: At): number {
    return resolveAt(String(at), {
      head: this.seq,
      oldest: this.oldest,
      nowNs: this.engine.now(),
      labels: this.labels,
      seqAtTime: (timeNs) => this.time.seqAtTime(timeNs),
      stepsBack: (container, steps) => stepsBack(this.engine.log, this.world.registry, container, steps),
    });
  }

  worldAt(seq: number): World {
    return this.time.worldAt(seq);
  }

  /** A container made from an earlier moment of one: {@link Containers.fork}. */
  fork(reference: string, at: At, options: { name?: string } = {}): Promise<Container> {
    return this.containers.fork(reference, { at, ...options });
  }

  /** A container's tree made what it was: {@link Containers.rewind}. */
  rewind(reference: string, at: At): Promise<number> {
    return this.containers.rewind(reference, at);
  }

  /**
   * What differs in a container or volume between two moments, by content and attributes.
   *
   * @param subject - One that was there at either moment, as named now or at the later of the two.
   * @throws `ERR_NOT_FOUND`, `ERR_AT_INVALID`.
   */
  diff(from: At, to: At, subject: Subject): TreeChange[] {
    const moments = { from: this.resolve(from), to: this.resolve(to) };
    const found = subjectIn([this.world, this.worldAt(moments.to), this.worldAt(moments.from)], subject);
    return diffMoments(this.time, { ...moments, subject: found }, this.#live.chunks);
  }

  /** Writes a container's changes onto the directory that its image was loaded from: {@link Container.apply}. */
  apply(reference: string, directory: string, options: ApplyOptions = {}): ApplyResult {
    return this.containers.get(reference).apply(directory, options);
  }

  /**
   * The store as it was at a moment, for reading; removed containers and images are there again.
   *
   * @throws `ERR_AT_INVALID`; `ERR_LOG_NOT_FOUND` when that part of the log is gone.
   */
  at(at: At): StoreView {
    const world = this.worldAt(this.resolve(at));
    return new StoreView({ world, engine: null, chunks: this.#live.chunks, files: this.#live.files });
  }

  /**
   * Names a moment. A label that there is moves.
   *
   * @param at - Default: now.
   * @throws `ERR_INVALID_ARGUMENT` for a name that could be read as a moment; `ERR_AT_INVALID`.
   */
  async label(name: string, at: At = 'now'): Promise<number> {
    if (!isLabelName(name)) {
      throw storeError(
        'ERR_INVALID_ARGUMENT',
        `"${name}" is not a label: it starts with a letter or _ and is not "now"`,
      );
    }
    const seq = this.resolve(at);
    await this.#live.run(['label', name, seq], () => {
      this.#live.commit(STORE_SUBJECT, setLabel(this.world.registry, name, seq));
    });
    return seq;
  }

  /** @throws `ERR_NOT_FOUND`. */
  async removeLabel(name: string): Promise<void> {
    await this.#live.run(['label', '--remove', name], () => {
      this.#live.commit(STORE_SUBJECT, removeLabel(this.world.registry, name));
    });
  }

  /**
   * Runs `step`; what is written until it has ended carries the group's id.
   *
   * One group at a time: inside of a group another one takes over until it ends, whoever wrote.
   */
  group<T>(id: string, step: () => T): T {
    return carrying(this.engine, 'group', id, step);
  }

  /** As {@link Store.group}, for who asked. */
  actor<T>(name: string, step: () => T): T {
    return carrying(this.engine, 'actor', name, step);
  }

  /** Who takes how much room (`ps -s`, `system df`) as an observable: the present figures, then new ones as they change. */
  get diskUsage$(): Observable<DiskUsage> {
    return this.#results.diskUsage$;
  }

  /** Every copy-up with what caused it, as an observable. */
  get copyUps$(): Observable<CopyUpLedger> {
    return this.#results.copyUps$;
  }

  /** @param at - Default: now. It is read off the trees' counters at any moment, not off the log. */
  diskUsage(at?: At): DiskUsage {
    return this.#results.diskUsage(this.#worldOf(at));
  }

  /** The same by blocks, directories too, as containerd counts; costs the sizes of uppers and volumes. */
  allocatedUsage(at?: At): AllocatedUsage {
    return allocatedUsage(this.#worldOf(at));
  }

  /** Every copy-up so far. @param at - Default: now, which costs what changed since it was last asked; an earlier moment costs its log. */
  copyUps(at?: At): CopyUpLedger {
    return this.#results.copyUps(this.#worldOf(at));
  }

  /**
   * Why a container is as large as it is: by operation, by layer, file by file, and what of it is avoidable.
   *
   * @param at - Default: now.
   * @throws `ERR_NOT_FOUND`, `ERR_AMBIGUOUS`, `ERR_AT_INVALID`.
   */
  containerSize(container: string, at?: At): ContainerSize {
    const world = this.#worldOf(at);
    return this.#results.containerSize(world, containerOf({ world }, container).container);
  }

  /** Why an image is as large as it is, layer by layer. Throws as {@link Store.containerSize}. */
  imageSize(image: string, at?: At): ImageSize {
    const world = this.#worldOf(at);
    return imageSize(world.layersOf(imageOf({ world }, image).image), world.lowers);
  }

  /**
   * What the history costs under storage drivers.
   *
   * @param query.drivers - Names, with parameters as in `qcow2:cluster-size=4K,extended-l2=1`. Default: all.
   * @throws `ERR_INVALID_ARGUMENT` for a driver or parameter that there is not; `ERR_AT_INVALID`.
   */
  storageBills(query: PriceQuery = {}): DriverBill[] {
    return this.#prices.bills(this.#worldOf(query.at), query.drivers);
  }

  /** As {@link Store.storageBills}: as it is now, then whenever the books change. */
  storageBills$(drivers?: readonly string[]): Observable<DriverBill[]> {
    return this.#prices.bills$(drivers);
  }

  /**
   * What every call did to a file of a container's own tree, and what it cost under each driver; symbolic links are not
   * followed.
   *
   * @throws `ERR_NOT_FOUND`, and as {@link Store.storageBills}.
   */
  storageStory(container: string, path: string, query: PriceQuery = {}): FileStory {
    const world = this.#worldOf(query.at);
    return this.#prices.story(world, containerOf({ world }, container).container, path, query.drivers);
  }

  /**
   * The transactions that touched what stands at a path of a container's or volume's own tree, oldest first: through
   * renames, broken hard links, forks and rewinds.
   *
   * @param at - Look back from there; default: now.
   */
  history(of: NamedSubject, path: string, at?: At): Transaction[] {
    const world = this.#worldOf(at);
    return this.#results.history(world, subjectIn([world], of), path);
  }

  /** As {@link Store.history}: as it is now, then whenever something was added. */
  history$(container: string, path: string): Observable<Transaction[]> {
    return this.#results.history$(containerOf(this.#live, container).container, path);
  }

  /** Transactions of the log, in order, or from its end. */
  *transactions(filter: TransactionFilter = {}): Generator<Transaction, void> {
    const from = filter.from === undefined ? this.oldest : this.resolve(filter.from);
    const to = filter.to === undefined ? this.seq : this.resolve(filter.to);
    const container = this.#subjectOf(filter.container, (name) => containerOf(this.#live, name).container);
    const volume = this.#subjectOf(filter.volume, (name) => volumeOf(this.#live, name).volume);
    const fits = transactionTest(filter, [container, volume]);
    const { log } = this.engine;
    const found = filter.newestFirst === true ? newestFirst(log, from + 1, to) : log.read(from + 1, to);
    for (const transaction of found) if (fits(transaction)) yield transaction;
  }

  /**
   * The life cycle of images, containers and volumes in the shape and the order of `docker events`, the oldest first
   * (SEM-2.7). `dockerEventJson` makes Docker's line of one.
   *
   * @param range.since - Of what happened after this moment; default: the oldest that was kept.
   * @param range.until - Up to the call that holds this event; default: now.
   * @throws `ERR_AT_INVALID`.
   */
  *events(range: { readonly since?: At; readonly until?: At } = {}): Generator<DockerEvent, void> {
    const from = range.since === undefined ? this.oldest : this.resolve(range.since);
    const to = range.until === undefined ? this.seq : this.resolve(range.until);
    yield* dockerEvents(this.worldAt(from).registry, this.engine.log.read(from + 1, to), (container, seq) =>
      this.worldAt(seq).registry.containers.get(container),
    );
  }

  /** Of a store opened for reading: takes in what its writer has flushed meanwhile; gives the new head. */
  refresh(): number {
    this.engine.log.refresh();
    this.time.catchUp((transaction) => this.#changes.add(transaction));
    return this.seq;
  }

  /** Resolves when everything written so far is on the disk. */
  flush(): Promise<void> {
    return this.engine.log.sync();
  }

  /** The same as {@link Store.flush}. */
  sync(): Promise<void> {
    return this.engine.log.sync();
  }

  /** Writes everything to the disk and releases the store. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#live.isClosed) return;
    this.#live.isClosed = true;
    this.time.close();
    await this.engine.log.close();
    this.#changes.complete();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #worldOf(at: At | undefined): World {
    return at === undefined ? this.world : this.worldAt(this.resolve(at));
  }

  #subjectOf(given: string | SubjectId | undefined, find: (name: string) => SubjectId): SubjectId | null {
    if (given === undefined) return null;
    return typeof given === 'number' ? given : find(given);
  }
}
