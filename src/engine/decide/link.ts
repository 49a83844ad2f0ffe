import type { Ino } from '../../events/event.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Draft } from '../engine.ts';
import { EPERM, EXDEV } from '../errno.ts';
import { copyUp, copyUpDirectory, type Named } from './copy-up.ts';
import { existsBelow } from './lower.ts';
import { isDataBelow, redirectOf } from './redirect.ts';

/**
 * Gives a node another name, which is free (H3: the source is copied up, then both names share the upper node). Where its
 * data stays below, it says where from, since its other name does not.
 *
 * @returns 0, EPERM for a directory, or EXDEV where that place has too long a path.
 */
export function linkNode(overlay: Overlay, source: Named, to: { parent: Ino; name: string }, draft: Draft): number {
  const inode = overlay.tree.at(source.ino);
  if (inode.dir !== null) return EPERM;
  const redirect = isDataBelow(overlay, source.ino) ? redirectOf(overlay, source, false) : '';
  if (redirect === null) return EXDEV;
  const ino = copyUp(overlay, source, draft);
  if (redirect !== '') draft.events.push({ type: 'RedirectSet', ino, redirect });
  copyUpDirectory(overlay, to.parent, draft);
  if (existsBelow(overlay, to.parent, to.name)) {
    draft.events.push({ type: 'WhiteoutRemoved', parent: to.parent, name: to.name });
  }
  draft.events.push({
    type: 'Linked',
    parent: to.parent,
    name: to.name,
    ino,
    nlink: ino === source.ino ? inode.nlink + 1 : 2,
    timeNs: draft.timeNs,
    parentTimeNs: draft.timeNs,
  });
  return 0;
}
