/**
 * The index of a long history: where to begin reading near a moment, which effects are events about the node itself, and
 * where the entries of a name are. So one name of a directory in which ten thousand came and went is found by a look at a few.
 *
 * ```
 * effects u32 · events u32 · entries u32 · buckets u32, a power of two
 * marks     of each 64 effects the first one: row u32 · where it starts, behind the index, u32
 * events    the number of each effect that is an event about the node, u32
 * ends      of each bucket, u32
 * entries   the number of each effect that is an entry, by the bucket of its name, u32
 * ```
 */

import type { ByteWriter } from '../../projections/bytes.ts';
import { nameHash } from './name-hash.ts';

/** Effects between two marks. */
export const MARK_EFFECTS = 64;

const HEADER_BYTES = 16;
const MARK_BYTES = 8;
/** Entries that share a bucket, more or less. */
const ENTRIES_IN_BUCKET = 4;

/** What an index is made of: of each effect, in order. */
export interface IndexedEffects {
  readonly rows: readonly number[];
  readonly starts: readonly number[];
  /** Of an entry the hash of its name, of an event about the node {@link IS_EVENT}. */
  readonly hashes: readonly number[];
}

export const IS_EVENT = -1;
/** Neither an entry nor an event. */
export const IS_NOTHING = -2;

export function writeIndex(writer: ByteWriter, { rows, starts, hashes }: IndexedEffects): void {
  const events: number[] = [];
  const entries: number[] = [];
  for (const [effect, hash] of hashes.entries()) {
    if (hash === IS_EVENT) events.push(effect);
    else if (hash !== IS_NOTHING) entries.push(effect);
  }
  let buckets = 1;
  while (buckets * ENTRIES_IN_BUCKET < entries.length) buckets *= 2;
  const ends = new Uint32Array(buckets);
  for (const effect of entries) ends[hashes[effect] & (buckets - 1)]++;
  for (let bucket = 1; bucket < buckets; bucket++) ends[bucket] += ends[bucket - 1];
  const places = ends.slice();
  const sorted = new Uint32Array(entries.length);
  for (let at = entries.length - 1; at >= 0; at--) sorted[--places[hashes[entries[at]] & (buckets - 1)]] = entries[at];
  for (const count of [rows.length, events.length, entries.length, buckets]) writer.uint32(count);
  for (let effect = 0; effect < rows.length; effect += MARK_EFFECTS) {
    writer.uint32(rows[effect]);
    writer.uint32(starts[effect]);
  }
  for (const list of [events, ends, sorted]) for (const value of list) writer.uint32(value);
}

/** An index, where it lies. */
export class HistoryIndex {
  readonly effects: number;
  readonly events: number;
  readonly entries: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #buckets: number;
  readonly #eventsStart: number;
  readonly #endsStart: number;
  readonly #entriesStart: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#start = start + HEADER_BYTES;
    this.effects = bytes.readUInt32LE(start);
    this.events = bytes.readUInt32LE(start + 4);
    this.entries = bytes.readUInt32LE(start + 8);
    this.#buckets = bytes.readUInt32LE(start + 12);
    this.#eventsStart = this.#start + Math.ceil(this.effects / MARK_EFFECTS) * MARK_BYTES;
    this.#endsStart = this.#eventsStart + this.events * 4;
    this.#entriesStart = this.#endsStart + this.#buckets * 4;
  }

  markRow(mark: number): number {
    return this.#bytes.readUInt32LE(this.#start + mark * MARK_BYTES);
  }

  markStart(mark: number): number {
    return this.#bytes.readUInt32LE(this.#start + mark * MARK_BYTES + 4);
  }

  /** The effect of an event about the node. */
  event(at: number): number {
    return this.#bytes.readUInt32LE(this.#eventsStart + at * 4);
  }

  /** Effects that are entries of a name, and others with it in its bucket, ascending. */
  entriesOf(name: string): number[] {
    const bucket = nameHash(name) & (this.#buckets - 1);
    const from = bucket === 0 ? 0 : this.#bytes.readUInt32LE(this.#endsStart + (bucket - 1) * 4);
    const end = this.#bytes.readUInt32LE(this.#endsStart + bucket * 4);
    const effects: number[] = [];
    for (let at = from; at < end; at++) effects.push(this.#bytes.readUInt32LE(this.#entriesStart + at * 4));
    return effects;
  }
}
