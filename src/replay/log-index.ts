/**
 * What the time machine knows of a log without reading it: a mark of time every so many transactions, which events refer
 * to earlier moments, and what happened to which node.
 *
 * It comes in stretches, one for each checkpoint and one that grows; those of checkpoints are read when they are needed.
 * Where one can't be read, that part of the log is.
 */

import { deserialize, serialize } from 'node:v8';
import type { Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import { isFileEvent } from '../events/file-event.ts';
import type { EventLog } from '../events/event-log.ts';
import type { CheckpointInfo, NodeReader, NodeRef, NodeWriter } from '../events/node-store.ts';
import type { CopyUpLedger } from '../projections/copy-up-ledger.ts';
import type { Kept } from '../projections/projection.ts';
import type { World } from '../projections/world.ts';
import type { CheckpointParts } from './checkpoint/checkpoints.ts';
import { GrowingStretch } from './checkpoint/growing-stretch.ts';
import { LEDGER, LedgerFolding, storedLedger } from './checkpoint/ledger-parts.ts';
import { Stretch } from './checkpoint/stretch.ts';

/** Transactions between two marks. */
const MARK_EVERY = 256;

/** Stretches that are kept in memory. */
const STRETCHES_MAX = 32;

const MARKS = 'marks';
const STRETCH = 'stretch';

/** Records of checkpoints. */
export interface StoredParts extends NodeReader {
  readonly list: readonly CheckpointInfo[];
  part(info: CheckpointInfo, name: string): Buffer | null;
}

export class LogIndex implements CheckpointParts {
  readonly #log: Pick<EventLog, 'read'>;
  #stored: StoredParts | null = null;
  /** Ascending, without gaps, up to the one that grows. */
  #marks: MarksPlace[] = [];
  #growing: Marks;
  /** Stretches that no checkpoint holds yet; null: touches are not kept. */
  #stretches: GrowingStretch[] | null = null;
  readonly #loaded = new Map<number, Stretch>();

  /**
   * @param from - The index is fed from the event after this one on.
   * @param timeNs - Of that event.
   */
  constructor(log: Pick<EventLog, 'read'>, from: number, timeNs: bigint | null = null) {
    this.#log = log;
    this.#growing = new Marks(from, timeNs);
    if (from > 0) this.#marks = [{ from: 0, to: from, load: () => this.#read(0, from) }];
  }

  /** Takes what checkpoints hold of the log before; `keepsTouches`: for whoever writes the next ones. */
  use(stored: StoredParts, keepsTouches: boolean): void {
    this.#stored = stored;
    const start = this.#growing.from;
    this.#marks = placesOf(stored, start, (from, to) => this.#read(from, to));
    if (keepsTouches) this.#stretches = [new GrowingStretch(start)];
  }

  /**
   * Takes note of the next transaction.
   *
   * @param world - As it is after the transaction.
   */
  add(transaction: Transaction, world: World): void {
    const { events } = transaction;
    let files = 0;
    for (let index = 0; index < events.length; index++) if (isFileEvent(events[index])) files++;
    this.#growing.add(transaction, files < events.length);
    this.#stretches?.at(-1)?.add(transaction, world, files);
  }

  /** Visits the moments that forks and rewinds among the events `(after, to]` refer to, each with the event that does. */
  forEachReference(after: number, to: number, visit: (referred: number, referring: number) => void): void {
    for (const place of this.#places()) {
      if (place.to <= after || place.from >= to) continue;
      const { referring, referred } = place.load();
      for (let index = upperBound(referring, after); index < referring.length && referring[index] <= to; index++) {
        visit(referred[index], referring[index]);
      }
    }
  }

  /**
   * Last event of the last transaction at or before a time.
   *
   * Times in a log do not go back. Should they, a transaction counts as late as the latest one before it, so that the
   * answer is the same however the log is searched.
   */
  seqAtTime(timeNs: bigint): number {
    const places = [...this.#places()];
    for (let at = places.length - 1; at >= 0; at--) {
      const { markSeqs, markTimes, to } = places[at].load();
      const mark = lastAtOrBefore(markTimes, timeNs);
      if (mark < 0) continue;
      let seq = markSeqs[mark];
      if (seq >= to) return seq;
      for (const transaction of this.#log.read(seq + 1, to)) {
        if (transaction.timeNs > timeNs) break;
        seq = lastSeq(transaction);
      }
      return seq;
    }
    return 0;
  }

  /** The stretch of a checkpoint; null where it can't be read. */
  stretch(info: CheckpointInfo): Stretch | null {
    const known = this.#loaded.get(info.file);
    if (known !== undefined) return known;
    const stored = this.#stored;
    const bytes = stored?.part(info, STRETCH) ?? null;
    if (stored === null || bytes === null) return null;
    const stretch = new Stretch(bytes, { nodes: stored, read: (from, to) => this.#log.read(from, to) });
    this.#loaded.set(info.file, stretch);
    if (this.#loaded.size > STRETCHES_MAX) this.#loaded.delete(this.#loaded.keys().next().value as number);
    return stretch;
  }

  /** The newest ledger of copy-ups that checkpoints hold of a moment at or before `seq`; null: none. */
  ledgerBefore(seq: number): Kept<CopyUpLedger> | null {
    return this.#stored === null ? null : storedLedger(this.#stored, seq);
  }

  cut(): void {
    const growing = this.#growing;
    this.#marks.push({ from: growing.from, to: growing.to, load: () => growing });
    this.#growing = new Marks(growing.to, growing.latestNs);
    this.#stretches?.push(new GrowingStretch(growing.to));
  }

  *store(from: number, world: World, write: NodeWriter['write']): Generator<void, Map<string, NodeRef>> {
    const { seq } = world;
    const parts = new Map<string, NodeRef>();
    const covered = [...this.#places()].filter((place) => place.from >= from && place.to <= seq);
    parts.set(
      MARKS,
      write(
        packMarks(
          from,
          seq,
          covered.map((place) => place.load()),
        ),
      ),
    );
    yield;
    const stretch = this.#gather(from, seq);
    const read = (first: number, last: number): Iterable<Transaction> => this.#log.read(first, last);
    const ledger = new LedgerFolding({ stored: this.#stored, read, from, world });
    const packed =
      stretch === null ? null : yield* stretch.pack((first, last) => ledger.watch(read(first, last)), write);
    if (packed !== null) parts.set(STRETCH, write(packed));
    parts.set(LEDGER, yield* ledger.store(write));
    return parts;
  }

  published({ seq }: CheckpointInfo): void {
    const { list } = this.#stored ?? { list: [] };
    if (this.#stretches !== null)
      this.#stretches = this.#stretches.filter((stretch) => stretch.to > seq || stretch === this.#stretches?.at(-1));
    if (list.at(-1)?.seq !== seq || this.#stored === null) return;
    const after = this.#marks.filter((place) => place.from >= seq);
    this.#marks = [...placesOf(this.#stored, seq, (from, to) => this.#read(from, to)), ...after];
  }

  /** What is known of `(from, seq]`, from checkpoints that go and from what has grown since; null: not all is. */
  #gather(from: number, seq: number): GrowingStretch | null {
    const grown =
      this.#stretches?.filter((stretch) => stretch.from >= from && stretch.to <= seq && stretch.to > stretch.from) ??
      [];
    const start = grown[0]?.from ?? seq;
    if (start === from && grown.length === 1) return grown[0];
    const whole = new GrowingStretch(from);
    for (const info of this.#stored?.list ?? []) {
      if (info.from < whole.to || info.seq > start) continue;
      const stretch = this.stretch(info);
      if (stretch === null || info.from !== whole.to) return null;
      whole.append(stretch);
    }
    for (const stretch of grown) {
      if (stretch.from !== whole.to) return null;
      whole.appendGrowing(stretch);
    }
    return whole.to === seq ? whole : null;
  }

  *#places(): Generator<MarksPlace, void> {
    yield* this.#marks;
    const growing = this.#growing;
    if (growing.to > growing.from) yield { from: growing.from, to: growing.to, load: () => growing };
  }

  /** Marks of a part of the log that nobody has stored. */
  #read(from: number, to: number): Marks {
    const marks = new Marks(from, null);
    for (const transaction of this.#log.read(from + 1, to)) marks.add(transaction, true);
    return marks;
  }
}

interface MarksPlace {
  readonly from: number;
  readonly to: number;
  load(): MarksData;
}

/** Where the marks of `(0, start]` are: with checkpoints as far as these go on from one another. */
function placesOf(stored: StoredParts, start: number, read: (from: number, to: number) => Marks): MarksPlace[] {
  const places: MarksPlace[] = [];
  const once = (from: number, to: number, load: () => MarksData): void => {
    let data: MarksData | null = null;
    places.push({ from, to, load: () => (data ??= load()) });
  };
  let at = 0;
  for (const info of stored.list) {
    if (info.from < at || info.seq > start) continue;
    if (info.from > at) {
      const from = at;
      once(from, info.from, () => read(from, info.from));
    }
    once(info.from, info.seq, () => {
      const bytes = stored.part(info, MARKS);
      return bytes === null ? read(info.from, info.seq) : (deserialize(bytes) as MarksData);
    });
    at = info.seq;
  }
  if (at < start) once(at, start, () => read(at, start));
  return places;
}

interface MarksData {
  readonly from: number;
  readonly to: number;
  /** The marks: a transaction's last event, and the latest time up to it. */
  readonly markSeqs: readonly number[];
  readonly markTimes: readonly bigint[];
  /** Events that refer to a moment, ascending, and that moment. */
  readonly referring: readonly number[];
  readonly referred: readonly number[];
}

function packMarks(from: number, to: number, parts: readonly MarksData[]): Buffer {
  return serialize({
    from,
    to,
    markSeqs: parts.flatMap((part) => part.markSeqs),
    markTimes: parts.flatMap((part) => part.markTimes),
    referring: parts.flatMap((part) => part.referring),
    referred: parts.flatMap((part) => part.referred),
  } satisfies MarksData);
}

class Marks implements MarksData {
  readonly from: number;
  to: number;
  readonly markSeqs: number[] = [];
  readonly markTimes: bigint[] = [];
  readonly referring: number[] = [];
  readonly referred: number[] = [];
  latestNs: bigint | null;
  #sinceMark = 0;

  constructor(from: number, latestNs: bigint | null) {
    this.from = from;
    this.to = from;
    this.latestNs = latestNs;
  }

  /** @param mayRefer - Whether not all its events are file events, which refer to no other moment. */
  add(transaction: Transaction, mayRefer: boolean): void {
    this.to = lastSeq(transaction);
    if (this.latestNs === null || transaction.timeNs > this.latestNs) this.latestNs = transaction.timeNs;
    if (this.#sinceMark === 0) {
      this.markSeqs.push(this.to);
      this.markTimes.push(this.latestNs);
    }
    this.#sinceMark = (this.#sinceMark + 1) % MARK_EVERY;
    if (!mayRefer) return;
    let seq = transaction.seq;
    for (const event of transaction.events) {
      if (event.type === 'ContainerForked') this.#refer(seq, event.at);
      else if (event.type === 'ContainerRewound') this.#refer(seq, event.to);
      else if (event.type === 'NodesRestored') this.#referToNodes(seq, event.nodes);
      seq++;
    }
  }

  /** Triples (ino, from, at). */
  #referToNodes(seq: number, nodes: readonly number[]): void {
    const moments = new Set(nodes.filter((_, index) => index % 3 === 2));
    for (const moment of moments) this.#refer(seq, moment);
  }

  #refer(seq: number, to: number): void {
    this.referring.push(seq);
    this.referred.push(to);
  }
}

/** Index of the last time at or before one, or -1. */
function lastAtOrBefore(times: readonly bigint[], timeNs: bigint): number {
  let low = -1;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= timeNs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Index of the first element greater than `value`. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
