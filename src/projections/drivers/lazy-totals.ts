import type { Tree } from '../tree/tree.ts';
import type { ContainerTotals } from './storage-driver.ts';
import { mergedTotals, type TreeTotals, upperTotals } from './tree-totals.ts';

/** Counts of an upper and of what is seen, each made when first asked for. */
export class LazyTotals implements ContainerTotals {
  readonly #tree: Tree;
  #upper: TreeTotals | null = null;
  #merged: TreeTotals | null = null;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  has(ino: number): boolean {
    return this.#tree.get(ino) !== undefined;
  }

  isNamed(ino: number): boolean {
    return (this.#tree.get(ino)?.nlink ?? 0) > 0;
  }

  get upper(): TreeTotals {
    return (this.#upper ??= upperTotals(this.#tree));
  }

  get merged(): TreeTotals {
    return (this.#merged ??= mergedTotals(this.#tree));
  }
}
