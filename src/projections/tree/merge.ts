/**
 * The merged lower view of an image: one layer's own tree laid over the merged view of the layers below.
 *
 * Built once per stack and shared by every container of it, so that a lookup costs the same for 1 layer and for 100.
 * Rules as the kernel merges lowers: directories of one name merge and show the attributes of the topmost; anything else
 * hides what is below; a whiteout removes a name; an opaque directory cuts what is below it (SEM-L1..L5, L7).
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Inode } from './inode.ts';
import { Directory } from './inode.ts';
import { NameMap } from './name-map.ts';
import { Tree } from './tree.ts';

/**
 * Lays a layer over a merged view.
 *
 * @param below - Merged view of the layers below; left as it is.
 * @param layer - The layer's own tree, with whiteouts and opaque marks; left as it is.
 * @param index - Index of the layer in the stack, lowest 0; every node that comes from it carries it.
 */
export function mergeLayer(below: Tree, layer: Tree, index: number): Tree {
  const merged = below.snapshot();
  mergeAttributes(merged.edit(ROOT_INO), layer.at(ROOT_INO), index);
  mergeDirectory({ merged, layer, index, base: below.nextIno - 2 }, ROOT_INO, ROOT_INO, index > 0);
  merged.upperBytes = 0;
  merged.upperAllocatedBytes = 0;
  merged.upperNodes = 0;
  merged.whiteouts = 0;
  merged.orphans = 0;
  return merged;
}

interface Merge {
  readonly merged: Tree;
  readonly layer: Tree;
  readonly index: number;
  /** Added to a node's number in the layer, gives its number in the merged view. */
  readonly base: number;
}

function mergeDirectory(merge: Merge, into: Ino, from: Ino, hasBelow: boolean): void {
  const { merged, layer } = merge;
  const source = layer.at(from).dir as Directory;
  const target = merged.editDirectory(into);
  if (hasBelow) target.mergedBelow = true;
  source.whiteouts?.forEach((name) => {
    removeEntry(merged, target, name);
  });
  source.entries.forEach((name, ino) => {
    const node = layer.at(ino);
    const existing = target.entries.get(name);
    const isMergeable = existing !== undefined && merged.at(existing).dir !== null;
    if (isMergeable && node.dir !== null && !node.dir.opaque) {
      mergeAttributes(merged.edit(existing), node, merge.index);
      mergeDirectory(merge, existing, ino, true);
      return;
    }
    removeEntry(merged, target, name);
    insertSubtree(merge, into, target, name, ino);
  });
}

function insertSubtree(merge: Merge, parent: Ino, directory: Directory, name: string, from: Ino): void {
  const { merged, layer } = merge;
  const source = layer.at(from);
  const ino = merge.base + from;
  directory.entries.set(name, ino, merged.owner);
  if (merged.get(ino) !== undefined) return; // another name of a hard link
  const node = source.copy(merged.owner);
  node.layer = merge.index;
  node.parent = parent;
  node.name = name;
  merged.insert(ino, node);
  if (source.dir === null) return;
  directory.subdirectories++;
  const own = new Directory(merged.owner, new NameMap());
  node.dir = own;
  source.dir.entries.forEach((child, childIno) => {
    insertSubtree(merge, ino, own, child, childIno);
  });
}

function removeEntry(merged: Tree, directory: Directory, name: string): void {
  const ino = directory.entries.get(name);
  if (ino === undefined) return;
  const node = merged.at(ino);
  directory.entries.delete(name, merged.owner);
  if (node.dir !== null) directory.subdirectories--;
  removeNodes(merged, ino, node);
}

/** Takes hidden nodes out of the table; a node with several names stays, since another of them may be visible. */
function removeNodes(merged: Tree, ino: Ino, node: Inode): void {
  if (node.dir !== null) {
    node.dir.entries.forEach((_, child) => {
      removeNodes(merged, child, merged.at(child));
    });
  } else if (node.nlink > 1) {
    return;
  }
  merged.remove(ino);
}

function mergeAttributes(target: Inode, source: Inode, index: number): void {
  target.mode = source.mode;
  target.uid = source.uid;
  target.gid = source.gid;
  target.atimeNs = source.atimeNs;
  target.mtimeNs = source.mtimeNs;
  target.ctimeNs = source.ctimeNs;
  target.btimeNs = source.btimeNs;
  target.xattrs = source.xattrs;
  target.layer = index;
}

/**
 * A container's first tree: everything is lower but the root directory, which is the new upper's own (SEM-L6: 0755,
 * root, the time of creation).
 */
export function overLower(lower: Tree, timeNs: bigint): Tree {
  const tree = lower.snapshot();
  tree.upperNodes = 1;
  const root = tree.edit(ROOT_INO);
  const fresh = Tree.empty(timeNs).at(ROOT_INO);
  mergeAttributes(root, fresh, fresh.layer);
  tree.editDirectory(ROOT_INO).hasLower = true;
  return tree;
}
