/** What happened to one node in a stretch of the log, read from a block of histories (node-histories.ts). */

import { decodeFileEvent } from '../../events/codec.ts';
import type { FileEvent, Ino } from '../../events/event.ts';
import type { NodeRange } from '../../projections/evolve-node.ts';
import { ByteReader } from '../../projections/bytes.ts';
import { EVENT, NAMED, TIMED_ENTRY } from './node-histories.ts';
import { lowerBound } from './sorted.ts';

/** Where its history lies, and what its rows are. */
export interface HistoryPlace {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** First event of each row. */
  readonly seqOf: (row: number) => number;
}

/** Calls `visit` for each effect of a history: its row, its event in the transaction, and where its payload lies. */
export function forEachEffect(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (row: number, index: number, kind: number, payload: number, payloadEnd: number) => void,
): void {
  const from = new ByteReader(bytes, start);
  let row = 0;
  while (from.at < end) {
    row += from.varint();
    const kind = from.byte();
    const index = from.varint();
    const length = from.varint();
    const payload = from.at;
    visit(row, index, kind, payload, payload + length);
    from.at = payload + length;
  }
}

/** Names and events are decoded when somebody asks for them. */
export class NodeHistory {
  /** Numbers of the events that are about the node, and where they lie: pairs of start and end. */
  readonly eventSeqs: number[] = [];
  readonly #eventPlaces: number[] = [];
  /** Numbers of the events that changed an entry; where those lie; and where the directory's new times do, 0: nowhere. */
  readonly entrySeqs: number[] = [];
  readonly #entryPlaces: number[] = [];
  readonly #timePlaces: number[] = [];
  readonly #from: ByteReader;
  #names: string[] | null = null;
  readonly #nodes: Ino[] = [];
  #byName: Map<string, number[]> | null = null;

  constructor({ bytes, start, end, seqOf }: HistoryPlace) {
    this.#from = new ByteReader(bytes);
    forEachEffect(bytes, start, end, (row, index, kind, payload, payloadEnd) => {
      const seq = seqOf(row) + index;
      if (kind === EVENT) {
        this.eventSeqs.push(seq);
        this.#eventPlaces.push(payload, payloadEnd);
      } else if (kind !== NAMED) {
        this.entrySeqs.push(seq);
        this.#entryPlaces.push(kind === TIMED_ENTRY ? payload + 8 : payload);
        this.#timePlaces.push(kind === TIMED_ENTRY ? payload : 0);
      }
    });
  }

  event(index: number): FileEvent {
    return decodeFileEvent(this.#from.bytes, this.#eventPlaces[2 * index], this.#eventPlaces[2 * index + 1]);
  }

  /** The directory's times behind an entry; null: the entry does not change them. */
  time(entry: number): bigint | null {
    const place = this.#timePlaces[entry];
    return place === 0 ? null : this.#from.bytes.readBigInt64LE(place);
  }

  /** The name of an entry. */
  name(entry: number): string {
    return this.#allNames()[entry];
  }

  /** The node that has the name from there on; 0: the name went. */
  node(entry: number): Ino {
    this.#allNames();
    return this.#nodes[entry];
  }

  /** The entries of a name, ascending. */
  entriesOf(name: string): readonly number[] {
    if (this.#byName === null) {
      this.#byName = new Map();
      for (const [entry, each] of this.#allNames().entries()) {
        const entries = this.#byName.get(each);
        if (entries === undefined) this.#byName.set(each, [entry]);
        else entries.push(entry);
      }
    }
    return this.#byName.get(name) ?? [];
  }

  #allNames(): string[] {
    if (this.#names !== null) return this.#names;
    const from = this.#from;
    this.#names = [];
    for (const place of this.#entryPlaces) {
      from.at = place;
      this.#nodes.push(from.varint());
      this.#names.push(from.shortText());
    }
    return this.#names;
  }
}

/** A part of a history: what came behind event `after` and before event `end`. */
export class HistoryRange implements NodeRange {
  readonly history: NodeHistory;
  readonly #firstEvent: number;
  readonly #endEvent: number;
  readonly firstEntry: number;
  readonly endEntry: number;

  constructor(history: NodeHistory, after: number, end: number) {
    this.history = history;
    this.#firstEvent = lowerBound(history.eventSeqs, after + 1);
    this.#endEvent = lowerBound(history.eventSeqs, end);
    this.firstEntry = lowerBound(history.entrySeqs, after + 1);
    this.endEntry = lowerBound(history.entrySeqs, end);
  }

  get isEmpty(): boolean {
    return this.#firstEvent >= this.#endEvent && !this.hasEntries;
  }

  get hasEntries(): boolean {
    return this.firstEntry < this.endEntry;
  }

  *events(): Generator<{ seq: number; event: FileEvent }, void> {
    const { history } = this;
    for (let index = this.#firstEvent; index < this.#endEvent; index++) {
      yield { seq: history.eventSeqs[index], event: history.event(index) };
    }
  }

  lastTime(after: number, end: number): bigint | null {
    const { history } = this;
    const first = Math.max(this.firstEntry, lowerBound(history.entrySeqs, after + 1));
    for (let entry = Math.min(this.endEntry, lowerBound(history.entrySeqs, end)) - 1; entry >= first; entry--) {
      const time = history.time(entry);
      if (time !== null) return time;
    }
    return null;
  }

  valueOf(name: string): Ino | undefined {
    const entries = this.history.entriesOf(name);
    for (let at = entries.length - 1; at >= 0; at--) {
      const entry = entries[at];
      if (entry < this.firstEntry) return undefined;
      if (entry < this.endEntry) return this.history.node(entry);
    }
    return undefined;
  }

  changes(): Map<string, Ino> {
    const changes = new Map<string, Ino>();
    const { history } = this;
    for (let entry = this.firstEntry; entry < this.endEntry; entry++)
      changes.set(history.name(entry), history.node(entry));
    return changes;
  }

  changedBetween(other: NodeRange): ReadonlySet<string> | null {
    if (!(other instanceof HistoryRange) || other.history !== this.history) return null;
    if (other.firstEntry !== this.firstEntry) return null;
    const names = new Set<string>();
    const end = Math.max(this.endEntry, other.endEntry);
    for (let entry = Math.min(this.endEntry, other.endEntry); entry < end; entry++) names.add(this.history.name(entry));
    return names;
  }
}
