/** What happened to one node in a stretch of the log, read from a block of histories (node-histories.ts). */

import { decodeFileEvent } from '../../events/codec.ts';
import type { FileEvent, Ino } from '../../events/event.ts';
import { ByteReader } from '../../projections/bytes.ts';
import { type HistoryIndex, MARK_EFFECTS } from './history-index.ts';
import { ENTRY, EVENT, TIMED_ENTRY } from './node-histories.ts';
import { lowerBound } from './sorted.ts';

/** Where its history lies, and what its rows are. */
export interface HistoryPlace {
  readonly bytes: Buffer;
  /** Of the effects. */
  readonly start: number;
  readonly end: number;
  /** Of a long history. */
  readonly index: HistoryIndex | null;
  /** First event of each row. */
  readonly seqOf: (row: number) => number;
}

/**
 * Calls `visit` for effects of a history: its row, its event in the transaction, and where its payload lies.
 *
 * @param from - Where to begin: an effect of that row.
 */
export function forEachEffect(
  bytes: Buffer,
  from: { readonly start: number; readonly row: number | null },
  end: number,
  visit: (row: number, index: number, kind: number, payload: number, payloadEnd: number) => void,
): void {
  const reader = new ByteReader(bytes, from.start);
  let row = 0;
  let isFirst = true;
  while (reader.at < end) {
    row += reader.varint();
    if (isFirst && from.row !== null) row = from.row;
    isFirst = false;
    const kind = reader.byte();
    const index = reader.varint();
    const length = reader.varint();
    const payload = reader.at;
    visit(row, index, kind, payload, payload + length);
    reader.at = payload + length;
  }
}

/** Effects that are read together: those from one mark to the next. */
class EffectGroup {
  readonly seqs: number[] = [];
  /** Triples: kind, and where the payload lies, start and end. */
  readonly places: number[] = [];
  names: (string | undefined)[] | null = null;
}

/** Effects are numbered from 0 on. What lies at one of them is read when somebody asks for it. */
export class NodeHistory {
  readonly count: number;
  readonly #place: HistoryPlace;
  readonly #groups: (EffectGroup | undefined)[] = [];
  /** All effects of a short history. */
  readonly #first: EffectGroup;

  constructor(place: HistoryPlace) {
    this.#place = place;
    this.#first = this.#group(0);
    this.count = place.index?.effects ?? this.#first.seqs.length;
  }

  /** The first effect of an event from `seq` on. */
  firstFrom(seq: number): number {
    const { index, seqOf } = this.#place;
    let low = 0;
    let high = index === null ? 1 : Math.ceil(index.effects / MARK_EFFECTS);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (seqOf((index as HistoryIndex).markRow(middle)) < seq) low = middle;
      else high = middle;
    }
    // A transaction may go on over a mark.
    while (low > 0 && this.#group(low).seqs[0] >= seq) low--;
    return low * MARK_EFFECTS + lowerBound(this.#group(low).seqs, seq);
  }

  seq(effect: number): number {
    return this.#at(effect).seqs[this.#within(effect)];
  }

  isEntry(effect: number): boolean {
    const kind = this.#at(effect).places[this.#within(effect) * 3];
    return kind === ENTRY || kind === TIMED_ENTRY;
  }

  /** Whether any of the effects `[first, end)` is an entry. */
  hasEntries(first: number, end: number): boolean {
    if (this.#place.index?.entries === 0) return false;
    for (let effect = first; effect < end; effect++) if (this.isEntry(effect)) return true;
    return false;
  }

  /** Which of the effects `[first, end)` are events about the node itself. */
  events(first: number, end: number): number[] {
    const { index } = this.#place;
    const events: number[] = [];
    if (index === null) {
      for (let effect = first; effect < end; effect++)
        if (this.#first.places[effect * 3] === EVENT) events.push(effect);
      return events;
    }
    let low = 0;
    let high = index.events;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (index.event(middle) < first) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < index.events && index.event(at) < end; at++) events.push(index.event(at));
    return events;
  }

  /** Of an effect that is one. */
  event(effect: number): FileEvent {
    const { places } = this.#at(effect);
    const at = this.#within(effect) * 3;
    return decodeFileEvent(this.#place.bytes, places[at + 1], places[at + 2]);
  }

  /** The directory's times behind an entry; null: it does not change them, or is none. */
  time(effect: number): bigint | null {
    const { places } = this.#at(effect);
    const at = this.#within(effect) * 3;
    return places[at] === TIMED_ENTRY ? this.#place.bytes.readBigInt64LE(places[at + 1]) : null;
  }

  /** The name of an entry. */
  name(effect: number): string {
    const group = this.#at(effect);
    const at = this.#within(effect);
    const names = (group.names ??= new Array<string | undefined>(group.seqs.length));
    const known = names[at];
    if (known !== undefined) return known;
    const reader = this.#entry(effect);
    reader.varint();
    return (names[at] = reader.shortText());
  }

  /** The node that has the name from there on; 0: the name went. */
  node(effect: number): Ino {
    return this.#entry(effect).varint();
  }

  /** The entries of a name, ascending. */
  entriesOf(name: string): number[] {
    const { index } = this.#place;
    if (index !== null) return index.entriesOf(name).filter((effect) => this.name(effect) === name);
    const entries: number[] = [];
    for (let effect = 0; effect < this.count; effect++)
      if (this.isEntry(effect) && this.name(effect) === name) entries.push(effect);
    return entries;
  }

  #entry(effect: number): ByteReader {
    const { places } = this.#at(effect);
    const at = this.#within(effect) * 3;
    return new ByteReader(this.#place.bytes, places[at + 1] + (places[at] === TIMED_ENTRY ? 8 : 0));
  }

  /** Index of an effect in its group. */
  #within(effect: number): number {
    return this.#place.index === null ? effect : effect % MARK_EFFECTS;
  }

  #at(effect: number): EffectGroup {
    return this.#place.index === null ? this.#first : this.#group(Math.floor(effect / MARK_EFFECTS));
  }

  #group(at: number): EffectGroup {
    return (this.#groups[at] ??= this.#readGroup(at));
  }

  #readGroup(at: number): EffectGroup {
    const { bytes, start, end, index, seqOf } = this.#place;
    const group = new EffectGroup();
    const isLast = index === null || (at + 1) * MARK_EFFECTS >= index.effects;
    const from = index === null ? { start, row: null } : { start: start + index.markStart(at), row: index.markRow(at) };
    const until = isLast ? end : start + index.markStart(at + 1);
    forEachEffect(bytes, from, until, (row, event, kind, payload, payloadEnd) => {
      group.seqs.push(seqOf(row) + event);
      group.places.push(kind, payload, payloadEnd);
    });
    return group;
  }
}
