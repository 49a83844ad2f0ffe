/** The counters of an upper: what they count, and how a node goes in and out. */

import type { Inode } from './inode.ts';
import type { Tree } from './tree.ts';

/** Whether the upperdir has a name of the node. */
export function isCounted(inode: Inode): boolean {
  return inode.isUpper && (inode.isIndexed ? inode.upperLinks > 0 : inode.nlink > 0);
}

/** Adds a node that has a name in the upper to the counters, or takes it out. */
export function count(tree: Tree, inode: Inode, sign: 1 | -1): void {
  tree.upperNodes += sign;
  if (inode.dir !== null) return;
  tree.upperBytes += sign * inode.size;
  tree.upperAllocatedBytes += sign * allocatedInUpper(inode);
}

/** Bytes of a file's blocks in the upper; data that stayed below takes none there. */
export function allocatedInUpper(inode: Inode): number {
  return inode.content === null || inode.isMetacopy ? 0 : inode.content.allocatedBytes;
}
