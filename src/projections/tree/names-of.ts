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
export const namesOf = (tree: Tree, ino: Ino): NameOfNode[] => new NodeNames(tree).of(ino);

/** Whether names lead from the root to a directory: one of the lower is in the table of a tree also when it has no name. */
export function isReachable(tree: Tree, directory: Ino): boolean {
  for (let ino = directory; ino !== ROOT_INO;) {
    const node = tree.get(ino);
    if (node === undefined || node.parent === 0 || tree.lookup(node.parent, node.name) !== ino) return false;
    ino = node.parent;
  }
  return true;
}

/** As {@link namesOf} for many nodes of a tree that does not change: it is walked once at most. */
export class NodeNames {
  readonly #tree: Tree;
  /** Of nodes that may have several names. */
  #walked: Map<Ino, NameOfNode[]> | null = null;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  of(ino: Ino): NameOfNode[] {
    if (ino === ROOT_INO) return [{ parent: ROOT_INO, name: '' }];
    const inode = this.#tree.get(ino);
    if (inode === undefined) return [];
    const isThere = inode.parent !== 0 && this.#tree.lookup(inode.parent, inode.name) === ino;
    if (inode.dir !== null || (inode.nlink === 1 && isThere)) {
      return isThere ? [{ parent: inode.parent, name: inode.name }] : [];
    }
    if (inode.nlink === 0 && inode.isUpper) return [];
    if (inode.nlink === 1 && !inode.isUpper) return [];
    if (this.#walked === null) this.#walk(ROOT_INO, (this.#walked = new Map()));
    return this.#walked.get(ino) ?? [];
  }

  #walk(directory: Ino, names: Map<Ino, NameOfNode[]>): void {
    this.#tree.get(directory)?.dir?.entries.forEach((name, ino) => {
      const inode = this.#tree.get(ino);
      if (inode === undefined) return;
      if (inode.dir !== null) return this.#walk(ino, names);
      const isOnlyName = inode.nlink === 1 && inode.parent === directory && inode.name === name;
      if (isOnlyName) return;
      const found = names.get(ino);
      if (found === undefined) names.set(ino, [{ parent: directory, name }]);
      else found.push({ parent: directory, name });
    });
  }
}
