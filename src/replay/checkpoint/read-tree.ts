/**
 * The tree behind a few transactions that were read from the log: an earlier one, with what they did to it folded in.
 *
 * The fold itself runs, once over all of them, on nodes that are copied as they are touched. Only the entries of directories
 * wait: the earlier tree may have them in a checkpoint still, so what came and went is kept beside them until somebody asks.
 */

import type { FileEvent, Ino, Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { forEachEntry } from '../../projections/node-effects.ts';
import type { TreeCounters } from '../../projections/stored/stored-tree.ts';
import { applyFileEvent } from '../../projections/tree/fold.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { NameMap } from '../../projections/tree/name-map.ts';
import { patchNames, type NameChanges } from '../../projections/tree/patched-names.ts';
import { type Patch, patchTrie } from '../../projections/tree/patched-trie.ts';
import { Tree } from '../../projections/tree/tree.ts';
import { lowerBound } from './sorted.ts';

/** What became of a container's or volume's tree. */
export interface ReadTree {
  /** Not to be changed; a snapshot of it may be. */
  readonly tree: Tree;
  /** The nodes that were touched, ascending. */
  readonly touched: readonly Ino[];
}

/**
 * @param base - The tree before. Not to be changed any more.
 * @param transactions - Those of the container or volume. None exchanges the tree, or parts of it.
 * @param counters - Of the tree behind them.
 */
export function readTree(base: Tree, transactions: Iterable<Transaction>, counters: TreeCounters): ReadTree {
  const nodes = new Map<Ino, Inode | null>();
  const fold = new FoldedNodes(base, nodes);
  for (const { seq, events } of transactions) {
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (isFileEvent(event)) fold.apply(event, seq + index);
    }
  }
  fold.end();
  const touched = [...nodes.keys()].sort((a, b) => a - b);
  return { tree: Object.assign(new TouchedTree(base, nodes, touched), counters), touched };
}

/** Nodes as they are touched, those of the base otherwise. Entries of its directories are what came and went only. */
class FoldedNodes extends Tree {
  readonly #base: Tree;
  readonly #nodes: Map<Ino, Inode | null>;
  readonly #entries = new Map<Ino, EntryChanges>();

  constructor(base: Tree, nodes: Map<Ino, Inode | null>) {
    super(base.inodes.share(), base.nextIno);
    this.#base = base;
    this.#nodes = nodes;
  }

  apply(event: FileEvent, seq: number): void {
    forEachEntry(event, this.#noteEntry);
    applyFileEvent(this, event, seq);
  }

  /** Gives the directories their entries. */
  end(): void {
    for (const [ino, inode] of this.#nodes) {
      if (inode === null || inode.dir === null) continue;
      const before = this.#base.get(ino)?.dir?.entries ?? new NameMap();
      const changes = this.#entries.get(ino);
      inode.dir.entries = changes === undefined ? before.share() : patchNames(before, changes);
    }
  }

  override get(ino: Ino): Inode | undefined {
    const known = this.#nodes.get(ino);
    return known === undefined ? this.#base.get(ino) : (known ?? undefined);
  }

  override at(ino: Ino): Inode {
    return this.get(ino) ?? super.at(ino);
  }

  override edit(ino: Ino): Inode {
    const known = this.#nodes.get(ino);
    if (known != null) return known;
    const inode = this.at(ino).copy(this.owner);
    if (inode.dir !== null) {
      inode.dir = inode.dir.own(this.owner);
      inode.dir.entries = new NameMap();
    }
    this.#nodes.set(ino, inode);
    return inode;
  }

  override insert(ino: Ino, inode: Inode): void {
    this.#nodes.set(ino, inode);
  }

  override remove(ino: Ino): void {
    this.#nodes.set(ino, null);
  }

  readonly #noteEntry = (directory: Ino, name: string, before: Ino, after: Ino): void => {
    let changes = this.#entries.get(directory);
    if (changes === undefined) this.#entries.set(directory, (changes = new EntryChanges()));
    changes.add(name, before, after);
  };
}

class EntryChanges implements NameChanges {
  readonly #before = new Map<string, Ino>();
  readonly #after = new Map<string, Ino>();

  add(name: string, before: Ino, after: Ino): void {
    if (!this.#before.has(name)) this.#before.set(name, before);
    this.#after.set(name, after);
  }

  valueOf(name: string): Ino | undefined {
    return this.#after.get(name);
  }

  valueBefore(name: string): Ino | undefined {
    return this.#before.get(name);
  }

  changes(): ReadonlyMap<string, Ino> {
    return this.#after;
  }

  changedBetween(): null {
    return null;
  }
}

/** The earlier tree, with the nodes that were touched. Its table of inodes is there for whoever goes through all of it. */
class TouchedTree extends Tree {
  readonly #base: Tree;
  readonly #nodes: ReadonlyMap<Ino, Inode | null>;

  constructor(base: Tree, nodes: ReadonlyMap<Ino, Inode | null>, touched: readonly Ino[]) {
    const patch: Patch<Inode> = {
      lastKey: touched.at(-1) ?? -1,
      touches: (first, end) => (touched[lowerBound(touched, first)] ?? Infinity) < end,
      resolve: (ino, before) => {
        const known = nodes.get(ino);
        return known === undefined ? before : (known ?? undefined);
      },
    };
    super(patchTrie(base.inodes, patch), base.nextIno);
    this.#base = base;
    this.#nodes = nodes;
  }

  override get(ino: Ino): Inode | undefined {
    const known = this.#nodes.get(ino);
    return known === undefined ? this.#base.get(ino) : (known ?? undefined);
  }

  override at(ino: Ino): Inode {
    return this.get(ino) ?? super.at(ino);
  }

  override lookup(directory: Ino, name: string): Ino {
    return this.get(directory)?.dir?.entries.get(name) ?? 0;
  }
}
