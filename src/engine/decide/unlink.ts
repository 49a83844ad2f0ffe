import type { Ino } from '../../events/event.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Draft } from '../engine.ts';
import { EISDIR, ENOTDIR, ENOTEMPTY } from '../errno.ts';
import { copyUp, copyUpDirectory, keepsLinks } from './copy-up.ts';
import { existsBelow } from './lower.ts';

export interface Removal {
  readonly parent: Ino;
  readonly name: string;
  readonly ino: Ino;
  /** An open file holds the node, so that it outlives its last name. */
  readonly isOpen: boolean;
}

/**
 * Removes the name of anything but a directory (W1, W2, W9).
 *
 * @returns 0, or EISDIR.
 */
export function unlinkNode(overlay: Overlay, removal: Removal, draft: Draft): number {
  const inode = overlay.tree.at(removal.ino);
  if (inode.dir !== null) return EISDIR;
  removeName(overlay, inode, removal, draft);
  return 0;
}

/**
 * Removes a directory in which nothing is visible (W6, W8).
 *
 * @returns 0, ENOTDIR, or ENOTEMPTY by the merged view.
 */
export function removeDirectory(overlay: Overlay, removal: Removal, draft: Draft): number {
  const inode = overlay.tree.at(removal.ino);
  if (inode.dir === null) return ENOTDIR;
  if (inode.dir.entries.size > 0) return ENOTEMPTY;
  removeName(overlay, inode, removal, draft);
  return 0;
}

function removeName(overlay: Overlay, inode: Inode, removal: Removal, draft: Draft): void {
  copyUpDirectory(overlay, removal.parent, draft);
  const isKept = keepsLinks(overlay, inode);
  if (isKept) copyUp(overlay, removal, draft);
  const nlink = linksAfterRemoval(overlay, inode);
  draft.events.push({
    type: 'Unlinked',
    parent: removal.parent,
    name: removal.name,
    ino: removal.ino,
    nlink,
    released: (inode.isUpper || isKept) && nlink === 0 && !removal.isOpen,
    timeNs: draft.timeNs,
  });
  if (existsBelow(overlay, removal.parent, removal.name, removal.ino)) {
    draft.events.push({ type: 'WhiteoutCreated', parent: removal.parent, name: removal.name });
  }
}

/** Link count after one name goes; a lower node keeps its layer's count (H2), unless `index` has it copied up (H5). */
export function linksAfterRemoval(overlay: Overlay, inode: Inode): number {
  if (inode.dir !== null) return 0;
  return inode.isUpper || keepsLinks(overlay, inode) ? inode.nlink - 1 : inode.nlink;
}
