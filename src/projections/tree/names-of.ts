/** From a node back to its names. */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Tree } from './tree.ts';

export interface NameOfNode {
  readonly parent: Ino;
  readonly name: string;
}

/**
 * All names of a node, in the order of a walk.
 *
 * A node knows its most recent name only, so one step answers for whatever has one name; a node with several names costs a
 * walk over all directories.
 */
export function namesOf(tree: Tree, ino: Ino): NameOfNode[] {
  if (ino === ROOT_INO) return [{ parent: ROOT_INO, name: '' }];
  const inode = tree.get(ino);
  if (inode === undefined) return [];
  const isThere = inode.parent !== 0 && tree.lookup(inode.parent, inode.name) === ino;
  if (inode.dir !== null || (inode.nlink === 1 && isThere)) {
    return isThere ? [{ parent: inode.parent, name: inode.name }] : [];
  }
  if (inode.nlink === 0 && inode.isUpper) return [];
  if (inode.nlink === 1 && !inode.isUpper) return [];
  const names: NameOfNode[] = [];
  findNames(tree, ROOT_INO, ino, names);
  return names;
}

function findNames(tree: Tree, directory: Ino, wanted: Ino, names: NameOfNode[]): void {
  tree.get(directory)?.dir?.entries.forEach((name, ino) => {
    if (ino === wanted) names.push({ parent: directory, name });
    else findNames(tree, ino, wanted, names);
  });
}
