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
  readonly #chains = new WeakMap<Tree, string>();
  /** Layers' own trees, by chainID, of those that somebody asked about. */
  readonly #layers = new Map<string, Tree>();
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

  /** The same as a shared value, made once: for who only reads. */
  ownTree(layer: Pick<LayerRecord, 'chainId' | 'chunks'>): Tree {
    const known = this.#layers.get(layer.chainId);
    if (known !== undefined) return known;
    const tree = this.layer(layer);
    this.#layers.set(layer.chainId, tree);
    return tree;
  }

  /**
   * The merged view of a stack.
   *
   * @param layers - Lowest first; not empty.
   * @returns A shared value: take a snapshot before changing it.
   */
  stack(layers: readonly LayerRecord[]): Tree {
    let index = layers.length - 1;
    while (index >= 0 && !this.#merged.has(layers[index].chainId)) index--;
    let below = index < 0 ? this.#empty : (this.#merged.get(layers[index].chainId) as Tree);
    for (index++; index < layers.length; index++) {
      below = mergeLayer(below, this.layer(layers[index]), index);
      this.remember(layers[index].chainId, below);
    }
    return below;
  }

  /** Puts a view that somebody has built already where it will be looked for. */
  remember(chainId: string, merged: Tree): void {
    this.#merged.set(chainId, merged);
    this.#chains.set(merged, chainId);
  }

  has(chainId: string): boolean {
    return this.#merged.has(chainId);
  }

  /** All views that are built. */
  stacks(): Iterable<[chainId: string, merged: Tree]> {
    return this.#merged;
  }

  /** The chainID of a view; '' of the empty one. */
  chainOf(merged: Tree): string {
    return this.#chains.get(merged) ?? '';
  }

  /**
   * The view of a chainID, '' for the empty one.
   *
   * @param known - Layers by chainID, those below included.
   */
  at(chainId: string, known: ReadonlyMap<string, LayerRecord>): Tree {
    return this.#merged.get(chainId) ?? this.stack(layersUpTo(chainId, known));
  }

  /** The view of a chainID as its layers make it, in a new value. */
  rebuilt(chainId: string, known: ReadonlyMap<string, LayerRecord>): Tree {
    return new LowerViews(this.#chunks).at(chainId, known);
  }
}

/** Layers of a stack, lowest first. */
function layersUpTo(chainId: string, known: ReadonlyMap<string, LayerRecord>): LayerRecord[] {
  const layers: LayerRecord[] = [];
  for (let at: string | null = chainId === '' ? null : chainId; at !== null;) {
    const layer: LayerRecord | undefined = known.get(at);
    if (layer === undefined) throw new Error(`lower views: there is no layer ${at}`);
    layers.unshift(layer);
    at = layer.parent;
  }
  return layers;
}
