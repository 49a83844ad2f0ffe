/** Layers of images as drivers keep them: made once a stack and driver, for every container and image that stands on it. */

import type { LowerViews } from '../lower-views.ts';
import type { LayerRecord } from '../registry.ts';
import type { Inode } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import type { LayerContent, StorageModel, StoredLayer } from './storage-driver.ts';
import { directoryBlockBytes, type TreeTotals, TotalsCounter } from './tree-totals.ts';

/** A layer under each driver; null below the lowest. */
export type StoredStack = readonly StoredLayer[] | null;

export class Stacks {
  readonly #models: readonly StorageModel[];
  /** Values that depend on nothing but the stack, by its chainID. */
  readonly #stacks = new Map<string, readonly StoredLayer[]>();

  constructor(models: readonly StorageModel[]) {
    this.#models = models;
  }

  /** Stacks that were made before. */
  remember(chainId: string, stack: readonly StoredLayer[]): void {
    this.#stacks.set(chainId, stack);
  }

  /** All that are made, with a layer for each driver; a stack comes behind those below it. */
  get made(): ReadonlyMap<string, readonly StoredLayer[]> {
    return this.#stacks;
  }

  /** @param layers - Lowest first. */
  of(layers: readonly LayerRecord[], lowers: LowerViews): StoredStack {
    let below: StoredStack = null;
    layers.forEach((layer, index) => {
      let stack = this.#stacks.get(layer.chainId);
      if (stack === undefined) {
        const content = new StackedLayer(layers.slice(0, index + 1), lowers);
        stack = this.#models.map((model, driver) => model.layer(below?.[driver] ?? null, content));
        this.#stacks.set(layer.chainId, stack);
      }
      below = stack;
    });
    return below;
  }
}

/** What the highest layer of a stack brings: the nodes of the merged view that come from it. */
export class StackedLayer implements LayerContent {
  readonly index: number;
  readonly merged: Tree;
  readonly below: Tree;
  #totals: TreeTotals | null = null;

  constructor(layers: readonly LayerRecord[], lowers: LowerViews) {
    this.index = layers.length - 1;
    this.merged = lowers.stack(layers);
    this.below = this.index === 0 ? lowers.empty : lowers.stack(layers.slice(0, -1));
  }

  get totals(): TreeTotals {
    return (this.#totals ??= this.#count());
  }

  forEachNode(visit: (node: Inode, ino: number) => void): void {
    this.merged.inodes.diff(this.below.inodes, (ino, node) => {
      if (node?.layer === this.index) visit(node, ino);
    });
  }

  forEachRemoved(visit: (node: Inode, ino: number) => void): void {
    this.merged.inodes.diff(this.below.inodes, (ino, node, before) => {
      if (node === undefined && before !== undefined) visit(before, ino);
    });
  }

  #count(): TreeTotals {
    const counter = new TotalsCounter();
    this.forEachNode((node) => {
      counter.add(node);
      const { dir } = node;
      if (dir === null) return;
      const own = dir.entries
        .names()
        .filter((name) => this.merged.get(dir.entries.get(name) as number)?.layer === this.index);
      counter.directoryBytes += directoryBlockBytes(own);
    });
    return counter;
  }
}
