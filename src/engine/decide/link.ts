import type { Ino } from '../../events/event.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Draft } from '../engine.ts';
import { EPERM } from '../errno.ts';
import { copyUp, copyUpDirectory, type Named } from './copy-up.ts';
import { existsBelow } from './lower.ts';

/**
 * Gives a node another name, which is free (H3: the source is copied up, then both names share the upper node).
 *
 * @returns 0, or EPERM for a directory.
 */
export function linkNode(overlay: Overlay, source: Named, to: { parent: Ino; name: string }, draft: Draft): number {
  const inode = overlay.tree.at(source.ino);
  if (inode.dir !== null) return EPERM;
  const ino = copyUp(overlay, source, draft);
  copyUpDirectory(overlay, to.parent, draft);
  if (existsBelow(overlay, to.parent, to.name)) {
    draft.events.push({ type: 'WhiteoutRemoved', parent: to.parent, name: to.name });
  }
  draft.events.push({
    type: 'Linked',
    parent: to.parent,
    name: to.name,
    ino,
    nlink: inode.isUpper ? inode.nlink + 1 : 2,
    timeNs: draft.timeNs,
    parentTimeNs: draft.timeNs,
  });
  return 0;
}
