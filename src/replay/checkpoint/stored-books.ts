/**
 * The books of storage as bytes: a table of what all drivers have in common, and a section for each driver, so that whoever
 * asks for some of them reads no others.
 *
 * ```
 * length u32 ‖ table (V8) ‖ section ‖ section ‖ …
 * section    a layer for each stack · a tree for each list of trees · first writes for each book    (state-bytes.ts)
 * ```
 *
 * A list of trees is what a timeline holds at a moment: one tree for each driver. Timelines share them, and a fork names the
 * timeline of its source as it was; so lists and timelines have numbers.
 */

import { deserialize, serialize } from 'node:v8';
import type { SubjectId } from '../../events/event.ts';
import type { LowerViews } from '../../projections/lower-views.ts';
import type { LayerRecord } from '../../projections/registry.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { ConfiguredDriver } from '../../projections/drivers/drivers.ts';
import { Stacks } from '../../projections/drivers/stacks.ts';
import { StateReader, StateWriter } from '../../projections/drivers/state-bytes.ts';
import type {
  DriverValues,
  LowerFiles,
  StorageModel,
  StoredLayer,
  StoredTree,
} from '../../projections/drivers/storage-driver.ts';
import type { Book, FirstWrites, StorageBooks } from '../../projections/drivers/storage-books.ts';
import { Timeline } from '../../projections/drivers/timeline.ts';

/** Raised whenever the form of the bytes changes. */
export const BOOKS_FORM = 1;

interface Table {
  /** Moments that are gone back to, as far as the books were folded with them; ascending. */
  readonly moments: readonly number[];
  readonly drivers: readonly { readonly name: string; readonly values: DriverValues }[];
  /** Bytes of the section of each driver. */
  readonly sections: readonly number[];
  readonly images: ReadonlyMap<string, readonly string[]>;
  readonly layers: ReadonlyMap<string, LayerRecord>;
  /** chainIDs of the stacks, each behind those below it. */
  readonly stacks: readonly string[];
  /** Lists of trees that stand on the same image, one behind the other. */
  readonly lists: readonly { readonly image: string | null; readonly count: number }[];
  /** A source comes in front of its forks. */
  readonly timelines: readonly StoredTimeline[];
  readonly books: readonly StoredBook[];
}

interface StoredTimeline {
  /** Number of the list of its trees. */
  readonly trees: number;
  readonly passed: number;
  /** Pairs (event, number of the list of trees behind it). */
  readonly segments: readonly number[];
  /** Number of the source's timeline, and the moment; null: it is no fork's. */
  readonly source: { readonly timeline: number; readonly at: number } | null;
}

type StoredBook = Omit<Book, 'timeline' | 'firstWrites'> & { readonly timeline: number };

/**
 * Books that were folded with moments that are known.
 *
 * @param moments - These; those behind the books do not matter.
 */
export function encodeBooks(books: StorageBooks, moments: readonly number[]): Buffer {
  const numbers = new Numbers();
  const stored = [...books.books.values()].map((book): StoredBook => {
    const { timeline, firstWrites: _, ...rest } = book;
    return { ...rest, timeline: numbers.ofTimeline(timeline, book.image) };
  });
  const sections = books.drivers.map((_, driver) => encodeSection(books, numbers.trees, driver));
  const table = serialize({
    moments,
    drivers: books.drivers.map(({ driver, values }) => ({ name: driver.name, values })),
    sections: sections.map(({ length }) => length),
    images: books.images,
    layers: books.layers,
    stacks: [...books.stacks.made.keys()],
    lists: numbers.lists,
    timelines: numbers.timelines,
    books: stored,
  } satisfies Table);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(table.length);
  return Buffer.concat([length, table, ...sections]);
}

/** Gives timelines and lists of trees their numbers. */
class Numbers {
  readonly trees: (readonly StoredTree[])[] = [];
  readonly lists: { image: string | null; count: number }[] = [];
  readonly timelines: StoredTimeline[] = [];
  readonly #ofTrees = new Map<readonly StoredTree[], number>();
  readonly #ofTimelines = new Map<Timeline, number>();

  /** Forks of forks may be many: those that are new are gone through from the first source on. */
  ofTimeline(timeline: Timeline, image: string | null): number {
    const line: Timeline[] = [];
    for (let at: Timeline | undefined = timeline; at !== undefined && !this.#ofTimelines.has(at);) {
      line.unshift(at);
      at = at.parts.source?.timeline;
    }
    for (const each of line) this.#add(each, image);
    return this.#ofTimelines.get(timeline) as number;
  }

  #add(timeline: Timeline, image: string | null): void {
    const { trees, segments, passed, source } = timeline.parts;
    const stored = {
      trees: this.#ofList(trees, image),
      passed,
      segments: segments.flatMap((segment) => [segment.seq, this.#ofList(segment.trees, image)]),
      source: source === null ? null : { timeline: this.#ofTimelines.get(source.timeline) as number, at: source.at },
    };
    this.#ofTimelines.set(timeline, this.timelines.length);
    this.timelines.push(stored);
  }

  #ofList(trees: readonly StoredTree[], image: string | null): number {
    const known = this.#ofTrees.get(trees);
    if (known !== undefined) return known;
    const number = this.trees.length;
    this.#ofTrees.set(trees, number);
    this.trees.push(trees);
    const last = this.lists.at(-1);
    if (last === undefined || last.image !== image) this.lists.push({ image, count: 1 });
    else last.count++;
    return number;
  }
}

function encodeSection(books: StorageBooks, trees: readonly (readonly StoredTree[])[], driver: number): Buffer {
  const writer = new StateWriter();
  for (const stack of books.stacks.made.values()) stack[driver].encode(writer);
  for (const list of trees) list[driver].encode(writer);
  for (const { firstWrites } of books.books.values()) {
    const { count, copiedBytes, takenBytes } = firstWrites[driver];
    writer.varint(count);
    writer.varint(copiedBytes);
    writer.varint(takenBytes);
  }
  return writer.bytes();
}

/** What {@link encodeBooks} made, of which only the table is read. */
export class StoredBooks {
  readonly #table: Table;
  readonly #sections: Buffer;

