/**
 * A tree while a long log is folded in and nobody looks at what is in between.
 *
 * Nodes stand in a list by their numbers, and go into the trie once, at the end. Names of nodes that the log makes are not
 * kept in their directories meanwhile: a node with one name knows it, so the directories are told at the end, of the nodes
 * that are left. Only what has several names, or comes from below, has its entries kept as they change.
 */

import type { Ino } from '../../events/event.ts';
import type { Directory, Inode } from './inode.ts';
import { Tree } from './tree.ts';
import { Owner } from './trie.ts';

export class BulkTree extends Tree {
  /** Nodes from this number on are made by the log. */
  readonly #first: Ino;
  /** Those, in the order of their numbers; null: gone. */
  readonly #made: (Inode | null)[] = [];
  /** Nodes of before that were changed; null: gone. A made one is here if its number left a gap. */
  readonly #others = new Map<Ino, Inode | null>();
  /** Made nodes that have had several names: their entries are kept. */
  readonly #linked = new Set<Ino>();
  /** The highest number that a node has had, gone or not: the trie is as deep as that one makes it. */
  #highest: Ino = 0;

  /** @param base - Not to be used any more. */
  constructor(base: Tree) {
    super(base.inodes, base.nextIno);
    this.#first = base.nextIno;
    copyCounters(base, this);
    this.owner = new Owner(true);
  }

  /** The tree that it has become. This one is not to be used any more. */
  end(): Tree {
    this.inodes.deepen(this.#highest, this.owner);
    this.#made.forEach((inode, index) => {
      if (inode !== null) this.#store(this.#first + index, inode);
    });
    this.#others.forEach((inode, ino) => {
      if (inode === null) this.inodes.delete(ino, this.owner);
      else this.#store(ino, inode);
    });
    const tree = new Tree(this.inodes, this.nextIno);
    copyCounters(this, tree);
    return tree;
  }

  override get(ino: Ino): Inode | undefined {
    const index = ino - this.#first;
    if (index >= 0 && index < this.#made.length) return this.#made[index] ?? undefined;
    const other = this.#others.get(ino);
    return other === undefined ? super.get(ino) : (other ?? undefined);
  }

  override at(ino: Ino): Inode {
    return this.get(ino) ?? super.at(ino);
  }

  override edit(ino: Ino): Inode {
    const inode = this.at(ino);
    if (inode.owner === this.owner) return inode;
    const copy = inode.copy(this.owner);
    this.#put(ino, copy);
    return copy;
  }

  override insert(ino: Ino, inode: Inode): void {
    this.#put(ino, inode);
    if (ino > this.#highest) this.#highest = ino;
    if (ino >= this.nextIno) this.nextIno = ino + 1;
  }

  override remove(ino: Ino): void {
    this.#put(ino, null);
  }

  override lookup(directory: Ino, name: string): Ino {
    throw new Error(`bulk tree: nobody looks up ${name} in ${directory} meanwhile`);
  }

  override setEntry(directory: Directory, name: string, ino: Ino): void {
    if (!this.#waits(ino)) super.setEntry(directory, name, ino);
    else if (directory.entries.has(name)) directory.entries.delete(name, this.owner);
  }

  override deleteEntry(directory: Directory, name: string, ino: Ino): void {
    if (!this.#waits(ino)) super.deleteEntry(directory, name, ino);
  }

  override linkEntry(directory: Directory, name: string, ino: Ino): void {
    if (this.#waits(ino)) {
      this.#linked.add(ino);
      const { parent, name: first } = this.at(ino);
      if (parent !== 0) super.setEntry(this.editDirectory(parent), first, ino);
    }
    super.linkEntry(directory, name, ino);
  }

  /** Whether the node's directory is told of its name at the end only. */
  #waits(ino: Ino): boolean {
    return ino >= this.#first && !this.#linked.has(ino);
  }

  #put(ino: Ino, inode: Inode | null): void {
    const made = this.#made;
    const index = ino - this.#first;
    if (index === made.length) {
      made.push(inode);
      this.#others.delete(ino); // it may have come before its turn
    } else if (index >= 0 && index < made.length) made[index] = inode;
    else this.#others.set(ino, inode);
  }

  #store(ino: Ino, inode: Inode): void {
    this.inodes.set(ino, inode, this.owner);
    if (inode.parent === 0 || !this.#waits(ino)) return;
    super.setEntry(this.editDirectory(inode.parent), inode.name, ino);
  }
}

function copyCounters(from: Tree, to: Tree): void {
  to.upperBytes = from.upperBytes;
  to.upperAllocatedBytes = from.upperAllocatedBytes;
  to.upperNodes = from.upperNodes;
  to.whiteouts = from.whiteouts;
  to.orphans = from.orphans;
  to.directoryMoves = from.directoryMoves;
}
