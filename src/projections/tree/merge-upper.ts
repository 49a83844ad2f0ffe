/**
 * A container's tree from an upper directory that is there already: the upper is laid over the lower view as a layer is, and
 * its nodes become the upper's own, with the marks that they carry.
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import { type Inode, UPPER } from './inode.ts';
import { mergeLayer } from './merge.ts';
import type { Tree } from './tree.ts';
import { count } from './upper-count.ts';

/**
 * Lays an upper over the merged view of the layers below it.
 *
 * @param lower - Left as it is.
 * @param upper - The upper directory's own tree, with whiteouts and marks; left as it is.
 * @param layers - How many layers the lower view has.
 */
export function overLowerWithUpper(lower: Tree, upper: Tree, layers: number): Tree {
  const tree = mergeLayer(lower, upper, layers);
  const base = lower.nextIno - 2;
  tree.upperNodes = 0;
  takeDirectory({ tree, lower, upper, base }, ROOT_INO, ROOT_INO);
  const root = tree.edit(ROOT_INO);
  root.layer = UPPER;
  root.parent = ROOT_INO;
  tree.editDirectory(ROOT_INO).hasLower = true;
  tree.upperNodes++;
  return tree;
}

interface Trees {
  readonly tree: Tree;
  readonly lower: Tree;
  readonly upper: Tree;
  /** Added to a node's number in the upper's own tree, gives its number in the merged one. */
  readonly base: number;
}

function takeDirectory(trees: Trees, from: Ino, into: Ino): void {
  const { tree, upper, base } = trees;
  const source = upper.at(from).dir;
  const target = tree.editDirectory(into);
  if (source === null) return;
  target.whiteouts = source.whiteouts?.share() ?? null;
  tree.whiteouts += source.whiteouts?.size ?? 0;
  target.opaque = source.opaque && from !== ROOT_INO;
  target.hasLower = into !== base + from;
  source.entries.forEach((name, child) => {
    const node = upper.at(child);
    const ino = tree.lookup(into, name);
    const inode = tree.edit(ino);
    const isFirstName = inode.layer !== UPPER;
    inode.layer = UPPER;
    if (node.marks !== null) inode.mark(marksOf(trees, node, target.hasLower ? into : 0, name));
    if (isFirstName) count(tree, inode, 1);
    if (node.dir !== null) takeDirectory(trees, child, ino);
  });
}

/** A file of attributes only says which lower file has its data. */
function marksOf({ lower }: Trees, node: Inode, below: Ino, name: string) {
  const redirect = node.marks?.redirect ?? '';
  if (!node.isMetacopy) return { redirect };
  let dataIno: Ino = redirect.startsWith('/') ? ROOT_INO : below;
  const path = redirect.startsWith('/') ? redirect.split('/').filter((part) => part !== '') : [redirect || name];
  for (const part of path) if (dataIno !== 0) dataIno = lower.lookup(dataIno, part);
  return { redirect, dataIno };
}
