/** Hard links of the lowers, as the merged view of them has them. */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { LowerLink } from './join-index.ts';

/**
 * One name of each.
 *
 * @param directories - Of the layers, lowest first.
 */
export function lowerLinksOf(lower: Tree, directories: readonly string[]): LowerLink[] {
  const found = new Map<Ino, LowerLink>();
  const pending: [directory: Ino, path: string][] = [[ROOT_INO, '']];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [directory, path] = next;
    lower.at(directory).dir?.entries.forEach((name, ino) => {
      const { dir, nlink, layer } = lower.at(ino);
      if (dir !== null) pending.push([ino, `${path}/${name}`]);
      else if (nlink > 1) found.set(ino, { layer, ino, path: `${directories[layer]}${path}/${name}` });
    });
  }
  return [...found.values()];
}
