/**
 * Which parts of a file a container has written since it shares the file with its image or with a fork.
 *
 * A file is cut into granules. A granule is the image's (`base`) until it is written, and then carries the number of the event
 * that wrote it last. So a granule is shared with a fork of event `at` exactly when its number is not above `at`.
 */

import type { Ino } from '../../events/event.ts';
import type { Content } from '../tree/content.ts';
import { type Owner, Trie } from '../tree/trie.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type { LowerFiles } from './storage-driver.ts';

/** What a granule of the image turns into when a truncation or a hole takes it away. */
const HOLE = -1;

/** No node has this number. */
const NO_BASE = 0;

export type GranuleState = 'hole' | 'base' | number;

/** A file of the image that has content, which is looked up when it is first asked for. */
export class BaseFile {
  readonly ino: Ino;
  readonly #lower: LowerFiles;
  #content: Content | null | undefined;

  constructor(lower: LowerFiles, ino: Ino) {
    this.#lower = lower;
    this.ino = ino;
  }

  hasData(from: number, to: number): boolean {
    const content = (this.#content ??= this.#lower.get(this.ino)?.content ?? null);
    return content !== null && content.seek(from, to, true) >= 0;
  }
}

export class GranuleFile {
  owner: Owner;
  sizeBytes: number;
  /** Granules that carry a number. */
  ownCount = 0;
  readonly granuleBytes: number;
  readonly base: BaseFile | null;
  /** Nothing of the base is seen from here on. */
  #baseEnd: number;
  #granules: Trie<number>;

  constructor(
    owner: Owner,
    granuleBytes: number,
    base: BaseFile | null,
    sizeBytes: number,
    granules = new Trie<number>(),
  ) {
    this.owner = owner;
    this.granuleBytes = granuleBytes;
    this.base = base;
    this.#baseEnd = base === null ? 0 : sizeBytes;
    this.#granules = granules;
    this.sizeBytes = sizeBytes;
  }

  static decode(reader: StateReader, owner: Owner, granuleBytes: number, lower: LowerFiles): GranuleFile {
    const ino = reader.varint();
    const baseEnd = reader.varint();
    const sizeBytes = reader.varint();
    const ownCount = reader.varint();
    const base = ino === NO_BASE ? null : new BaseFile(lower, ino);
    const file = new GranuleFile(owner, granuleBytes, base, sizeBytes, reader.numbers());
    file.#baseEnd = baseEnd;
    file.ownCount = ownCount;
    return file;
  }

  encode(writer: StateWriter): void {
    writer.varint(this.base?.ino ?? NO_BASE);
    writer.varint(this.#baseEnd);
    writer.varint(this.sizeBytes);
    writer.varint(this.ownCount);
    writer.numbers(this.#granules);
  }

  copy(owner: Owner): GranuleFile {
    const copy = new GranuleFile(owner, this.granuleBytes, this.base, this.sizeBytes, this.#granules.share());
    copy.#baseEnd = this.#baseEnd;
    copy.ownCount = this.ownCount;
    return copy;
  }

  state(granule: number): GranuleState {
    const own = this.#granules.get(granule);
    if (own !== undefined) return own === HOLE ? 'hole' : own;
    const from = granule * this.granuleBytes;
    const end = Math.min(from + this.granuleBytes, this.#baseEnd);
    return this.base !== null && from < end && this.base.hasData(from, end) ? 'base' : 'hole';
  }

  write(granule: number, seq: number): void {
    const before = this.#granules.get(granule);
    if (before === undefined || before === HOLE) this.ownCount++;
    this.#granules.set(granule, seq, this.owner);
  }

  /** Takes whole granules away. */
  drop(first: number, end: number): void {
    for (let granule = first; granule < end; granule++) {
      const state = this.state(granule);
      if (typeof state === 'number') this.ownCount--;
      if (state !== 'hole') this.#granules.set(granule, HOLE, this.owner);
    }
  }

  /** Takes away what lies behind the end. */
  truncate(sizeBytes: number): void {
    this.#baseEnd = Math.min(this.#baseEnd, sizeBytes);
    this.sizeBytes = sizeBytes;
    this.#granules.deleteFrom(Math.ceil(sizeBytes / this.granuleBytes), this.owner, (state) => {
      if (state !== HOLE) this.ownCount--;
    });
  }

  /** Visits the granules that carry a number. */
  forEachOwn(visit: (granule: number, seq: number) => void): void {
    this.#granules.forEach((seq, granule) => {
      if (seq !== HOLE) visit(granule, seq);
    });
  }
}

/** Bytes of a stretch of `[start, end)` that `[from, to)` does not cover. */
export function uncoveredBytes(start: number, end: number, from: number, to: number): number {
  if (end <= start) return 0;
  return end - start - Math.max(0, Math.min(end, to) - Math.max(start, from));
}
