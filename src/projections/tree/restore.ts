/**
 * What a `NodesRestored` event does to a tree: names and nodes become again what they were.
 *
 * Names go first, all of them, then nodes get their earlier state, then the names that shall be there are given: so
 * names can change places, and a node that moved keeps its identity. A node that has no name in the end is gone.
 */

import { type ContainerEvent, type Ino, ROOT_INO } from '../../events/event.ts';
import { addUpperName, leaveUpper } from './fold-marks.ts';
import { Directory, type Inode, UPPER } from './inode.ts';
import { NameMap } from './name-map.ts';
import { namesOf } from './names-of.ts';
import type { Tree } from './tree.ts';
import { count as countNode } from './upper-count.ts';

export type NodesRestored = Extract<ContainerEvent, { type: 'NodesRestored' }>;

/** Places of a restored entry that hold no node. */
export const NOTHING = 0;

/**
 * @param treeAt - The container's tree after an earlier event; it is not changed.
 */
export function applyRestored(tree: Tree, event: NodesRestored, seq: number, treeAt: (at: number) => Tree): void {
  const { nodes, parents, names, inos, whiteouts } = event;
  const loose = new Set<Ino>();
  const restored = new Map<Ino, Inode>();
  /** Nodes of the lower that become hard links which the index keeps together. */
  const linked: Ino[] = [];
  for (let index = 0; index < parents.length; index++) detach(tree, parents[index], names[index], loose);
  for (let index = 0; index < nodes.length; index += 3) {
    const then = treeAt(nodes[index + 2]).at(nodes[index + 1]);
    restored.set(nodes[index], then);
    if (then.isIndexed && tree.get(nodes[index])?.isUpper === false) linked.push(nodes[index]);
    restoreNode(tree, nodes[index], then, loose);
    // A copy is a file of its own, whatever the index keeps together.
    if (nodes[index] !== nodes[index + 1] && then.isIndexed) tree.edit(nodes[index]).mark({ upperNames: null });
  }
  for (let index = 0; index < parents.length; index++) {
    if (inos[index] !== NOTHING) attach(tree, parents[index], names[index], inos[index], { loose, restored });
  }
  for (const [ino, then] of restored) if (then.dir !== null && !then.isUpper) leaveToLower(tree, ino);
  for (const ino of linked) tree.edit(ino).nlink = namesOf(tree, ino).length;
  for (const index of whiteouts) whiteOut(tree, parents[index], names[index], seq);
  for (const ino of loose) dropIfNameless(tree, ino);
}

/** Takes a name away, or the mark of a removed one; marks in a directory that is loose are not counted any more. */
function detach(tree: Tree, parent: Ino, name: string, loose: Set<Ino>): void {
  if (!tree.get(parent)?.dir) return; // it comes back itself
  const directory = tree.editDirectory(parent);
  if (directory.whiteouts?.delete(name, tree.owner) && !loose.has(parent)) tree.whiteouts--;
  const ino = directory.entries.get(name);
  if (ino === undefined) return;
  directory.entries.delete(name, tree.owner);
  loose.add(ino);
  const node = tree.at(ino);
  if (node.dir !== null) {
    directory.subdirectories--;
    tree.directoryMoves++;
    count(tree, node, -1);
    if (node.isUpper) tree.edit(ino).parent = 0;
    return;
  }
  if (!node.isUpper) return;
  if (node.isIndexed) leaveUpper(tree, ino, parent, name);
  else if (node.nlink === 1) count(tree, node, -1);
  const inode = tree.edit(ino);
  inode.nlink--;
  if (inode.nlink === 0) inode.parent = 0;
}

