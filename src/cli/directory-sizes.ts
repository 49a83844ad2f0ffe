/** Sizes of directories with all below them. */

import type { StoreQueries } from '../index.ts';
import type { Place } from './place.ts';

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
  const { tree } = overlay;
  type Node = ReturnType<typeof tree.at>;
  const rows: DirectorySize[] = [];
  const counted = new Set<Node>();
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
  let ino = 1;
  for (const name of real.split('/').filter((part) => part !== '')) ino = tree.lookup(ino, name);
  if (ino !== 0) visit(ino, real, 0);
  return rows;
}
