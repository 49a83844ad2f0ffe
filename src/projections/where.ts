/**
 * Where a path comes from: what the upper and each layer hold at it, from the top down, and what hides what.
 *
 * The upper and the merged tree answer by themselves; what a hidden layer holds is read from the layer's own content, so
 * asking for everything costs the layers' sizes.
 */

import { type Ino, ROOT_INO, type SubjectId } from '../events/event.ts';
import { kindOf, type NodeKind } from '../events/mode.ts';
import type { LayerRecord } from './registry.ts';
import type { Inode } from './tree/inode.ts';
import type { Tree } from './tree/tree.ts';
import type { World } from './world.ts';

/** One thing that the upper or a layer holds at a path, or at a directory above it that matters. */
export interface PathPlace {
  /** Index of the layer, lowest 0; null: the upper. */
  readonly layer: number | null;
  /** `opaque`: the directory at `path` hides all below it. */
  readonly holds: 'node' | 'whiteout' | 'opaque';
  /** The path itself, or for a whiteout or opaque mark the directory that carries it. */
  readonly path: string;
  /** What it is; null for a whiteout. */
  readonly kind: NodeKind | null;
  /** st_size; 0 for directories and whiteouts. */
  readonly sizeBytes: number;
  /** It is seen in the merged view; a directory also where it is merged with higher ones. */
  readonly isVisible: boolean;
  /** Event that made it, copied it up or set the mark; null in a layer, and where it is not known. */
  readonly seq: number | null;
  /** Of an upper node that was copied up: the layer that it came from. */
  readonly copiedUpFrom: number | null;
}

/**
 * Everything at a path, the topmost first; of one layer what it holds before the opaque directories that it lies in.
 *
 * @param path - Absolute, in the container's own tree; symbolic links are not followed.
 * @returns Nothing where no layer has ever had that path.
 */
export function placesOf(world: World, container: SubjectId, path: string): PathPlace[] {
  const overlay = world.overlay(container);
  if (overlay === undefined) return [];
  const places: PathPlace[] = [];
  const descent = upperPlaces(overlay.tree, overlay.lower, namesOfPath(path), places);
  const image = world.registry.containers.get(container)?.image ?? null;
  if (image !== null) layersPlaces(world, world.layersOf(image), descent, places);
  return contentFirst(places);
}

/** As {@link placesOf}, of an image: `layers` lowest first. */
export function placesInImage(world: World, layers: readonly LayerRecord[], path: string): PathPlace[] {
  const places: PathPlace[] = [];
  layersPlaces(world, layers, { names: namesOfPath(path), isHidden: false, directoryDepth: 0 }, places);
  return contentFirst(places);
}

/** A layer is walked from the root down, so its opaque directories come up before what lies in them and is read. */
function contentFirst(places: readonly PathPlace[]): PathPlace[] {
  const height = ({ layer }: PathPlace): number => layer ?? Number.MAX_SAFE_INTEGER;
  const isMark = ({ holds }: PathPlace): number => (holds === 'opaque' ? 1 : 0);
  return places.toSorted((a, b) => height(b) - height(a) || isMark(a) - isMark(b));
}

const namesOfPath = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');
const pathOfNames = (names: readonly string[]): string => `/${names.join('/')}`;

/** How far a path has been followed from the top down. */
interface Descent {
  /** The path's names in the lower, which differ below a renamed directory. */
  readonly names: readonly string[];
  /** Nothing further down is seen. */
  isHidden: boolean;
  /** So many names from the root are directories above: something else there is hidden, and hides what is below it. */
  directoryDepth: number;
}

function upperPlaces(tree: Tree, lower: Tree | null, names: readonly string[], places: PathPlace[]): Descent {
  let ino: Ino = ROOT_INO;
  let below: string[] = [];
  let isHidden = lower === null;
  let directoryDepth = 0;
  for (let depth = 0; depth < names.length; depth++) {
    const path = pathOfNames(names.slice(0, depth + 1));
    const rest = names.slice(depth);
    const directory = tree.at(ino).dir;
    const child = directory?.entries.get(names[depth]);
    if (child === undefined) {
      const whiteout = directory?.whiteouts?.get(names[depth]);
      if (whiteout !== undefined) places.push(whiteoutPlace(null, path, true, whiteout));
      return { names: [...below, ...rest], isHidden: isHidden || whiteout !== undefined, directoryDepth };
    }
    const node = tree.at(child);
    if (node.isUpper && (rest.length === 1 || node.dir === null)) places.push(nodePlace(null, path, node, true));
    if (node.dir === null) return { names: [...below, ...rest], isHidden: isHidden || node.isUpper, directoryDepth };
    if (node.dir.opaque) places.push({ ...nodePlace(null, path, node, true), holds: 'opaque' });
    const isMerged = lower !== null && (!node.isUpper || node.dir.hasLower) && lower.get(child) !== undefined;
    isHidden ||= !isMerged;
    below = isMerged ? lowerNamesOf(lower, child) : [...below, names[depth]];
    if (node.isUpper) directoryDepth = below.length;
    ino = child;
  }
  return { names: below, isHidden, directoryDepth };
}

function layersPlaces(world: World, layers: readonly LayerRecord[], descent: Descent, places: PathPlace[]): void {
  for (let index = layers.length - 1; index >= 0; index--) {
    layerPlaces(world.lowers.ownTree(layers[index]), index, descent, places);
  }
}

function lowerNamesOf(lower: Tree, directory: Ino): string[] {
  return namesOfPath(lower.pathOf(directory) ?? '/');
}

/** What one layer holds; notes in `descent` what it hides of the layers below it. */
function layerPlaces(tree: Tree, layer: number, descent: Descent, places: PathPlace[]): void {
  const { names } = descent;
  let ino: Ino = ROOT_INO;
  let hides = false;
  for (let depth = 0; depth < names.length; depth++) {
    const directory = tree.at(ino).dir;
    if (directory === null) break;
    const path = pathOfNames(names.slice(0, depth + 1));
    const child = directory.entries.get(names[depth]);
    if (child === undefined) {
      if (directory.whiteouts?.has(names[depth])) {
        places.push(whiteoutPlace(layer, path, !descent.isHidden, null));
        hides = true;
      }
      break;
    }
    const node = tree.at(child);
    const isLast = depth === names.length - 1;
    if (node.dir === null) {
      places.push(nodePlace(layer, path, node, !descent.isHidden && depth >= descent.directoryDepth));
      hides = true;
      break;
    }
    if (isLast) places.push(nodePlace(layer, path, node, !descent.isHidden));
    if (node.dir.opaque) {
      places.push({ ...nodePlace(layer, path, node, !descent.isHidden), holds: 'opaque' });
      hides = true;
    }
    if (!descent.isHidden) descent.directoryDepth = Math.max(descent.directoryDepth, depth + 1);
    ino = child;
  }
  descent.isHidden ||= hides;
}

function nodePlace(layer: number | null, path: string, node: Inode, isVisible: boolean): PathPlace {
  return {
    layer,
    holds: 'node',
    path,
    kind: kindOf(node.mode),
    sizeBytes: node.dir === null ? node.size : 0,
    isVisible,
    seq: layer === null ? node.seq : null,
    copiedUpFrom: layer === null && node.origin >= 0 ? node.origin : null,
  };
}

function whiteoutPlace(layer: number | null, path: string, isVisible: boolean, seq: number | null): PathPlace {
  return { layer, holds: 'whiteout', path, kind: null, sizeBytes: 0, isVisible, seq, copiedUpFrom: null };
}