/** A node's state becomes that of `then`; its names stay, and those of a directory. */
function restoreNode(tree: Tree, ino: Ino, then: Inode, loose: Set<Ino>): void {
  const now = tree.get(ino);
  if (now === undefined) loose.add(ino);
  const isNamed = now !== undefined && hasName(now, ino, loose);
  if (now !== undefined && isNamed) count(tree, now, -1);
  const inode = then.copy(tree.owner);
  inode.parent = now?.parent ?? 0;
  inode.name = now?.name ?? '';
  const isLinked = then.isIndexed && now?.isUpper === false;
  if (then.dir === null && then.isUpper && !isLinked) inode.nlink = now?.isUpper ? now.nlink : Number(isNamed);
  // Which of the names that stay are in the upper, says the node of now; those that come back are added then.
  if (then.isIndexed) inode.mark({ upperNames: now?.marks?.upperNames ?? [] });
  if (then.dir !== null) inode.dir = directoryOf(tree, then.dir, now?.dir ?? null);
  tree.insert(ino, inode);
  if (isNamed || then.isIndexed) count(tree, inode, 1);
}

/** Lower nodes do not tell whether they have a name: their layer has one for them. */
const hasName = (node: Inode, ino: Ino, loose: ReadonlySet<Ino>): boolean => {
  if (!node.isUpper) return !loose.has(ino);
  return node.dir === null ? node.nlink > 0 : node.parent !== 0 || ino === ROOT_INO;
};

function directoryOf(tree: Tree, then: Directory, now: Directory | null): Directory {
  const directory = new Directory(tree.owner, now?.entries.share() ?? new NameMap());
  directory.subdirectories = now?.subdirectories ?? 0;
  directory.whiteouts = (now ?? then).whiteouts?.share() ?? null;
  directory.opaque = then.opaque;
  directory.hasLower = then.hasLower;
  directory.mergedBelow = then.mergedBelow;
  return directory;
}

/** A node that had no name, and is not loose, was held by an open file. */
function attach(
  tree: Tree,
  parent: Ino,
  name: string,
  ino: Ino,
  { loose, restored }: { loose: ReadonlySet<Ino>; restored: ReadonlyMap<Ino, Inode> },
): void {
  const directory = tree.editDirectory(parent);
  directory.entries.set(name, ino, tree.owner);
  const inode = tree.edit(ino);
  if (inode.isUpper && !loose.has(ino) && !hasName(inode, ino, loose)) tree.orphans--;
  if (inode.dir !== null) {
    directory.subdirectories++;
    tree.directoryMoves++;
    count(tree, inode, 1);
  } else if (inode.isUpper) {
    inode.nlink++;
    if (!inode.isIndexed) {
      if (inode.nlink === 1) count(tree, inode, 1);
    } else if (restored.get(ino)?.hasInUpper(parent, name)) addUpperName(tree, inode, parent, name);
  }
  inode.parent = parent;
  inode.name = name;
}

/** A directory that is not in the upper has no names there: those of nodes that are kept together are the lower's. */
function leaveToLower(tree: Tree, ino: Ino): void {
  tree.at(ino).dir?.entries.forEach((name, child) => leaveUpper(tree, child, ino, name));
}

function whiteOut(tree: Tree, parent: Ino, name: string, seq: number): void {
  const directory = tree.editDirectory(parent);
  const marks = (directory.whiteouts ??= new NameMap());
  const before = marks.size;
  marks.set(name, seq, tree.owner);
  tree.whiteouts += marks.size - before;
}

/** A node whose last name went, with all below it. */
function dropIfNameless(tree: Tree, ino: Ino): void {
  const node = tree.get(ino);
  // A lower node stays: its layer holds it.
  if (node === undefined || !node.isUpper || hasName(node, ino, NONE)) return;
  for (const name of node.dir?.entries.names() ?? []) {
    const below = new Set([ino]);
    detach(tree, ino, name, below);
    below.delete(ino);
    for (const child of below) dropIfNameless(tree, child);
  }
  tree.remove(ino);
}

const NONE: ReadonlySet<Ino> = new Set();

/** Adds a named node to the counters of the upper, or takes it out; of a directory its whiteouts too. */
function count(tree: Tree, inode: Inode, sign: 1 | -1): void {
  if (inode.dir?.whiteouts) tree.whiteouts += sign * inode.dir.whiteouts.size;
  if (inode.layer !== UPPER || (inode.isIndexed && inode.upperLinks === 0)) return;
  countNode(tree, inode, sign);
}