  /** @param bytes - Not damaged, and of this version of the books and of their form. */
  constructor(bytes: Buffer) {
    const start = 4 + bytes.readUInt32LE(0);
    this.#table = deserialize(bytes.subarray(4, start)) as Table;
    this.#sections = bytes.subarray(start);
  }

  /** Moments that can be gone back to, ascending. */
  get moments(): readonly number[] {
    return this.#table.moments;
  }

  /**
   * The books of some of the drivers.
   *
   * @param drivers - Of those that were stored.
   * @param moments - To go on with: {@link StoredBooks.moments} and maybe some behind the books.
   * @param lowers - Views of the images' layers, looked at only by who goes on.
   */
  load(drivers: readonly ConfiguredDriver[], moments: readonly number[], lowers: LowerViews): StorageBooks {
    const { stacks: chainIds, images, layers } = this.#table;
    const models = drivers.map(({ driver, values }) => driver.model(values));
    const lowersOfLists = this.#lowersOfLists(lowers);
    const sections = drivers.map((driver, index) => this.#section(driver, models[index], lowersOfLists));
    const stacks = new Stacks(models);
    const ofAll = <T>(each: (section: Section) => T): T[] => sections.map(each);
    chainIds.forEach((chainId, index) =>
      stacks.remember(
        chainId,
        ofAll((section) => section.layers[index]),
      ),
    );
    const trees = lowersOfLists.map((_, index) => ofAll((section) => section.trees[index]));
    const timelines = this.#timelines(trees, moments);
    const books = new Map<SubjectId, Book>();
    this.#table.books.forEach((book, index) => {
      const firstWrites = ofAll((section) => section.firstWrites[index]);
      books.set(book.container, { ...book, timeline: timelines[book.timeline], firstWrites });
    });
    return { drivers, models, stacks, books, images, layers };
  }

  #section(asked: ConfiguredDriver, model: StorageModel, lowersOfLists: readonly LowerFiles[]): Section {
    const { drivers, sections, stacks, books } = this.#table;
    const index = drivers.findIndex((stored) => keyOf(stored) === driverKey(asked));
    if (index < 0) throw new Error(`stored books: they have no driver ${asked.driver.name}`);
    const start = sections.slice(0, index).reduce((sum, length) => sum + length, 0);
    const reader = new StateReader(this.#sections, start);
    return {
      layers: stacks.map(() => model.decodeLayer(reader)),
      trees: lowersOfLists.map((lower) => model.decodeContainer(reader, lower)),
      firstWrites: books.map(() => ({
        count: reader.varint(),
        copiedBytes: reader.varint(),
        takenBytes: reader.varint(),
      })),
    };
  }

  /** For each list of trees what lies below it. */
  #lowersOfLists(lowers: LowerViews): LowerFiles[] {
    return this.#table.lists.flatMap(({ image, count }) => {
      const lower = this.#lowerOf(image, lowers);
      return Array.from({ length: count }, () => lower);
    });
  }

  /** Images of removed containers may be gone from the store: their views are made when somebody needs them. */
  #lowerOf(image: string | null, lowers: LowerViews): LowerFiles {
    const { images, layers } = this.#table;
    let tree: Tree | null = null;
    const make = (): Tree => {
      const chainIds = image === null ? [] : (images.get(image) ?? []);
      if (chainIds.length === 0) return lowers.empty;
      return lowers.stack(chainIds.map((chainId) => layers.get(chainId) as LayerRecord));
    };
    return { get: (ino) => (tree ??= make()).get(ino) };
  }

  #timelines(trees: readonly (readonly StoredTree[])[], moments: readonly number[]): Timeline[] {
    const timelines: Timeline[] = [];
    for (const stored of this.#table.timelines) {
      const segments: { seq: number; trees: readonly StoredTree[] }[] = [];
      for (let pair = 0; pair < stored.segments.length; pair += 2) {
        segments.push({ seq: stored.segments[pair], trees: trees[stored.segments[pair + 1]] });
      }
      const source = stored.source && { timeline: timelines[stored.source.timeline], at: stored.source.at };
      timelines.push(Timeline.of({ trees: trees[stored.trees], segments, passed: stored.passed, source }, moments));
    }
    return timelines;
  }
}

interface Section {
  readonly layers: readonly StoredLayer[];
  readonly trees: readonly StoredTree[];
  readonly firstWrites: readonly FirstWrites[];
}

/** A driver with all of its parameters, as one text. */
export const driverKey = ({ driver, values }: ConfiguredDriver): string => keyOf({ name: driver.name, values });

function keyOf({ name, values }: { readonly name: string; readonly values: DriverValues }): string {
  const settings = Object.keys(values).sort();
  return `${name}:${settings.map((setting) => `${setting}=${values[setting]}`).join(',')}`;
}
