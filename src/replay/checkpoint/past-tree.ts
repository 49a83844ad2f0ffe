/**
 * A tree at a past moment: an earlier one, in which each node that was touched since is what its transactions made of it,
 * when somebody asks for it.
 *
 * Who asks for a node by its number is answered from a table of those that were asked for; the table of inodes as a whole
 * is there for whoever goes through all of it. Both give the same objects.
 */

import type { Ino } from '../../events/event.ts';
import { S_IFREG } from '../../events/mode.ts';
import { evolveNode, type Neighbours, type NodeRange } from '../../projections/evolve-node.ts';
import type { TreeCounters } from '../../projections/stored/stored-tree.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { type Patch, patchTrie } from '../../projections/tree/patched-trie.ts';
import { Tree } from '../../projections/tree/tree.ts';
import type { Touches } from './touches.ts';

type PatchTouches = Pick<Touches, 'lastKey' | 'mayTouch'> & {
  of(ino: Ino, after: number, end: number): NodeRange | null;
};

/**
 * @param base - Not to be changed any more.
 * @param origin - What happened up to this event is in the base.
 * @returns Not to be changed; a snapshot of it may be.
 */
export function pastTree(base: Tree, touches: PatchTouches, origin: number, counters: TreeCounters): Tree {
  return Object.assign(new PastTree(base, new TreePatch(base, touches, origin), counters.nextIno), counters);
}

class PastTree extends Tree {
  readonly #patch: TreePatch;

  constructor(base: Tree, patch: TreePatch, nextIno: Ino) {
    super(patchTrie<Inode>(base.inodes, patch), nextIno);
    this.#patch = patch;
  }

  override get(ino: Ino): Inode | undefined {
    return this.#patch.get(ino);
  }

  override at(ino: Ino): Inode {
    return this.#patch.get(ino) ?? super.at(ino);
  }

  override lookup(directory: Ino, name: string): Ino {
    return this.#patch.get(directory)?.dir?.entries.get(name) ?? 0;
  }
}

/** The nodes of a tree that were touched since its base. */
class TreePatch implements Patch<Inode>, Neighbours {
  readonly #base: Tree;
  readonly #touches: PatchTouches;
  readonly #origin: number;
  /** Nodes that were asked for; null: there is none. */
  readonly #known = new Map<Ino, Inode | null>();

  constructor(base: Tree, touches: PatchTouches, origin: number) {
    this.#base = base;
    this.#touches = touches;
    this.#origin = origin;
  }

  get(ino: Ino): Inode | undefined {
    const known = this.#known.get(ino);
    return known === undefined ? this.resolve(ino, this.#base.get(ino)) : (known ?? undefined);
  }

  get lastKey(): number {
    return this.#touches.lastKey;
  }

  touches(first: Ino, end: Ino): boolean {
    return this.#touches.mayTouch(first, end);
  }

  resolve(ino: Ino, before: Inode | undefined): Inode | undefined {
    const known = this.#known.get(ino);
    if (known !== undefined) return known ?? undefined;
    const inode = this.#evolve(ino, before, Infinity);
    this.#known.set(ino, inode ?? null);
    return inode;
  }

  modeOf(ino: Ino): number {
    const known = this.#base.get(ino);
    if (known !== undefined) return known.mode;
    for (const { event } of this.#touches.of(ino, this.#origin, Infinity)?.events() ?? []) {
      if (event.type === 'NodeCreated' && event.ino === ino) return event.mode;
    }
    return S_IFREG;
  }

  lower(ino: Ino, seq: number): Inode {
    const inode = this.#evolve(ino, this.#base.get(ino), seq);
    if (inode === undefined) throw new Error(`past tree: there is no node ${ino} to copy up`);
    return inode;
  }

  #evolve(ino: Ino, before: Inode | undefined, end: number): Inode | undefined {
    const range = this.#touches.of(ino, this.#origin, end);
    return range === null ? before : evolveNode(ino, before, range, this);
  }
}
