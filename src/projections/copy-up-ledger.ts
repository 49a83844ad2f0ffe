/**
 * The ledger of copy-ups: which operation brought what from a layer into an upper, and how many bytes that took.
 *
 * An entry stays when its container is removed or rewound: the bytes were copied. The event's number finds an entry, and a
 * node of a tree remembers the event that copied it up (also in a fork), so any node leads to its entry.
 */

import { enableMapSet, Immer, isDraft, original } from 'immer';
import {
  type Cause,
  type CopyUpEvent,
  type Ino,
  type OverlayMarkEvent,
  ROOT_INO,
  type StoreEvent,
  type SubjectId,
  type Transaction,
} from '../events/event.ts';
import type { LowerViews } from './lower-views.ts';
import type { Projection } from './projection.ts';
import type { LayerRecord } from './registry.ts';
import type { Tree } from './tree/tree.ts';
import { Owner, Trie } from './tree/trie.ts';
import type { World } from './world.ts';

/** `data`: the data of a file that was copied up without it before (`metacopy`). */
export type CopyUpKind = 'dir' | 'file' | 'symlink' | 'node' | 'data';

type DataCopiedUp = OverlayMarkEvent & { readonly type: 'DataCopiedUp' };

export interface CopyUp {
  /** The event's number. */
  readonly seq: number;
  readonly timeNs: bigint;
  readonly container: SubjectId;
  readonly kind: CopyUpKind;
  /** The node in the upper. */
  readonly ino: Ino;
  /** Where the image has it. */
  readonly path: string;
  /** Index of the layer that it came from, lowest 0. */
  readonly layer: number;
  /** What Docker's size rule charges to the upper for it. */
  readonly bytes: number;
  /** What overlay2 would have copied: 0 for all but files, and for files that were truncated at once. */
  readonly copiedBytes: number;
  readonly cause: Cause;
}

export interface CopyUpTotal {
  readonly count: number;
  readonly bytes: number;
  readonly copiedBytes: number;
}

export interface CopyUpLedger {
  readonly total: CopyUpTotal;
  readonly byContainer: ReadonlyMap<SubjectId, CopyUpTotal>;
  /** By the operation's name. */
  readonly byOperation: ReadonlyMap<string, CopyUpTotal>;
  /** Entries by their place, 0, 1, …: ascending by seq. Use {@link copyUps}. */
  readonly entries: Trie<CopyUp>;
  /** What containers stand on, and the layers of images; the removed ones too: their past can be forked. */
  readonly containers: ReadonlyMap<SubjectId, string | null>;
  readonly images: ReadonlyMap<string, readonly string[]>;
  readonly layers: ReadonlyMap<string, LayerRecord>;
}

enableMapSet();
const immer = new Immer({ autoFreeze: false });

const NOTHING: CopyUpTotal = { count: 0, bytes: 0, copiedBytes: 0 };

export const copyUpLedger: Projection<CopyUpLedger> = {
  name: 'copy-up-ledger',
  version: 1,
  initial: () => ({
    total: NOTHING,
    byContainer: new Map(),
    byOperation: new Map(),
    entries: new Trie<CopyUp>(),
    containers: new Map(),
    images: new Map(),
    layers: new Map(),
  }),
  apply: (state, batch, world) =>
    immer.produce(state, (draft) => {
      const writer = new LedgerWriter(draft as unknown as LedgerDraft, world.lowers);
      for (const transaction of batch) writer.add(transaction);
    }),
};

/** All entries, or those of a container, oldest first. */
export function* copyUps(ledger: CopyUpLedger, container?: SubjectId): Generator<CopyUp, void> {
  for (let place = 0; place < ledger.total.count; place++) {
    const entry = ledger.entries.get(place) as CopyUp;
    if (container === undefined || entry.container === container) yield entry;
  }
}

/**
 * The entries of what stands in a tree, oldest first: also what the source of a fork copied up before, after a rewind what is
 * there again, and nothing that was removed since.
 *
 * @param ledger - To the moment of the tree, or a later one.
 */
export function copyUpsIn(ledger: CopyUpLedger, tree: Tree): CopyUp[] {
  const found = new Map<number, CopyUp>();
  const directories = [tree.at(ROOT_INO)];
  for (let node = directories.pop(); node !== undefined; node = directories.pop()) {
    node.dir?.entries.forEach((_, ino) => {
      const child = tree.at(ino);
      if (!child.isUpper) return; // a directory that lies in a layer has no upper node below
      const entry = copyUpAt(ledger, child.seq);
      if (entry !== undefined) found.set(entry.seq, entry);
      if (child.dir !== null) directories.push(child);
    });
  }
  addData(ledger, found);
  return [...found.values()].toSorted((a, b) => a.seq - b.seq);
}

/** A node remembers its copy-up, not when its data followed. */
function addData(ledger: CopyUpLedger, found: Map<number, CopyUp>): void {
  const files = new Set([...found.values()].map(({ container, ino }) => `${container} ${ino}`));
  for (const entry of copyUps(ledger)) {
    if (entry.kind === 'data' && files.has(`${entry.container} ${entry.ino}`)) found.set(entry.seq, entry);
  }
}

