/**
 * Bytes that an image stores and nobody sees: content that a higher layer deleted, replaced, or only changed an attribute
 * of.
 */

import { type Ino, ROOT_INO } from '../events/event.ts';
import { compareNames, printableName } from '../events/name.ts';
import type { Tree } from './tree/tree.ts';

export interface WastedPath {
  readonly path: string;
  /** Bytes in layers where they are not seen. */
  readonly bytes: number;
  /** Indexes of the layers that store something at the path, lowest 0, ascending. */
  readonly layers: readonly number[];
  /** Index of the layer that took the path away for good; null: the highest of `layers` is seen. */
  readonly deletedIn: number | null;
}

/**
 * The paths that waste, the most first.
 *
 * @param layers - The layers' own trees, lowest first.
 */
export function wastedPaths(layers: readonly Tree[]): WastedPath[] {
  const root = new Spot();
  layers.forEach((tree, index) => new LayerWalk(tree, index).directory(root, ROOT_INO));
  const wasted: WastedPath[] = [];
  root.collect('', wasted);
  return wasted.sort((a, b) => b.bytes - a.bytes || compareNames(a.path, b.path));
}

export const wastedBytes = (wasted: readonly WastedPath[]): number => wasted.reduce((sum, { bytes }) => sum + bytes, 0);

/** Lines of `du --wasted`: the total, then each path. Layers are counted from 1. */
export function wastedLines(wasted: readonly WastedPath[]): string[] {
  const lines = [`${wastedBytes(wasted)}\ttotal wasted`];
  for (const { path, bytes, layers, deletedIn } of wasted) {
    const numbers = layers.map((layer) => layer + 1).join(', ');
    const stored = layers.length === 1 ? `layer ${numbers}` : `layers ${numbers}`;
    const why = deletedIn === null ? `in ${stored}` : `deleted in layer ${deletedIn + 1}, still stored in ${stored}`;
    lines.push(`${bytes}\t${printableName(path)}\t${why}`);
  }
  return lines;
}

/** A node of one layer that is no directory; one object for all names of a hard link. */
interface Stored {
  readonly layer: number;
  readonly sizeBytes: number;
  /** Names that are still seen. */
  names: number;
}

/** A name in the stack: what layers have stored at it, and what is seen there. */
class Spot {
  readonly children = new Map<string, Spot>();
  readonly layers: number[] = [];
  visible: Stored | null = null;
  wasted = 0;
  deletedIn: number | null = null;

  child(name: string): Spot {
    let child = this.children.get(name);
    if (child === undefined) this.children.set(name, (child = new Spot()));
    return child;
  }

  /** What is seen here is seen no more: replaced by layer `by`, or with `isDeleted` taken away. */
  hide(by: number, isDeleted: boolean): void {
    const { visible } = this;
    if (visible === null) return;
    this.visible = null;
    if (isDeleted) this.deletedIn = by;
    visible.names--;
    if (visible.names === 0) this.wasted += visible.sizeBytes;
  }

  /** Everything below is gone. */
  hideChildren(by: number): void {
    for (const child of this.children.values()) {
      child.hide(by, true);
      child.hideChildren(by);
    }
  }

  store(stored: Stored): void {
    this.visible = stored;
    this.deletedIn = null;
    stored.names++;
    this.layers.push(stored.layer);
  }

  collect(path: string, into: WastedPath[]): void {
    if (this.wasted > 0) into.push({ path, bytes: this.wasted, layers: this.layers, deletedIn: this.deletedIn });
    for (const [name, child] of this.children) child.collect(`${path}/${name}`, into);
  }
}

class LayerWalk {
  readonly #tree: Tree;
  readonly #layer: number;
  readonly #stored = new Map<Ino, Stored>();

  constructor(tree: Tree, layer: number) {
    this.#tree = tree;
    this.#layer = layer;
  }

  directory(spot: Spot, ino: Ino): void {
    const { dir } = this.#tree.at(ino);
    if (dir === null) return;
    if (dir.opaque) spot.hideChildren(this.#layer);
    dir.whiteouts?.forEach((name) => {
      const child = spot.children.get(name);
      child?.hide(this.#layer, true);
      child?.hideChildren(this.#layer);
    });
    dir.entries.forEach((name, childIno) => {
      const child = spot.child(name);
      const node = this.#tree.at(childIno);
      if (node.dir !== null) {
        child.hide(this.#layer, true);
        this.directory(child, childIno);
        return;
      }
      child.hide(this.#layer, false);
      child.hideChildren(this.#layer);
      child.store(this.#storedOf(childIno, node.size));
    });
  }

  #storedOf(ino: Ino, sizeBytes: number): Stored {
    let stored = this.#stored.get(ino);
    if (stored === undefined) this.#stored.set(ino, (stored = { layer: this.#layer, sizeBytes, names: 0 }));
    return stored;
  }
}
