/** What two trees of an upper have to say of each other: its names, and whether nodes are of one kind. */

import type { Ino } from '../../events/event.ts';
import { S_IFMT } from '../../events/mode.ts';
import type { Inode, Xattrs } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';

/** Names of a directory that the upper has something to say about: entries of its own, and whiteouts. */
export function namesInUpper(tree: Tree, directory: Ino): string[] {
  const { dir } = tree.at(directory);
  const names: string[] = [];
  dir?.entries.forEach((name, ino) => {
    if (tree.at(ino).hasInUpper(directory, name)) names.push(name);
  });
  dir?.whiteouts?.forEach((name) => void names.push(name));
  return names;
}

/** What the lower has at a name of a merged directory; 0: nothing, or it does not show. */
export function lowerOf({ tree, lower }: Overlay, parent: Ino, name: string): Ino {
  if (lower === null || tree.at(parent).dir?.hasLower !== true) return 0;
  return lower.get(parent)?.dir ? lower.lookup(parent, name) : 0;
}

/** Whether one can become the other by a change of content and attributes. */
export const isSameNode = (a: Inode, b: Inode): boolean =>
  (a.mode & S_IFMT) === (b.mode & S_IFMT) && a.target === b.target && a.rdev === b.rdev;

export function sameXattrs(a: Xattrs, b: Xattrs): boolean {
  if (a.length !== b.length) return false;
  const values = new Map(b);
  return a.every(([name, value]) => {
    const other = values.get(name);
    return other !== undefined && Buffer.compare(value, other) === 0;
  });
}
