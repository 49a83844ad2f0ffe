/** What one history costs under each storage driver: the books at a moment, added up. */

import type { SubjectId } from '../../events/event.ts';
import type { Past, World } from '../world.ts';
import type { Book, FirstWrites, StorageBooks } from './storage-books.ts';
import type {
  CreationCost,
  DriverRules,
  DriverValues,
  LimitRule,
  Reached,
  ReadCost,
  Space,
  StorageDriver,
} from './storage-driver.ts';
import { LazyTotals } from './lazy-totals.ts';
import { mergedTotals } from './tree-totals.ts';

export interface ContainerBill extends Space {
  readonly container: SubjectId;
  readonly name: string;
  /** What making it cost; of a fork, what the driver copied for it. */
  readonly creation: CreationCost;
  readonly firstWrites: FirstWrites;
  /** Space of removed files that only the container's removal gives back; part of `dataBytes`. */
  readonly retainedBytes: number;
  /** What its removal would free: all of it but what forks hold, too. */
  readonly freedBytes: number;
}

export interface ImageBill extends Space {
  /** `sha256:…` of its config. */
  readonly image: string;
}

export interface ReachedLimit {
  readonly limit: string;
  readonly source: string;
  readonly reached: number;
  readonly isHit: boolean;
}

export interface DriverBill {
  readonly driver: string;
  readonly title: string;
  readonly evidence: StorageDriver['evidence'];
  readonly parameters: DriverValues;
  readonly defaults: DriverValues;
  /** All layers of images, each once. */
  readonly layers: Space;
  /** Each image with all of its layers; layers that several have are counted in each. */
  readonly images: readonly ImageBill[];
  readonly containers: readonly ContainerBill[];
  /** Layers and containers; what forks share counts once. */
  readonly total: Space;
  /** Of all containers, removed ones too. */
  readonly firstWrites: FirstWrites;
  /** Of the container with the most layers. */
  readonly read: ReadCost;
  readonly limits: readonly ReachedLimit[];
  /** How each figure comes about. */
  readonly rules: DriverRules;
}

/**
 * The bills of all drivers of the books.
 *
 * @param world - The moment of the books.
 * @param past - Looks up what a fork started from.
 */
export function driverBills(books: StorageBooks, world: World, past: Past): DriverBill[] {
  const live = [...world.registry.containers.keys()].map((subject) => new LiveContainer(books, world, past, subject));
  return books.drivers.map((_, driver) => billOf(books, world, live, driver));
}

function billOf(books: StorageBooks, world: World, live: readonly LiveContainer[], driver: number): DriverBill {
  const { driver: definition, values } = books.drivers[driver];
  const layers = layersSpace(books, world, driver);
  const shares = sharesOf(live, driver);
  const containers = live.map((container) => container.bill(driver, shares));
  const own = containers.reduce((sum, each) => plusSpace(sum, each), NO_SPACE);
  const doubled = [...shares.values()].reduce((sum, { bytes, holders }) => sum + bytes * (holders - 1), 0);
  const deepest = Math.max(0, ...live.map(({ reached }) => reached.layers));
  return {
    driver: definition.name,
    title: definition.title,
    evidence: definition.evidence,
    parameters: values,
    defaults: Object.fromEntries(definition.parameters.map(({ name, defaultValue }) => [name, defaultValue])),
    layers,
    images: imageBills(books, world, driver),
    containers,
    total: {
      dataBytes: layers.dataBytes + own.dataBytes - doubled,
      metadataBytes: layers.metadataBytes + own.metadataBytes,
    },
    firstWrites: [...books.books.values()].reduce((sum, book) => plusWrites(sum, book.firstWrites[driver]), NO_WRITES),
    read: books.models[driver].read(deepest),
    limits: definition.limits.map((rule) => reachedLimit(rule, books, live, values)),
    rules: definition.rules,
  };
}

/** A container that is there, with what all drivers ask about it. */
class LiveContainer {
  readonly book: Book;
  readonly totals: LazyTotals;
  readonly reached: Reached;
  readonly #creationOf: (driver: number) => CreationCost;

