import type { Ino } from '../../events/event.ts';
import type { OverlayProfile } from '../../events/event.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Draft } from '../engine.ts';
import { ENOTEMPTY, EXDEV } from '../errno.ts';
import { copyUp, copyUpDirectory } from './copy-up.ts';
import { existsBelow, isMergeOrLower } from './lower.ts';
import { linksAfterRemoval } from './unlink.ts';

export interface Rename {
  readonly fromParent: Ino;
  readonly fromName: string;
  readonly ino: Ino;
  readonly toParent: Ino;
  readonly toName: string;
  /** What stands at the new name; 0: nothing. */
  readonly target: Ino;
  readonly exchange: boolean;
  /** An open file holds the target. */
  readonly targetIsOpen: boolean;
}

/**
 * Moves a name (R1–R10).
 *
 * The caller has resolved both names and checked what the VFS checks (mounts, `.` and `..`, ancestors, kinds, NOREPLACE). What
 * is here is the overlay's own: a directory with a lower part can't move (EXDEV, before everything else, so that callers
 * copy and delete) unless `redirect_dir` is on; a whiteout stays where a lower name would reappear; a directory that
 * moves into a merged one becomes opaque.
 *
 * @returns 0, EXDEV, or ENOTEMPTY.
 */
export function renameNode(overlay: Overlay, rename: Rename, profile: OverlayProfile, draft: Draft): number {
  const { tree } = overlay;
  const node = tree.at(rename.ino);
  const target = rename.target === 0 ? null : tree.at(rename.target);
  const refused = refuse(overlay, rename, node, target, profile);
  if (refused !== 0) return refused;

  const moved = { parent: rename.fromParent, name: rename.fromName, ino: rename.ino };
  const ino = copyUp(overlay, moved, draft);
  copyUpDirectory(overlay, rename.fromParent, draft);
  copyUpDirectory(overlay, rename.toParent, draft);
  let replaced = rename.target;
  if (rename.exchange) {
    replaced = copyUp(overlay, { parent: rename.toParent, name: rename.toName, ino: rename.target }, draft);
  }
  if (!rename.exchange && target === null && existsBelow(overlay, rename.toParent, rename.toName)) {
    draft.events.push({ type: 'WhiteoutRemoved', parent: rename.toParent, name: rename.toName });
  }
  const replacedNlink = target === null || rename.exchange ? 0 : linksAfterRemoval(overlay, rename.target);
  draft.events.push({
    type: 'Renamed',
    ino,
    fromParent: rename.fromParent,
    fromName: rename.fromName,
    toParent: rename.toParent,
    toName: rename.toName,
    replaced,
    replacedNlink,
    replacedReleased:
      target !== null && !rename.exchange && target.isUpper && replacedNlink === 0 && !rename.targetIsOpen,
    exchange: rename.exchange,
    timeNs: draft.timeNs,
  });
  if (!rename.exchange && existsBelow(overlay, rename.fromParent, rename.fromName)) {
    draft.events.push({ type: 'WhiteoutCreated', parent: rename.fromParent, name: rename.fromName });
  }
  makeOpaque(overlay, rename.ino, node, rename.toParent, draft);
  if (rename.exchange && target !== null) makeOpaque(overlay, rename.target, target, rename.fromParent, draft);
  return 0;
}

function refuse(overlay: Overlay, rename: Rename, node: Inode, target: Inode | null, profile: OverlayProfile): number {
  if (!profile.redirectDir) {
    if (node.dir !== null && isMergeOrLower(overlay, rename.ino)) return EXDEV;
    if (rename.exchange && target?.dir && isMergeOrLower(overlay, rename.target)) return EXDEV;
  }
  if (!rename.exchange && target?.dir && target.dir.entries.size > 0) return ENOTEMPTY;
  return 0;
}

/**
 * A directory without a lower part that moves into a merged directory is marked opaque, whether or not the lower holds
 * its new name (R5, R6): so says the kernel (ovl_rename), and exported layers show it.
 */
function makeOpaque(overlay: Overlay, ino: Ino, node: Inode, parent: Ino, draft: Draft): void {
  if (node.dir === null || node.dir.opaque) return;
  if (isMergeOrLower(overlay, ino)) return;
  if (isMergeOrLower(overlay, parent)) draft.events.push({ type: 'OpaqueSet', ino });
}
