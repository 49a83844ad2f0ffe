/**
 * Layers as trees, and stacks of layers as merged lower views, made on demand from the log and shared by everybody.
 *
 * A layer's content is a list of file events in chunks; folding them gives its own tree. A view is fixed by its chainID,
 * so every container, fork and past moment that stands on a stack uses one and the same object, which never changes.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import { joinEventBatches } from '../events/codec.ts';
import { Tree } from './tree/tree.ts';
import { applyFileEvent } from './tree/fold.ts';
import { mergeLayer } from './tree/merge.ts';
import type { LayerRecord } from './registry.ts';

export class LowerViews {
  readonly #chunks: ChunkReader;
  readonly #merged = new Map<string, Tree>();
  readonly #empty = Tree.empty(0n);

  constructor(chunks: ChunkReader) {
    this.#chunks = chunks;
  }

  /** What lies below a container without an image. */
  get empty(): Tree {
    return this.#empty;
  }

  /** The layer's own tree, with its whiteouts and opaque marks, in a new value. */
  layer(layer: Pick<LayerRecord, 'chunks'>): Tree {
    const tree = Tree.empty(0n);
    for (const event of joinEventBatches(layer.chunks.map((chunk) => this.#chunks.get(chunk)))) {
      applyFileEvent(tree, event, 0);
    }
    return tree;
  }

  /**
   * The merged view of a stack.
   *
   * @param layers - Lowest first; not empty.
   * @returns A shared value: take a snapshot before changing it.
   */
  stack(layers: readonly LayerRecord[]): Tree {
    let below = this.#empty;
    layers.forEach((layer, index) => {
      let merged = this.#merged.get(layer.chainId);
      if (merged === undefined) {
        merged = mergeLayer(below, this.layer(layer), index);
        this.#merged.set(layer.chainId, merged);
      }
      below = merged;
    });
    return below;
  }

  /** Puts a view that somebody has built already where it will be looked for. */
  remember(chainId: string, merged: Tree): void {
    this.#merged.set(chainId, merged);
  }
}
