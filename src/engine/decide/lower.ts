import type { Ino } from '../../events/event.ts';
import type { Overlay } from '../../projections/world.ts';

/**
 * Whether the lower holds something at a name that the directory would show if the upper had nothing there.
 *
 * This decides whiteouts: a name that exists below needs one or it would reappear, also when a copy-up hides it; a name
 * that exists only in the upper must not leave one.
 *
 * @param shown - The node that the merged view shows there, where it shows one: mostly it is the lower's own, which says so
 *   without a search.
 */
export function existsBelow(overlay: Overlay, parent: Ino, name: string, shown: Ino = 0): boolean {
  if (overlay.lower === null) return false;
  const directory = overlay.tree.get(parent);
  if (directory === undefined || directory.dir === null) return false;
  if (directory.isUpper && !directory.dir.hasLower) return false;
  const below = shown === 0 ? undefined : overlay.lower.get(shown);
  if (below !== undefined && below.parent === parent && below.nlink === 1 && below.name === name) return true;
  return overlay.lower.lookup(parent, name) !== 0;
}

/** Whether a directory has a lower part: it is lower itself, or merges with one. */
export function isMergeOrLower(overlay: Overlay, ino: Ino): boolean {
  const inode = overlay.tree.at(ino);
  return !inode.isUpper || inode.dir?.hasLower === true;
}
