/** Trees in a store of nodes: the table of inodes as a stored trie, and the counters beside it. */

import type { Ino } from '../../events/event.ts';
import type { NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import type { Inode } from '../tree/inode.ts';
import { Tree } from '../tree/tree.ts';
import { Trie } from '../tree/trie.ts';
import { decodeInode, InodeStoring } from './stored-inode.ts';
import { loadNode, TrieStoring, type ValueCodec } from './stored-trie.ts';

/** What a tree has beside its nodes. */
export interface TreeCounters {
  readonly nextIno: Ino;
  readonly upperBytes: number;
  readonly upperAllocatedBytes: number;
  readonly upperNodes: number;
  readonly whiteouts: number;
  readonly orphans: number;
  readonly directoryMoves: number;
}

export interface StoredTree {
  readonly root: NodeRef;
  /** Bits below the root node's own. */
  readonly shift: number;
  readonly counters: TreeCounters;
}

export function countersOf(tree: Tree): TreeCounters {
  const { nextIno, upperBytes, upperAllocatedBytes, upperNodes, whiteouts, orphans, directoryMoves } = tree;
  return { nextIno, upperBytes, upperAllocatedBytes, upperNodes, whiteouts, orphans, directoryMoves };
}

/** A tree on a table that is there. */
export function treeOf(inodes: Trie<Inode>, counters: TreeCounters): Tree {
  return Object.assign(new Tree(inodes, counters.nextIno), counters);
}

/** Stores trees that nobody changes any more; it yields after each node. */
export class TreeStoring {
  readonly #inodes: TrieStoring<Inode>;

  constructor(nodes: NodeWriter) {
    const storing = new InodeStoring(nodes);
    const codec: ValueCodec<Inode> = {
      prepare: (inode) => storing.prepare(inode),
      encode: (writer, inode) => storing.encode(writer, inode),
      decode: () => {
        throw new Error('stored tree: this codec writes');
      },
    };
    this.#inodes = new TrieStoring(nodes, codec);
  }

  *store(tree: Tree): Generator<void, StoredTree> {
    const { root, shift } = tree.inodes;
    const ref = root === null ? null : yield* this.#inodes.store(root, shift);
    if (ref === null) throw new Error('stored tree: there is no root directory');
    return { root: { position: ref.position, digest: ref.digest }, shift, counters: countersOf(tree) };
  }
}

/**
 * A stored tree, of which only the root node is read.
 *
 * @param rescue - The same tree, made without the store: where a node can't be read.
 * @throws `ERR_CHECKPOINT_DAMAGED`.
 */
export function loadTree(stored: StoredTree, nodes: NodeReader, rescue: () => Tree): Tree {
  const loading = {
    nodes,
    codec: {
      decode: (reader: Parameters<typeof decodeInode>[0], ino: Ino) =>
        decodeInode(reader, nodes, () => rescue().at(ino)),
    },
    rescue: () => rescue().inodes,
  };
  return treeOf(Trie.of<Inode>(loadNode(loading, stored.root, stored.shift, 0), stored.shift), stored.counters);
}
