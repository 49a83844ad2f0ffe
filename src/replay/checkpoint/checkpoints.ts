/**
 * Checkpoints of a log: worlds that are stored beside it, so that nothing has to be folded from the start.
 *
 * One is due when the log has grown by {@link CheckpointOptions.every} events since the last one, and begun as soon as
 * nothing else is to be done: of a snapshot, which stays as it is, nodes are stored in slices. Who is never idle has
 * slices between commits from four times as many events on. One is made at the end, too, when it is worth it.
 *
 * ```
 *        every          every        ends of sessions
 *   ├──────────────┼──────────────┼───┼──┼────┤
 *   0         checkpoint    checkpoint   light ones, which the next full one replaces
 * ```
 *
 * All of it is a hint. What is damaged, of another version or of another log is not used; the log says the same.
 */

import type { EventLog } from '../../events/event-log.ts';
import { isStoreError } from '../../events/log-error.ts';
import type { CheckpointDraft, CheckpointInfo, CheckpointStore, NodeRef, NodeWriter } from '../../events/node-store.ts';
import type { LowerViews } from '../../projections/lower-views.ts';
import type { World } from '../../projections/world.ts';
import { decodeMeta, encodeMeta, loadWorld, storeWorld, WORLD_VERSION, type WorldMeta } from './stored-world.ts';

export interface CheckpointOptions {
  /** Events between two checkpoints. */
  readonly every?: number;
  /** When the store is closed, a shorter rest of the log is left to the next opening. */
  readonly lightMin?: number;
  /** Results of projections that were folded over fewer events are not kept. */
  readonly keepMin?: number;
}

/** Measured (ARCHITECTURE.md, "Checkpoints"). */
const EVERY = 65_536;

/**
 * Times `every`: so late, a checkpoint is made between commits. A burst of work that ends before leaves it to the pause
 * behind it; a log that long is folded in a fraction of a second, should the process be killed meanwhile.
 */
const BUSY_FACTOR = 4;

/** A rest of the log that is folded faster than a checkpoint is written. */
const LIGHT_MIN = 256;

/** Checkpoints of less than `every` events that may stand one behind the other. */
const LIGHT_MAX = 8;

/**
 * Between commits: one slice in so many of them, of so many steps. In a pause a slice is over after so many milliseconds;
 * one step it has in any case, since a busy machine would not get on else. Most steps take 10 to 200 µs.
 */
const SLICE_COMMITS = 128;
const SLICE_STEPS = 32;
const IDLE_SLICE_MS = 1;
const IDLE_SLICE_STEPS_MIN = 1;

/** Worlds of checkpoints that are kept. */
const WORLDS_MAX = 8;

/** What goes into a checkpoint beside its world. */
export interface CheckpointParts {
  /** A checkpoint is begun: what comes from now on belongs to the next one. */
  cut(): void;
  /** Stores the records that describe the events behind `from` up to the world; it yields after pieces of work. */
  store(from: number, world: World, write: NodeWriter['write']): Generator<void, ReadonlyMap<string, NodeRef>>;
  /** It is there. */
  published(info: CheckpointInfo): void;
}

/** What the steps of a job end with: the log's mark comes when the log is on the disk. */
type Unanchored = Omit<WorldMeta, 'anchor'>;

interface Job {
  readonly draft: CheckpointDraft;
  readonly steps: Generator<void, Unanchored>;
  /** Set when all nodes are written and only the disk is waited for. */
  meta: Unanchored | null;
}

export class Checkpoints {
  readonly #store: CheckpointStore;
  readonly #log: Pick<EventLog, 'head' | 'sync' | 'syncSync' | 'failed' | 'readOnly'>;
  readonly #lowers: LowerViews;
  readonly #again: (seq: number) => World;
  #parts: CheckpointParts | null = null;
  readonly #every: number;
  readonly #lightMin: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #worlds = new Map<number, World>();
  #job: Job | null = null;
  #commits = 0;
  #isIdlePlanned = false;
  #storedLowers = 0;
  #hasFailed = false;
  #isClosed = false;

