/**
 * What of a merged tree belongs to its upper when that is taken away from its mount.
 *
 * Mostly what is in the upper. With `index` a copied-up hard link may have names that only the merged view shows, because the
 * index in the work directory says which node they are; without the index they would show the old node again, so these names go
 * along, and the lower directories on the way to them.
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Tree } from './tree.ts';

export class UpperParts {
  readonly #tree: Tree;
  /** Lower directories with such a name somewhere in them. */
  readonly #ways = new Set<Ino>();

  constructor(tree: Tree) {
    this.#tree = tree;
    if (hasHiddenNames(tree)) this.#findWays(ROOT_INO);
  }

  /** Whether an entry belongs to the upper, by the number that it stands for. */
  has(ino: Ino): boolean {
    return this.#tree.at(ino).isUpper || this.#ways.has(ino);
  }

  #findWays(directory: Ino): boolean {
    let isWay = false;
    this.#tree.at(directory).dir?.entries.forEach((_, ino) => {
      const node = this.#tree.at(ino);
      if (node.dir === null ? node.isIndexed : this.#findWays(ino)) isWay = true;
    });
    if (isWay && !this.#tree.at(directory).isUpper) this.#ways.add(directory);
    return isWay;
  }
}

function hasHiddenNames(tree: Tree): boolean {
  let found = false;
  tree.inodes.forEach((inode) => {
    found = inode.isIndexed && inode.upperLinks < inode.nlink;
    return !found;
  });
  return found;
}
