/**
 * Copy-up: bringing a lower object into the upper before it changes (SEMANTICS M1–M10, H1–H3).
 *
 * Parents come first, from the top down, and keep their times. Data is shared, not copied: the event records what a
 * copying driver would have moved.
 */

import type { Ino } from '../../events/event.ts';
import { isFileMode, isSymlinkMode } from '../../events/mode.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Draft } from '../engine.ts';

/** Copies up a directory and all its parents, as far as they are lower. */
export function copyUpDirectory(overlay: Overlay, ino: Ino, draft: Draft): void {
  const inode = overlay.tree.at(ino);
  if (inode.isUpper || draft.hasCopiedUp(ino)) return;
  copyUpDirectory(overlay, inode.parent, draft);
  draft.events.push({ type: 'DirectoryCopiedUp', ino, layer: inode.layer, ctimeNs: draft.timeNs });
}

/** A node by the name that a call reached it through. */
export interface Named {
  /** 0: it has lost its name (an open file that was unlinked). */
  readonly parent: Ino;
  readonly name: string;
  readonly ino: Ino;
}

/**
 * Copies up any node.
 *
 * @param withData - False when the data is not wanted, because the file is truncated at once.
 * @returns The node's number in the upper: its own, or with `index` off a new one where a lower hard link breaks.
 */
export function copyUp(overlay: Overlay, named: Named, draft: Draft, withData = true): Ino {
  const inode = overlay.tree.at(named.ino);
  if (inode.isUpper) return named.ino;
  if (inode.dir !== null) {
    copyUpDirectory(overlay, named.ino, draft);
    return named.ino;
  }
  const isNameless = named.parent === 0;
  if (!isNameless) copyUpDirectory(overlay, named.parent, draft);
  const upperIno = isNameless || inode.nlink > 1 ? draft.newIno() : named.ino;
  // Spelled out twice: a spread of what they have in common would cost as much as the rest of a copy-up.
  if (isFileMode(inode.mode)) {
    draft.events.push({
      type: 'FileCopiedUp',
      parent: named.parent,
      name: isNameless ? '' : named.name,
      ino: named.ino,
      upperIno,
      layer: inode.layer,
      bytes: inode.size,
      copiedBytes: withData && inode.content !== null ? inode.content.copyUpBytes(inode.size) : 0,
      withData,
      ctimeNs: draft.timeNs,
    });
  } else {
    draft.events.push({
      type: isSymlinkMode(inode.mode) ? 'SymlinkCopiedUp' : 'NodeCopiedUp',
      parent: named.parent,
      name: isNameless ? '' : named.name,
      ino: named.ino,
      upperIno,
      layer: inode.layer,
      ctimeNs: draft.timeNs,
    });
  }
  return upperIno;
}