  constructor(books: StorageBooks, world: World, past: Past, subject: SubjectId) {
    const overlay = world.overlay(subject);
    const book = books.books.get(subject);
    if (overlay === undefined || book === undefined) throw new Error(`storage books: there is no container ${subject}`);
    const record = world.registry.containers.get(subject);
    const layers = record?.image == null ? [] : world.layersOf(record.image);
    const totals = new LazyTotals(overlay.tree);
    this.book = book;
    this.totals = totals;
    const { lowerDirectoryRenames, brokenLinks } = book;
    this.reached = {
      layers: layers.length,
      lowerDirectoryRenames,
      brokenLinks,
      get mergedBytes() {
        return totals.merged.blockBytes + totals.merged.directoryBytes;
      },
    };
    const stack = books.stacks.of(layers, world.lowers);
    const fork = record?.forkedFrom ?? null;
    this.#creationOf = (driver) => {
      const source = fork === null ? undefined : past.worldAt(fork.at).overlay(fork.container);
      const copied = source === undefined ? null : book.timeline.trees[driver].forkCost(new LazyTotals(source.tree));
      const made = books.models[driver].newContainer(stack?.[driver] ?? null, mergedOf(overlay.lower ?? overlay.tree));
      if (copied === null) return made;
      return { copiedBytes: copied.copiedBytes, dataBytes: copied.takenBytes, metadataBytes: made.metadataBytes };
    };
  }

  bill(driver: number, shares: Shares): ContainerBill {
    const tree = this.book.timeline.trees[driver];
    const space = tree.space(this.totals);
    let held = 0;
    if (shares.size > 0) {
      tree.parts(
        (key, bytes) => {
          if ((shares.get(`${this.book.origin}/${key}`)?.holders ?? 1) > 1) held += bytes;
        },
        (ino) => this.totals.has(ino),
      );
    }
    return {
      container: this.book.container,
      name: this.book.name,
      creation: this.#creationOf(driver),
      firstWrites: this.book.firstWrites[driver],
      ...space,
      retainedBytes: tree.retainedBytes(),
      freedBytes: space.dataBytes + space.metadataBytes - held,
    };
  }
}

/** Totals of merged lowers, which never change. */
const mergedOfLower = new WeakMap<object, ReturnType<typeof mergedTotals>>();

function mergedOf(tree: Parameters<typeof mergedTotals>[0]): ReturnType<typeof mergedTotals> {
  let totals = mergedOfLower.get(tree);
  if (totals === undefined) mergedOfLower.set(tree, (totals = mergedTotals(tree)));
  return totals;
}

/** Parts that forks may share, by origin and key. */
type Shares = ReadonlyMap<string, { readonly bytes: number; readonly holders: number }>;

function sharesOf(live: readonly LiveContainer[], driver: number): Shares {
  const families = new Map<SubjectId, LiveContainer[]>();
  for (const container of live) {
    const family = families.get(container.book.origin) ?? [];
    family.push(container);
    families.set(container.book.origin, family);
  }
  const shares = new Map<string, { bytes: number; holders: number }>();
  for (const [origin, family] of families) {
    if (family.length < 2) continue;
    for (const { book, totals } of family) {
      const add = (key: string, bytes: number): void => {
        const share = shares.get(`${origin}/${key}`);
        if (share === undefined) shares.set(`${origin}/${key}`, { bytes, holders: 1 });
        else share.holders++;
      };
      book.timeline.trees[driver].parts(add, (ino) => totals.has(ino));
    }
  }
  return shares;
}

/** Layers that an image refers to, each once. */
function layersSpace(books: StorageBooks, world: World, driver: number): Space {
  const spaces = new Map<string, Space>();
  for (const { image } of world.registry.images.values()) {
    for (const [chainId, space] of storedLayers(books, world, image, driver)) spaces.set(chainId, space);
  }
  return [...spaces.values()].reduce(plusSpace, NO_SPACE);
}

function imageBills(books: StorageBooks, world: World, driver: number): ImageBill[] {
  return [...world.registry.images.keys()].map((image) => {
    const layers = storedLayers(books, world, image, driver);
    return { image, ...layers.reduce((sum, [, space]) => plusSpace(sum, space), NO_SPACE) };
  });
}

/** An image's layers by chainID, lowest first. */
function storedLayers(books: StorageBooks, world: World, image: string, driver: number): [string, Space][] {
  const layers = world.layersOf(image);
  return layers.map(({ chainId }, index) => {
    const stored = books.stacks.of(layers.slice(0, index + 1), world.lowers)?.[driver];
    return [chainId, stored?.ownSpace ?? NO_SPACE];
  });
}

function reachedLimit(
  rule: LimitRule,
  books: StorageBooks,
  live: readonly LiveContainer[],
  values: DriverValues,
): ReachedLimit {
  const all = live.map(({ reached }) => rule.check(reached, values));
  const removed = [...books.books.values()].filter((book) => !live.some((each) => each.book === book));
  for (const { image, lowerDirectoryRenames, brokenLinks } of removed) {
    const layers = image === null ? 0 : (books.images.get(image)?.length ?? 0);
    all.push(rule.check({ layers, lowerDirectoryRenames, brokenLinks, mergedBytes: 0 }, values));
  }
  return {
    limit: rule.limit,
    source: rule.source,
    reached: all.reduce((most, { reached }) => Math.max(most, reached), 0),
    isHit: all.some(({ isHit }) => isHit),
  };
}

const NO_SPACE: Space = { dataBytes: 0, metadataBytes: 0 };
const NO_WRITES: FirstWrites = { count: 0, copiedBytes: 0, takenBytes: 0 };

const plusSpace = (a: Space, b: Space): Space => ({
  dataBytes: a.dataBytes + b.dataBytes,
  metadataBytes: a.metadataBytes + b.metadataBytes,
});

const plusWrites = (a: FirstWrites, b: FirstWrites): FirstWrites => ({
  count: a.count + b.count,
  copiedBytes: a.copiedBytes + b.copiedBytes,
  takenBytes: a.takenBytes + b.takenBytes,
});
