/**
 * The merged lower view of an image: one layer's own tree laid over the merged view of the layers below.
 *
 * Built once per stack and shared by every container of it, so that a lookup costs the same for 1 layer and for 100.
 * Rules as the kernel merges lowers: directories of one name merge and show the attributes of the topmost; anything else
 * hides what is below; a whiteout removes a name; an opaque directory cuts what is below it (SEM-L1..L5, L7); a directory with
 * a redirect merges with what is at that place below, and a file of attributes only reads the data from there (SEM-R13).
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Inode } from './inode.ts';
import { Directory } from './inode.ts';
import { MovedDirectories } from './merge-moved.ts';
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
  const base = below.nextIno - 2;
  const moved = new MovedDirectories(merged, below, layer, base + layer.nextIno);
  const root = { into: ROOT_INO, from: ROOT_INO, below: ROOT_INO, hasBelow: index > 0 };
  // A list, not recursion: a layer may nest directories as deep as a path is long.
  const pending = [root];
  const merge = { merged, layer, index, base, moved, pending };
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) mergeDirectory(merge, next);
  moved.restoreOldPlaces();
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
  readonly moved: MovedDirectories;
  /** Directories whose entries are still to be merged. */
  readonly pending: Directories[];
}

/** A directory in the three trees. */
interface Directories {
  readonly into: Ino;
  /** In the layer. */
  readonly from: Ino;
  /** In the view below: what it merges with; 0: nothing. */
  readonly below: Ino;
  readonly hasBelow: boolean;
}

function mergeDirectory(merge: Merge, directories: Directories): void {
  const { merged, layer } = merge;
  const source = layer.at(directories.from).dir as Directory;
  const target = merged.editDirectory(directories.into);
  if (directories.hasBelow) target.mergedBelow = true;
  source.whiteouts?.forEach((name) => {
    removeEntry(merge, target, name);
  });
  source.entries.forEach((name, ino) => {
    const node = layer.at(ino);
    const counterpart =
      node.dir === null || node.dir.opaque ? 0 : merge.moved.counterpart(node, directories.below, name);
    if (counterpart === 0) {
      removeEntry(merge, target, name);
      insertSubtree(merge, directories, target, name, ino);
      return;
    }
    const existing = merge.moved.claim(counterpart);
    if (target.entries.get(name) !== existing) {
      removeEntry(merge, target, name);
      target.entries.set(name, existing, merged.owner);
      target.subdirectories++;
    }
    const inode = merged.edit(existing);
    inode.parent = directories.into;
    inode.name = name;
    mergeAttributes(inode, node, merge.index);
    merge.pending.push({ into: existing, from: ino, below: counterpart, hasBelow: true });
  });
}

function insertSubtree(merge: Merge, parent: Directories, directory: Directory, name: string, from: Ino): void {
  const { merged, layer } = merge;
  const source = layer.at(from);
  const ino = merge.base + from;
  directory.entries.set(name, ino, merged.owner);
  if (merged.get(ino) !== undefined) return; // another name of a hard link
  const node = source.copy(merged.owner);
  node.layer = merge.index;
  node.parent = parent.into;
  node.name = name;
  node.marks = null;
  if (source.isMetacopy) node.content = merge.moved.dataOf(source, parent.below, name);
  merged.insert(ino, node);
  if (source.dir === null) return;
  directory.subdirectories++;
  node.dir = new Directory(merged.owner, new NameMap());
  // Nothing is below it, but something in it may have moved there from elsewhere.
  merge.pending.push({ into: ino, from, below: 0, hasBelow: false });
}

function removeEntry({ merged, moved }: Merge, directory: Directory, name: string): void {
  const ino = directory.entries.get(name);
  if (ino === undefined) return;
  directory.entries.delete(name, merged.owner);
  const node = merged.get(ino);
  if (node === undefined) return;
  if (node.dir !== null) directory.subdirectories--;
  removeNodes(merged, ino, node, moved);
}

/** Takes hidden nodes out of the table; a node with several names stays, since another of them may be visible. */
function removeNodes(merged: Tree, ino: Ino, node: Inode, moved: MovedDirectories): void {
  if (moved.has(ino)) return;
  if (node.dir !== null) {
    node.dir.entries.forEach((_, child) => {
      const childNode = merged.get(child);
      if (childNode !== undefined) removeNodes(merged, child, childNode, moved);
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
