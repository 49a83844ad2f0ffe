/**
 * What events make of one node, without the tree around it: how a past moment answers about the nodes that are asked for.
 *
 * The fold itself is used, on a tree that holds the node and stand-ins for whatever else the event names. An event
 * changes each node by that node's own state, with two exceptions, which the caller answers: whether an entry was a
 * directory (for the count of subdirectories), and what a copy-up under a new number was copied from.
 */

import type { FileEvent, Ino } from '../events/event.ts';
import { isDirectoryMode, S_IFDIR, S_IFREG } from '../events/mode.ts';
import { applyFileEvent } from './tree/fold.ts';
import { Inode } from './tree/inode.ts';
import { Tree } from './tree/tree.ts';
import { Owner, Trie } from './tree/trie.ts';
import { forEachTouched } from './touched-nodes.ts';

/** What a node's events may ask of other nodes. */
export interface Neighbours {
  /** Format and permission bits of a node, at any time: its format never changes. */
  modeOf(ino: Ino): number;
  /** A lower node as it is before the event `seq`. */
  lower(ino: Ino, seq: number): Inode;
}

/** A node that goes through events. */
export class EvolvingNode {
  readonly #ino: Ino;
  readonly #tree = new Tree(new Trie<Inode>(), 1);
  readonly #neighbours: Neighbours;

  /** @param before - Not changed. */
  constructor(ino: Ino, before: Inode | undefined, neighbours: Neighbours) {
    this.#ino = ino;
    this.#neighbours = neighbours;
    if (before !== undefined) this.#tree.insert(ino, before);
  }

  get value(): Inode | undefined {
    return this.#tree.get(this.#ino);
  }

  /** Applies an event that touches the node. */
  apply(event: FileEvent, seq: number): void {
    forEachTouched(event, (ino) => {
      if (ino !== 0 && ino !== this.#ino && this.#tree.get(ino) === undefined) this.#standIn(event, ino);
    });
    if ('upperIno' in event && event.upperIno !== event.ino && this.#tree.get(event.ino) === undefined) {
      const isCopied = event.upperIno === this.#ino;
      this.#tree.insert(event.ino, isCopied ? this.#neighbours.lower(event.ino, seq) : blank(S_IFREG));
    }
    applyFileEvent(this.#tree, event, seq);
  }

  #standIn(event: FileEvent, ino: Ino): void {
    if (event.type === 'NodeCreated' && ino === event.ino) return; // the event makes it
    const isParent =
      ('parent' in event && event.parent === ino) ||
      (event.type === 'Renamed' && (event.fromParent === ino || event.toParent === ino));
    this.#tree.insert(ino, blank(isParent ? S_IFDIR : this.#neighbours.modeOf(ino)));
  }
}

const nobody = new Owner();

function blank(mode: number): Inode {
  const inode = new Inode(nobody, isDirectoryMode(mode) ? S_IFDIR : S_IFREG, 0, 0, 0n);
  inode.parent = 1;
  return inode;
}
