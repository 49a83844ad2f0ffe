/** Sizes of directories with all below them. */

import type { ContainerView, StoreQueries } from '../index.ts';
import type { Place } from './place.ts';

type Tree = ContainerView['overlay']['tree'];

export interface DirectorySize {
  readonly path: string;
  /** st_size over non-directories, hard links once. */
  readonly bytes: number;
  /** Of them, what lies in the upper. */
  readonly upperBytes: number;
}

/** The directory itself last, as du(1) has it; deeper ones up to `depth`. A path of a file gives that file. */
export function directorySizes(view: StoreQueries, place: Place, depth: number): DirectorySize[] {
  const { container, path, fs } = place;
  const real = fs.realpathSync(path);
  const overlay = container === null ? view.world.overlay(view.volumes.get(place.name).subject) : container.overlay;
  if (overlay === undefined) return [];
  let ino = 1;
  for (const name of real.split('/').filter((part) => part !== '')) ino = overlay.tree.lookup(ino, name);
  return ino === 0 ? [] : sizesBelow(overlay.tree, { ino, path: real }, depth);
}

/** As {@link directorySizes}, of a node of a tree. */
export function sizesBelow(
  tree: Tree,
  top: { readonly ino: number; readonly path: string },
  depth: number,
): DirectorySize[] {
  const rows: DirectorySize[] = [];
  const counted = new Set<ReturnType<Tree['at']>>();
  const visit = (ino: number, at: string, level: number): { bytes: number; upperBytes: number } => {
    const node = tree.at(ino);
    let bytes = 0;
    let upperBytes = 0;
    if (node.dir === null) {
      if (!counted.has(node)) {
        counted.add(node);
        bytes = node.size;
        upperBytes = node.isUpper ? node.size : 0;
      }
    } else {
      node.dir.entries.forEach((name, child) => {
        const below = visit(child, at === '/' ? `/${name}` : `${at}/${name}`, level + 1);
        bytes += below.bytes;
        upperBytes += below.upperBytes;
      });
    }
    if (level === 0 || (node.dir !== null && level <= depth)) rows.push({ path: at, bytes, upperBytes });
    return { bytes, upperBytes };
  };
  visit(top.ino, top.path, 0);
  return rows;
}