  constructor(parts: {
    store: CheckpointStore;
    log: Pick<EventLog, 'head' | 'sync' | 'syncSync' | 'failed' | 'readOnly'>;
    lowers: LowerViews;
    /** The world at a moment, folded from the log alone. */
    again: (seq: number) => World;
    options?: CheckpointOptions;
    /** Told why no checkpoints are written any more. */
    onFailure?: (error: unknown) => void;
  }) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.#lowers = parts.lowers;
    this.#again = parts.again;
    this.#every = Math.max(1, parts.options?.every ?? EVERY);
    this.#lightMin = parts.options?.lightMin ?? LIGHT_MIN;
    this.#onFailure = parts.onFailure ?? (() => {});
  }

  get readOnly(): boolean {
    return this.#log.readOnly;
  }

  /** What goes into checkpoints beside worlds. */
  describe(parts: CheckpointParts): void {
    this.#parts = parts;
  }

  /** Those that are there, ascending by `seq`. */
  get list(): readonly CheckpointInfo[] {
    return this.#store.list;
  }

  /**
   * The newest world that fits the log, in a value of its own; null: there is none. A writer removes those that do not
   * fit: they are of a log that went another way.
   */
  newest(): World | null {
    for (let at = this.#store.list.length - 1; at >= 0; at--) {
      const info = this.#store.list[at];
      const world = this.#load(info);
      if (world !== null) {
        this.#storedLowers = count(this.#lowers.stacks());
        return world.snapshot();
      }
      if (!this.#log.readOnly) this.#store.remove(info);
    }
    return null;
  }

  /** The newest world at or before a moment; null: there is none. Not to be changed. */
  nearest(seq: number): World | null {
    const { list } = this.#store;
    for (let at = indexAtOrBefore(list, seq); at >= 0; at--) {
      const world = this.#load(list[at]);
      if (world !== null) return world;
    }
    return null;
  }

  /** The world of the checkpoint of exactly that moment, or null. Not to be changed. */
  worldOf(seq: number): World | null {
    const info = this.#store.list[indexAtOrBefore(this.#store.list, seq)];
    return info?.seq === seq ? this.#load(info) : null;
  }

  /** As {@link NodeReader.node}. */
  node(ref: NodeRef): Buffer {
    return this.#store.node(ref);
  }

  /** A record of a checkpoint, by its name; null where there is none that can be read. */
  part(info: CheckpointInfo, name: string): Buffer | null {
    try {
      const ref = this.#meta(info).parts.get(name);
      return ref === undefined ? null : this.#store.node(ref);
    } catch (error) {
      if (isStoreError(error, 'ERR_CHECKPOINT_DAMAGED')) return null;
      throw error;
    }
  }

  /** A transaction was committed: plans what is due for the next pause, or goes on with it, for a moment only. */
  committed(live: World): void {
    if (this.#log.readOnly || this.#hasFailed) return;
    const waiting = live.seq - this.#lastSeq;
    if (waiting < this.#every && this.#job === null) return;
    this.#planIdle(live);
    if (waiting < this.#every * BUSY_FACTOR) return;
    if (this.#job === null) this.#begin(live.snapshot());
    if (++this.#commits % SLICE_COMMITS !== 0) return;
    // Without a pause nobody is told that the log is on the disk.
    if (this.#job?.meta != null && waiting >= this.#every * (BUSY_FACTOR + 1)) this.#complete();
    else this.#slice(SLICE_STEPS, 0);
  }

  /** Writes what is due at once; for whoever folds a whole log. */
  catchUp(live: World): void {
    if (this.#log.readOnly || this.#hasFailed || live.seq - this.#lastSeq < this.#every) return;
    this.#begin(live.snapshot());
    this.#complete();
  }

  /** The store is closed: completes what was begun, and stores the end when the next opening gains from it. */
  close(live: World): void {
    this.#isClosed = true;
    if (this.#log.readOnly || this.#hasFailed || this.#log.failed) return this.#abandon();
    this.#complete();
    const isWorthIt = live.seq - this.#lastSeq >= this.#lightMin || count(this.#lowers.stacks()) > this.#storedLowers;
    if (!isWorthIt || live.isPartial || live.seq === this.#lastSeq) return;
    this.#begin(live.snapshot());
    this.#complete();
  }

  get #lastSeq(): number {
    return this.#store.list.at(-1)?.seq ?? 0;
  }

  #begin(world: World): void {
    const replaced = this.#replacedBy(world.seq);
    const from = replaced.length > 0 ? replaced[0].from : this.#lastSeq;
    try {
      const draft = this.#store.begin({ from, seq: world.seq }, replaced);
      this.#parts?.cut();
      this.#job = { draft, steps: this.#steps(world, from, draft), meta: null };
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Light ones at the end: a full one takes their place, and so does the one that would be too many. */
  #replacedBy(seq: number): CheckpointInfo[] {
    const { list } = this.#store;
    let first = list.length;
    while (first > 0 && list[first - 1].seq - list[first - 1].from < this.#every) first--;
    const light = list.slice(first);
    const from = light[0]?.from ?? this.#lastSeq;
    return seq - from >= this.#every || light.length >= LIGHT_MAX ? light : [];
  }

  *#steps(world: World, from: number, draft: CheckpointDraft): Generator<void, Unanchored> {
    const stored = yield* storeWorld(world, draft);
    const write = (bytes: Uint8Array): NodeRef => draft.write(bytes);
    const parts = this.#parts === null ? new Map<string, NodeRef>() : yield* this.#parts.store(from, world, write);
    const { seq, timeNs, registry } = world;
    return { version: WORLD_VERSION, seq, timeNs, registry, parts, ...stored };
  }

  /** Works on the job for some steps, and then until a time has come; 0: no longer. */
  #slice(steps: number, untilMs: number): void {
    const job = this.#job;
    if (job === null || job.meta !== null) return;
    try {
      for (let count = 0; count < steps || performance.now() < untilMs; count++) {
        const step = job.steps.next();
        if (this.#job !== job) return;
        if (step.done !== true) continue;
        job.meta = step.value;
        return this.#end(job);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The log goes first: a checkpoint never knows more than the log on the disk. */
  #end(job: Job): void {
    const failed = (error: unknown): void => {
      if (this.#job === job) this.#fail(error);
    };
    this.#log
      .sync()
      .then(() => {
        if (this.#job !== job) return;
        job.draft.publish(this.#anchored(job), (failure) => {
          if (failure === null) this.#published();
          else failed(failure);
        });
      })
      .catch(failed);
  }

  /** Does the rest of the job at once. */
  #complete(): void {
    const job = this.#job;
    if (job === null) return;
    try {
      while (job.meta === null) {
        const step = job.steps.next();
        if (this.#job !== job) return;
        if (step.done === true) job.meta = step.value;
      }
      this.#log.syncSync();
      job.draft.publishSync(this.#anchored(job));
      this.#published();
    } catch (error) {
      this.#fail(error);
    }
  }

  #anchored(job: Job): Buffer {
    const { anchor } = this.#store;
    if (anchor === null) throw new Error('checkpoint: the log has no commit');
    return encodeMeta({ ...(job.meta as Unanchored), anchor });
  }

  #published(): void {
    this.#job = null;
    this.#storedLowers = count(this.#lowers.stacks());
    const info = this.#store.list.at(-1);
    if (info !== undefined) this.#parts?.published(info);
  }

  /** A full disk, or worse: not tried again in this session. */
  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#abandon();
    this.#onFailure(error);
  }

  #abandon(): void {
    this.#job?.draft.abandon();
    this.#job = null;
  }

  #planIdle(live: World): void {
    if (this.#isIdlePlanned) return;
    this.#isIdlePlanned = true;
    setImmediate(() => {
      this.#isIdlePlanned = false;
      if (this.#log.failed || this.#hasFailed || this.#isClosed) return;
      if (this.#job === null && live.seq - this.#lastSeq >= this.#every && !live.isPartial)
        this.#begin(live.snapshot());
      this.#slice(IDLE_SLICE_STEPS_MIN, performance.now() + IDLE_SLICE_MS);
      if (this.#job !== null && this.#job.meta === null) this.#planIdle(live);
    }).unref();
  }

  /** The world of a checkpoint; null when it can't be read or is not of this log. */
  #load(info: CheckpointInfo): World | null {
    const known = this.#worlds.get(info.file);
    if (known !== undefined) return known;
    try {
      const meta = this.#meta(info);
      if (info.seq > this.#log.head || !this.#store.holds(meta.anchor)) return null;
      const world = loadWorld(meta, this.#store, this.#lowers, () => this.#rescue(info.seq));
      this.#worlds.set(info.file, world);
      if (this.#worlds.size > WORLDS_MAX) this.#worlds.delete(this.#worlds.keys().next().value as number);
      return world;
    } catch (error) {
      if (isStoreError(error, 'ERR_CHECKPOINT_DAMAGED')) return null;
      throw error;
    }
  }

  #meta(info: CheckpointInfo): WorldMeta {
    return decodeMeta(this.#store.meta(info), info);
  }

  /** A node can't be read: the log says what it was. None of the checkpoints is trusted any more; a writer makes new ones. */
  #rescue(seq: number): World {
    if (!this.#log.readOnly) {
      this.#abandon();
      for (const info of this.#store.list) this.#store.remove(info); // each removal makes a new list
    }
    return this.#again(seq);
  }
}

/** Index of the last checkpoint at or before a moment, or -1. */
function indexAtOrBefore(list: readonly CheckpointInfo[], seq: number): number {
  let low = -1;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (list[middle].seq <= seq) low = middle;
    else high = middle - 1;
  }
  return low;
}

function count(items: Iterable<unknown>): number {
  let sum = 0;
  for (const _ of items) sum++;
  return sum;
}
