/** Merkle roots that are computed, not remembered. */

import type { ChunkReader } from '../events/chunk-store.ts';
import type { SubjectId } from '../events/event.ts';
import { merkleRoot } from '../projections/tree/merkle.ts';
import { Tree } from '../projections/tree/tree.ts';
import { Owner, Trie } from '../projections/tree/trie.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { World } from '../projections/world.ts';

/**
 * A tree's Merkle root from its nodes as they are now.
 *
 * A tree keeps the digest of every part until that part is edited, so its own root would not show a node that was changed
 * behind its back, such as one shared with a snapshot. Here every node goes into a table of its own first.
 */
export function computeRoot(tree: Tree, chunks: Pick<ChunkReader, 'digest'>): string {
  const inodes = new Trie<Inode>();
  const owner = new Owner();
  tree.inodes.forEach((inode, ino) => inodes.set(ino, inode, owner));
  return merkleRoot(new Tree(inodes, tree.nextIno), chunks);
}

/** The computed root of every container's and volume's tree. */
export function computeRoots(world: World, chunks: Pick<ChunkReader, 'digest'>): Map<SubjectId, string> {
  const roots = new Map<SubjectId, string>();
  for (const { subject, tree } of world.overlays()) roots.set(subject, computeRoot(tree, chunks));
  return roots;
}