/** The entry of event `seq`, if that was a copy-up. */
export function copyUpAt(ledger: CopyUpLedger, seq: number): CopyUp | undefined {
  let low = 0;
  let high = ledger.total.count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const entry = ledger.entries.get(middle) as CopyUp;
    if (entry.seq === seq) return entry;
    if (entry.seq < seq) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** The entry of a node, if it was copied up and not made in the upper. */
export function copyUpOf(ledger: CopyUpLedger, world: World, container: SubjectId, ino: Ino): CopyUp | undefined {
  const inode = world.overlay(container)?.tree.get(ino);
  return inode === undefined || !inode.isUpper ? undefined : copyUpAt(ledger, inode.seq);
}

interface LedgerDraft {
  total: CopyUpTotal;
  byContainer: Map<SubjectId, CopyUpTotal>;
  byOperation: Map<string, CopyUpTotal>;
  entries: Trie<CopyUp>;
  containers: Map<SubjectId, string | null>;
  images: Map<string, readonly string[]>;
  layers: Map<string, LayerRecord>;
}

class LedgerWriter {
  readonly #draft: LedgerDraft;
  readonly #lowers: LowerViews;
  readonly #lowerOf = new Map<SubjectId, Tree>();
  /** Of the entries that this batch adds. */
  #owner: Owner | null = null;

  constructor(draft: LedgerDraft, lowers: LowerViews) {
    this.#draft = draft;
    this.#lowers = lowers;
  }

  add(transaction: Transaction): void {
    let seq = transaction.seq;
    for (const event of transaction.events) this.#event(transaction, event, seq++);
  }

  #event(transaction: Transaction, event: StoreEvent, seq: number): void {
    switch (event.type) {
      case 'LayerAdded': {
        const { type: _, ...layer } = event;
        this.#draft.layers.set(event.chainId, { ...layer, framing: [], seq });
        return;
      }
      case 'ImageAdded':
        this.#draft.images.set(event.image, event.layers);
        return;
      case 'ContainerCreated':
        this.#draft.containers.set(event.container, event.image);
        return;
      case 'ContainerForked':
        this.#draft.containers.set(event.container, this.#draft.containers.get(event.from) ?? null);
        return;
      case 'DirectoryCopiedUp':
        return this.#enter(transaction, event, seq, { kind: 'dir', ino: event.ino, bytes: 0, copiedBytes: 0 });
      case 'FileCopiedUp': {
        const { upperIno, bytes, copiedBytes } = event;
        return this.#enter(transaction, event, seq, { kind: 'file', ino: upperIno, bytes, copiedBytes });
      }
      case 'SymlinkCopiedUp': {
        const bytes = this.#lower(transaction.subject).get(event.ino)?.size ?? 0;
        return this.#enter(transaction, event, seq, { kind: 'symlink', ino: event.upperIno, bytes, copiedBytes: 0 });
      }
      case 'NodeCopiedUp':
        return this.#enter(transaction, event, seq, { kind: 'node', ino: event.upperIno, bytes: 0, copiedBytes: 0 });
      case 'DataCopiedUp': {
        const { ino, copiedBytes } = event;
        return this.#enter(transaction, event, seq, { kind: 'data', ino, bytes: 0, copiedBytes });
      }
      default:
        return;
    }
  }

  #enter(
    transaction: Transaction,
    event: CopyUpEvent | DataCopiedUp,
    seq: number,
    what: Pick<CopyUp, 'kind' | 'ino' | 'bytes' | 'copiedBytes'>,
  ): void {
    const { timeNs, subject, cause } = transaction;
    const draft = this.#draft;
    if (this.#owner === null) {
      this.#owner = new Owner();
      draft.entries = draft.entries.share();
    }
    const path = pathBelow(this.#lower(subject), event);
    const entry: CopyUp = { seq, timeNs, container: subject, path, layer: event.layer, cause, ...what };
    draft.entries.set(draft.total.count, entry, this.#owner);
    draft.total = plus(draft.total, what);
    draft.byContainer.set(subject, plus(draft.byContainer.get(subject), what));
    draft.byOperation.set(cause[0], plus(draft.byOperation.get(cause[0]), what));
  }

  /** The merged view that a container stands on, also when it and its image are gone by now. */
  #lower(container: SubjectId): Tree {
    let lower = this.#lowerOf.get(container);
    if (lower === undefined) {
      const image = this.#draft.containers.get(container) ?? null;
      const chainIds = image === null ? [] : (this.#draft.images.get(image) ?? []);
      const layers = chainIds.map((chainId) => plain(this.#draft.layers.get(chainId) as LayerRecord));
      lower = layers.length === 0 ? this.#lowers.empty : this.#lowers.stack(layers);
      this.#lowerOf.set(container, lower);
    }
    return lower;
  }
}

/** Where the image has what was copied up. A lower directory has one place there, whatever it was renamed to since. */
function pathBelow(lower: Tree, event: CopyUpEvent | DataCopiedUp): string {
  if (event.type === 'DataCopiedUp') return lower.pathOf(event.dataIno) ?? '';
  const path =
    event.type === 'DirectoryCopiedUp' || lower.get(event.parent) === undefined
      ? lower.pathOf(event.ino)
      : lower.entryPath(event.parent, event.name);
  return path ?? '';
}

function plus(sum: CopyUpTotal = NOTHING, entry: Pick<CopyUp, 'bytes' | 'copiedBytes'>): CopyUpTotal {
  return {
    count: sum.count + 1,
    bytes: sum.bytes + entry.bytes,
    copiedBytes: sum.copiedBytes + entry.copiedBytes,
  };
}

/** The value behind a draft: a layer's record goes to others, who keep parts of it. */
function plain(layer: LayerRecord): LayerRecord {
  const draft: unknown = layer;
  return isDraft(draft) ? (original(draft) as LayerRecord) : layer;
}
