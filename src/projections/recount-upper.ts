/** Counts an upper by walking it: what a tree's own counters, kept event by event, have to equal. */

import { type Ino, ROOT_INO } from '../events/event.ts';
import type { Tree } from './tree/tree.ts';
import { allocatedInUpper, isCounted } from './tree/upper-count.ts';

export interface UpperCount {
  /** st_size over upper non-directories with a name, hard links once: Docker's SizeRw. */
  readonly bytes: number;
  /** Allocated blocks of the same nodes. */
  readonly allocatedBytes: number;
  /** Upper nodes with a name. */
  readonly nodes: number;
  readonly whiteouts: number;
  /** Upper nodes without a name. */
  readonly orphans: number;
}

export function recountUpper(tree: Tree): UpperCount {
  const named = new Set<Ino>();
  let bytes = 0;
  let allocatedBytes = 0;
  let nodes = 0;
  let whiteouts = 0;
  const visit = (ino: Ino): void => {
    if (named.has(ino)) return;
    named.add(ino);
    const inode = tree.at(ino);
    if (isCounted(inode)) {
      nodes++;
      if (inode.dir === null) {
        bytes += inode.size;
        allocatedBytes += allocatedInUpper(inode);
      }
    }
    whiteouts += inode.dir?.whiteouts?.size ?? 0;
    inode.dir?.entries.forEach((_, child) => visit(child));
  };
  visit(ROOT_INO);
  let orphans = 0;
  tree.inodes.forEach((inode, ino) => {
    if (inode.isUpper && inode.nlink === 0 && !named.has(ino)) orphans++;
  });
  return { bytes, allocatedBytes, nodes, whiteouts, orphans };
}

/** What the tree itself has counted. */
export function countedUpper(tree: Tree): UpperCount {
  return {
    bytes: tree.upperBytes,
    allocatedBytes: tree.upperAllocatedBytes,
    nodes: tree.upperNodes,
    whiteouts: tree.whiteouts,
    orphans: tree.orphans,
  };
}
