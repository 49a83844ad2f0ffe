/**
 * The books of storage: one history, folded into what every driver keeps and pays.
 *
 * A container that was removed stays in the books: its past can be forked, and what it cost was paid.
 */

import type { FileEvent, StoreEvent, SubjectId, Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import type { Projection } from '../projection.ts';
import type { LayerRecord } from '../registry.ts';
import type { Tree } from '../tree/tree.ts';
import type { World } from '../world.ts';
import type { ConfiguredDriver } from './drivers.ts';
import { Stacks } from './stacks.ts';
import type { FirstWrite, StorageModel } from './storage-driver.ts';
import { type KeptMoments, Timeline } from './timeline.ts';

export interface FirstWrites extends FirstWrite {
  readonly count: number;
}

export interface Book {
  readonly container: SubjectId;
  readonly name: string;
  readonly image: string | null;
  /** The first of the containers that it was forked from, over all generations; itself if from none. */
  readonly origin: SubjectId;
  readonly timeline: Timeline;
  /** For each driver. */
  readonly firstWrites: readonly FirstWrites[];
  readonly lowerDirectoryRenames: number;
  readonly brokenLinks: number;
}

export interface StorageBooks {
  readonly drivers: readonly ConfiguredDriver[];
  readonly models: readonly StorageModel[];
  readonly stacks: Stacks;
  readonly books: ReadonlyMap<SubjectId, Book>;
  /** Layers of images, lowest first; removed ones too. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  readonly layers: ReadonlyMap<string, LayerRecord>;
}

/** Told of what every file event cost each driver. */
export type CostListener = (
  transaction: Transaction,
  event: FileEvent,
  seq: number,
  costs: readonly (FirstWrite | null)[],
) => void;

export interface BookOptions {
  readonly listener?: CostListener;
  /** What the events of the log refer to, up to the end of the batch at least. Default: not known. */
  readonly moments?: KeptMoments;
}

export function storageBooks(
  drivers: readonly ConfiguredDriver[],
  options: BookOptions = {},
): Projection<StorageBooks> {
  return {
    name: 'storage-books',
    // Raised whenever a driver makes something else of a history, too: what was kept is folded again.
    version: 1,
    initial: () => {
      const models = drivers.map(({ driver, values }) => driver.model(values));
      const empty = { books: new Map(), images: new Map(), layers: new Map() };
      return { drivers, models, stacks: new Stacks(models), ...empty };
    },
    apply: (state, batch, world) => {
      const writer = new BookWriter(state, world, options);
      for (const transaction of batch) writer.add(transaction);
      return writer.result;
    },
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class BookWriter {
  readonly #before: StorageBooks;
  readonly #world: World;
  readonly #listener: CostListener | undefined;
  readonly #moments: KeptMoments;
  readonly #books: Map<SubjectId, Book>;
  readonly #images: Map<string, readonly string[]>;
  readonly #layers: Map<string, LayerRecord>;
  readonly #lowers = new Map<SubjectId, Tree>();
  /** Books that this batch has made its own. */
  readonly #own = new Map<SubjectId, Mutable<Book>>();
  #hasChanged = false;

  constructor(before: StorageBooks, world: World, { listener, moments = null }: BookOptions) {
    this.#before = before;
    this.#world = world;
    this.#listener = listener;
    this.#moments = moments;
    this.#books = new Map(before.books);
    this.#images = new Map(before.images);
    this.#layers = new Map(before.layers);
  }

  get result(): StorageBooks {
    if (!this.#hasChanged) return this.#before;
    return { ...this.#before, books: this.#books, images: this.#images, layers: this.#layers };
  }

  add(transaction: Transaction): void {
    let seq = transaction.seq;
    for (const event of transaction.events) {
      if (isFileEvent(event)) this.#file(transaction, event, seq);
      else this.#other(event, seq);
      seq++;
    }
  }

  /** Volumes are plain directories with every driver, and in no book. */
  #file(transaction: Transaction, event: FileEvent, seq: number): void {
    const book = this.#edit(transaction.subject);
    if (book === undefined) return;
    const costs = book.timeline.apply(event, seq);
    if (costs.some((cost) => cost !== null)) {
      book.firstWrites = book.firstWrites.map((sum, driver) => plus(sum, costs[driver]));
    }
    if (event.type === 'FileCopiedUp' && event.upperIno !== event.ino) book.brokenLinks++;
    if (event.type === 'Renamed' && this.#isLowerDirectory(book, event.ino)) book.lowerDirectoryRenames++;
    this.#listener?.(transaction, event, seq, costs);
  }

  #other(event: Exclude<StoreEvent, FileEvent>, seq: number): void {
    switch (event.type) {
      case 'LayerAdded': {
        const { type: _, ...layer } = event;
        this.#layers.set(event.chainId, { ...layer, framing: [], seq });
        this.#hasChanged = true;
        return;
      }
      case 'ImageAdded':
        this.#images.set(event.image, event.layers);
        this.#hasChanged = true;
        return;
      case 'ContainerCreated':
        return this.#create(event.container, event.name, event.image, seq);
      case 'ContainerForked':
        return this.#fork(event, seq);
      case 'ContainerRewound': {
        const book = this.#edit(event.container);
        book?.timeline.replace(book.timeline.at(event.to), seq);
        return;
      }
      case 'NodesRestored':
        return this.#edit(event.container)?.timeline.restore(event.nodes, seq);
      case 'ContainerRenamed': {
        const book = this.#edit(event.container);
        if (book !== undefined) book.name = event.name;
        return;
      }
      default:
        return;
    }
  }

  #create(container: SubjectId, name: string, image: string | null, seq: number): void {
    const layers = this.#layersOf(image);
    const { lowers } = this.#world;
    const stack = this.#before.stacks.of(layers, lowers);
    const lower = layers.length === 0 ? lowers.empty : lowers.stack(layers);
    const trees = this.#before.models.map((model, driver) => model.container(stack?.[driver] ?? null, lower));
    const nothing = { origin: container, lowerDirectoryRenames: 0, brokenLinks: 0, firstWrites: this.#noWrites() };
    this.#put({ container, name, image, timeline: new Timeline(trees, seq, this.#moments), ...nothing });
  }

  #fork(event: Extract<StoreEvent, { type: 'ContainerForked' }>, seq: number): void {
    const { container, name, at } = event;
    const source = this.#edit(event.from) as Mutable<Book>;
    const past = { timeline: source.timeline.branch(), at };
    const timeline = new Timeline(source.timeline.at(at), seq, this.#moments, past);
    timeline.share(at, seq);
    source.timeline.share(at, seq);
    this.#put({ ...source, container, name, timeline, firstWrites: this.#noWrites() });
  }

  #noWrites(): FirstWrites[] {
    return this.#before.models.map(() => ({ count: 0, copiedBytes: 0, takenBytes: 0 }));
  }

  #layersOf(image: string | null): LayerRecord[] {
    const chainIds = image === null ? [] : (this.#images.get(image) ?? []);
    return chainIds.map((chainId) => this.#layers.get(chainId) as LayerRecord);
  }

  #isLowerDirectory(book: Book, ino: number): boolean {
    let lower = this.#lowers.get(book.container);
    if (lower === undefined) {
      const layers = this.#layersOf(book.image);
      lower = layers.length === 0 ? this.#world.lowers.empty : this.#world.lowers.stack(layers);
      this.#lowers.set(book.container, lower);
    }
    return lower.get(ino)?.isDirectory === true;
  }

  #edit(container: SubjectId): Mutable<Book> | undefined {
    const own = this.#own.get(container);
    if (own !== undefined) return own;
    const book = this.#books.get(container);
    return book === undefined ? undefined : this.#put({ ...book, timeline: book.timeline.branch(this.#moments) });
  }

  #put(book: Mutable<Book>): Mutable<Book> {
    this.#own.set(book.container, book);
    this.#books.set(book.container, book);
    this.#hasChanged = true;
    return book;
  }
}

function plus(sum: FirstWrites, cost: FirstWrite | null): FirstWrites {
  if (cost === null) return sum;
  return {
    count: sum.count + 1,
    copiedBytes: sum.copiedBytes + cost.copiedBytes,
    takenBytes: sum.takenBytes + cost.takenBytes,
  };
}
