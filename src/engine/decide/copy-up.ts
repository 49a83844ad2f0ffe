/**
 * Copy-up: bringing a lower object into the upper before it changes (SEMANTICS M1–M10, H1–H3).
 *
 * Parents come first, from the top down, and keep their times. Data is shared, not copied: the event records what a
 * copying driver would have moved.
 */

import type { Ino } from '../../events/event.ts';
import { isFileMode, isSymlinkMode } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
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

/** What is going to happen to a file that is copied up: whether its data has to come along. */
export type CopyUpFor =
  /** Its attributes or names change: with `metacopy` its data may stay below. */
  | 'attributes'
  /** Its data is written to. */
  | 'data'
  /** It is emptied at once. */
  | 'nothing';

/**
 * Copies up any node; of one that is in the upper already, what is not there yet of its data and its name.
 *
 * @returns The node's number in the upper: its own, or with `index` off a new one where a lower hard link breaks.
 */
export function copyUp(overlay: Overlay, named: Named, draft: Draft, wanted: CopyUpFor = 'attributes'): Ino {
  const inode = overlay.tree.at(named.ino);
  if (inode.isUpper) {
    if (inode.marks !== null) completeCopyUp(overlay, named, inode, draft, wanted);
    return named.ino;
  }
  if (inode.dir !== null) {
    copyUpDirectory(overlay, named.ino, draft);
    return named.ino;
  }
  const isNameless = named.parent === 0;
  if (!isNameless) copyUpDirectory(overlay, named.parent, draft);
  const breaksLink = isNameless || (inode.nlink > 1 && !overlay.profile.index);
  const upperIno = breaksLink ? draft.newIno() : named.ino;
  // Spelled out twice: a spread of what they have in common would cost as much as the rest of a copy-up.
  if (isFileMode(inode.mode)) {
    const isMetacopy = wanted === 'attributes' && overlay.profile.metacopy;
    const withData = wanted !== 'nothing' && !isMetacopy;
    draft.addCopyUp({
      type: 'FileCopiedUp',
      parent: named.parent,
      name: isNameless ? '' : named.name,
      ino: named.ino,
      upperIno,
      layer: inode.layer,
      bytes: inode.size,
      copiedBytes: withData ? dataBytes(inode) : 0,
      withData,
      ctimeNs: draft.timeNs,
    });
    if (isMetacopy) draft.events.push({ type: 'MetacopySet', ino: upperIno, dataIno: named.ino });
  } else {
    draft.addCopyUp({
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

/** The name of a hard link that was copied up by another one (ovl_link_up), and the data that metacopy has left below. */
function completeCopyUp(overlay: Overlay, named: Named, inode: Inode, draft: Draft, wanted: CopyUpFor): void {
  if (inode.isIndexed && named.parent !== 0 && !inode.hasInUpper(named.parent, named.name)) {
    copyUpDirectory(overlay, named.parent, draft);
    draft.events.push({ type: 'LinkedUp', parent: named.parent, name: named.name, ino: named.ino });
  }
  if (!inode.isMetacopy || inode.marks === null || wanted === 'attributes') return;
  const { dataIno } = inode.marks;
  const copiedBytes = wanted === 'data' ? dataBytes(inode) : 0;
  draft.events.push({
    type: 'DataCopiedUp',
    ino: named.ino,
    dataIno,
    layer: overlay.lower?.get(dataIno)?.layer ?? inode.origin,
    copiedBytes,
    // The kernel writes the data into the upper file and does not put its times back.
    timeNs: copiedBytes > 0 ? draft.timeNs : null,
  });
}

const dataBytes = ({ content, size }: Inode): number => (content === null ? 0 : content.copyUpBytes(size));

/** Whether copy-up keeps the node's names together, so that a name that goes takes the node into the upper first. */
export function keepsLinks(overlay: Overlay, inode: Inode): boolean {
  if (inode.dir !== null || !overlay.profile.index) return false;
  return inode.isUpper ? inode.isIndexed : inode.nlink > 1;
}
