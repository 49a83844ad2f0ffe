/**
 * What events make of one node, without the tree around it: how a past moment answers about the nodes that are asked for.
 *
 * The fold itself is used, on a tree that holds the node and stand-ins for whatever else the event names. An event
 * changes each node by that node's own state, with two exceptions, which the caller answers: whether an entry was a
 * directory (for the count of subdirectories), and what a copy-up under a new number was copied from.
 *
 * Of a directory most events change an entry and the times. These are not folded one by one: the last time counts, and the
 * entries wait until somebody asks for one.
 */

import type { FileEvent, Ino } from '../events/event.ts';
import { isDirectoryMode, S_IFDIR, S_IFREG } from '../events/mode.ts';
import { applyFileEvent } from './tree/fold.ts';
import { Inode } from './tree/inode.ts';
import { NameMap } from './tree/name-map.ts';
import { type NameChanges, patchNames } from './tree/patched-names.ts';
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

/** What happened to a node in a part of the log. */
export interface NodeRange extends NameChanges {
  readonly isEmpty: boolean;
  /** Entries of the directory came, changed or went. */
  readonly hasEntries: boolean;
  /** The events that are about the node itself, in order. */
  events(): Iterable<{ readonly seq: number; readonly event: FileEvent }>;
  /** The directory's times after the last entry that changed them behind event `after` and before `end`; null: none did. */
  lastTime(after: number, end: number): bigint | null;
}

/**
 * The node after all that happened to it; undefined: it is gone, or not there yet.
 *
 * @param before - Not changed. Answered again where nothing happened.
 */
export function evolveNode(
  ino: Ino,
  before: Inode | undefined,
  range: NodeRange,
  neighbours: Neighbours,
): Inode | undefined {
  if (range.isEmpty) return before;
  const node = new EvolvingNode(ino, before, neighbours);
  let last = -1;
  for (const { seq, event } of range.events()) {
    node.modified(range.lastTime(last, seq));
    node.apply(event, seq);
    last = seq;
  }
  node.modified(range.lastTime(last, Infinity));
  const after = node.value;
  if (after === undefined || after.dir === null) return after;
  const entries = before?.dir?.entries ?? new NameMap();
  after.dir.entries = range.hasEntries ? patchNames(entries, range) : entries.share();
  return after;
}

/** A node that goes through events; of a directory all but the entries. */
class EvolvingNode {
  readonly #ino: Ino;
  readonly #tree = new FewNodes();
  readonly #neighbours: Neighbours;

  /** @param before - Not changed. */
  constructor(ino: Ino, before: Inode | undefined, neighbours: Neighbours) {
    this.#ino = ino;
    this.#neighbours = neighbours;
    if (before === undefined) return;
    const { owner } = this.#tree;
    const start = before.dir === null ? before : before.copy(owner);
    if (start.dir !== null) {
      start.dir = start.dir.own(owner);
      start.dir.entries = new NameMap();
    }
    this.#tree.insert(ino, start);
  }

  get value(): Inode | undefined {
    return this.#tree.get(this.#ino);
  }

  /** Entries of the directory came or went; null: none that changed its times. */
  modified(timeNs: bigint | null): void {
    if (timeNs === null) return;
    const inode = this.#tree.edit(this.#ino);
    inode.mtimeNs = timeNs;
    inode.ctimeNs = timeNs;
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

/** The nodes of a few events. A trie of them would have a node for each step down to their numbers. */
class FewNodes extends Tree {
  readonly #nodes = new Map<Ino, Inode>();

  constructor() {
    super(NO_NODES, 1);
  }

  override get(ino: Ino): Inode | undefined {
    return this.#nodes.get(ino);
  }

  override at(ino: Ino): Inode {
    return this.#nodes.get(ino) ?? super.at(ino);
  }

  override edit(ino: Ino): Inode {
    const inode = this.at(ino);
    if (inode.owner === this.owner) return inode;
    const copy = inode.copy(this.owner);
    this.#nodes.set(ino, copy);
    return copy;
  }

  override insert(ino: Ino, inode: Inode): void {
    this.#nodes.set(ino, inode);
  }

  override remove(ino: Ino): void {
    this.#nodes.delete(ino);
  }

  override lookup(directory: Ino, name: string): Ino {
    return this.#nodes.get(directory)?.dir?.entries.get(name) ?? 0;
  }
}

const NO_NODES = new Trie<Inode>();
const nobody = new Owner();

function blank(mode: number): Inode {
  const inode = new Inode(nobody, isDirectoryMode(mode) ? S_IFDIR : S_IFREG, 0, 0, 0n);
  inode.parent = 1;
  return inode;
}
