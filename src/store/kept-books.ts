/**
 * The books of storage, kept beside the checkpoints for the next process: one result for each set of drivers that somebody
 * asked for, replaced by newer ones.
 *
 * Books can be gone on from when all that later events go back to was kept in them. What is asked of some drivers is read from
 * the books of more.
 */

import { createHash } from 'node:crypto';
import type { KeptResult, ResultStore } from '../events/result-store.ts';
import type { ConfiguredDriver } from '../projections/drivers/drivers.ts';
import { type StorageBooks, storageBooks } from '../projections/drivers/storage-books.ts';
import { BOOKS_FORM, driverKey, encodeBooks, StoredBooks } from '../replay/checkpoint/stored-books.ts';
import type { World } from '../projections/world.ts';

/** Books at an event, with the moments in front of it that they can go back to, ascending. */
export interface BooksAt {
  readonly seq: number;
  readonly books: StorageBooks;
  readonly moments: readonly number[];
}

/** The moments that the events `(after, to]` go back to, ascending. */
export type Referred = (after: number, to: number) => readonly number[];

/** What is folded in a moment. */
const MIN = 4096;

/** So much is stored in the time in which an event is folded for all drivers (measured: 160 to 310 bytes). */
const BYTES_AN_EVENT = 256;

/** Results that stay when another one is kept. */
const OTHERS_MAX = 3;

/** A medium or a directory that is not to be written, and a folder that no writer has made: nobody expects more. */
const EXPECTED = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOENT']);

export class KeptBooks {
  readonly #results: ResultStore | undefined;
  readonly #min: number;
  readonly #warn: (message: string) => void;
  /** Of what this process has read or kept, by name: where it ends, and how long it is. */
  readonly #known = new Map<string, { readonly seq: number; readonly bytes: number }>();
  #hasFailed = false;

  /**
   * @param results - Undefined: the log keeps nothing.
   * @param options.min - Events below which nothing is kept.
   */
  constructor(results: ResultStore | undefined, options: { warn: (message: string) => void; min?: number }) {
    this.#results = results;
    this.#min = options.min ?? MIN;
    this.#warn = options.warn;
  }

  /** The newest books at or before a world that can be gone on from; null: there are none. */
  before(world: World, drivers: readonly ConfiguredDriver[], referred: Referred): BooksAt | null {
    const results = this.#results;
    if (results === undefined) return null;
    const wanted = drivers.map(driverKey);
    const found = results
      .list()
      .filter((result) => result.seq <= world.seq && includes(driversOf(result), wanted))
      .sort((a, b) => b.seq - a.seq);
    for (const result of found) {
      const bytes = results.read(result);
      if (bytes === null) continue;
      const stored = new StoredBooks(bytes);
      const moments = momentsWith({ seq: result.seq, moments: stored.moments }, world.seq, referred);
      if (moments === null) continue;
      this.#known.set(nameOf(wanted), { seq: result.seq, bytes: bytes.length });
      return { seq: result.seq, books: stored.load(drivers, moments, world.lowers), moments: stored.moments };
    }
    return null;
  }

  /** The event up to which books are to be kept, when they are folded from one event to another; null: not at all. */
  seqToKeep(drivers: readonly ConfiguredDriver[], from: number, to: number): number | null {
    if (this.#results === undefined || this.#hasFailed) return null;
    const seq = Math.min(to, this.#results.seqMax);
    // Who begins with the log could not go on from what is kept.
    const known = (from > 0 && this.#known.get(nameOf(drivers.map(driverKey)))) || { seq: 0, bytes: 0 };
    const events = seq - known.seq;
    return seq > from && events >= this.#min && events * BYTES_AN_EVENT >= known.bytes ? seq : null;
  }

  /** Keeps books, unless newer ones are. Where that is not possible they are folded again. */
  keep({ seq, books, moments }: BooksAt): void {
    const results = this.#results as ResultStore;
    const keys = books.drivers.map(driverKey);
    const name = nameOf(keys);
    try {
      const kept = results.list();
      if (kept.some((other) => other.name === name && driversOf(other) !== null && other.seq > seq)) return;
      const bytes = encodeBooks(books, moments);
      results.keep({ name, seq, about: [...aboutBooks(), ...keys].join(' ') }, bytes);
      this.#known.set(name, { seq, bytes: bytes.length });
      for (const other of superfluous(kept, { name, seq, keys })) results.remove(other);
    } catch (error) {
      if (!(error instanceof Error) || !('syscall' in error)) throw error;
      this.#hasFailed = true;
      if (!EXPECTED.has((error as NodeJS.ErrnoException).code ?? ''))
        this.#warn(`what storage drivers paid is not kept: ${error.message}`);
    }
  }
}

/**
 * All moments up to an event that books are to be folded with when they go on to it; null: an event that has come since goes
 * back to one that they did not keep.
 */
export function momentsWith(
  { seq, moments }: Pick<BooksAt, 'seq' | 'moments'>,
  to: number,
  referred: Referred,
): readonly number[] | null {
  const since = referred(seq, to);
  const known = new Set(moments);
  if (since.some((at) => at < seq && !known.has(at))) return null;
  return [...moments, ...since.filter((at) => at >= seq)];
}

/** Results that say no more than the new one, and the oldest of those that would be too many. */
function superfluous(
  kept: readonly KeptResult[],
  made: { readonly name: string; readonly seq: number; readonly keys: readonly string[] },
): KeptResult[] {
  const others = kept
    .filter(({ name, about }) => name !== made.name && about.startsWith(`${aboutBooks()[0]} `))
    .sort((a, b) => b.seq - a.seq);
  const covered = others.filter((other) => other.seq <= made.seq && includes(made.keys, driversOf(other) ?? []));
  return [...covered, ...others.filter((other) => !covered.includes(other)).slice(OTHERS_MAX)];
}

/** What a result says of itself in front of its drivers: whose it is, and of which versions. */
function aboutBooks(): [projection: string, version: string] {
  const { name, version } = storageBooks([]);
  return [name, `${version}.${BOOKS_FORM}`];
}

/** The drivers whose books a result holds; null: it holds others than ours, or of another version. */
function driversOf({ about }: KeptResult): readonly string[] | null {
  const [projection, version, ...drivers] = about.split(' ');
  const ours = aboutBooks();
  return projection === ours[0] && version === ours[1] ? drivers : null;
}

const includes = (keys: readonly string[] | null, wanted: readonly string[]): boolean =>
  keys !== null && wanted.every((key) => keys.includes(key));

/** The same whatever the order in which drivers are asked for. */
function nameOf(keys: readonly string[]): string {
  const set = [...new Set(keys)].sort().join(' ');
  return `${aboutBooks()[0]}-${createHash('sha256').update(set).digest('hex').slice(0, 16)}`;
}
