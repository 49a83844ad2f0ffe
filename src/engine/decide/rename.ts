import type { Ino } from '../../events/event.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Draft } from '../engine.ts';
import { ENOTEMPTY, EXDEV } from '../errno.ts';
import { copyUp, copyUpDirectory, keepsLinks, type Named } from './copy-up.ts';
import { existsBelow, isMergeOrLower } from './lower.ts';
import { isDataBelow, redirectOf } from './redirect.ts';
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
 * Moves a name (R1–R13).
 *
 * The caller has resolved both names and checked what the VFS checks (mounts, `.` and `..`, ancestors, kinds, NOREPLACE). What
 * is here is the overlay's own: a directory with a lower part moves only with `redirect_dir`, and says then where its lower
 * part is; without it is EXDEV, before everything else, so that callers copy and delete. A whiteout stays where a lower name
 * would reappear; a directory of the upper's own that moves into a merged one becomes opaque.
 *
 * @returns 0, EXDEV, or ENOTEMPTY.
 */
export function renameNode(overlay: Overlay, rename: Rename, draft: Draft): number {
  const { tree } = overlay;
  const source = { parent: rename.fromParent, name: rename.fromName, ino: rename.ino };
  const other = { parent: rename.toParent, name: rename.toName, ino: rename.target };
  const target = rename.target === 0 ? null : tree.at(rename.target);
  const marks = marksOf(overlay, source, rename.toParent);
  const otherMarks = rename.exchange ? marksOf(overlay, other, rename.fromParent) : NO_MARKS;
  if (marks === null || otherMarks === null) return EXDEV;
  if (!rename.exchange && target?.dir && target.dir.entries.size > 0) return ENOTEMPTY;

  const ino = copyUp(overlay, source, draft);
  copyUpDirectory(overlay, rename.fromParent, draft);
  copyUpDirectory(overlay, rename.toParent, draft);
  let replaced = rename.target;
  const isKept = target !== null && keepsLinks(overlay, target);
  if (rename.exchange || isKept) replaced = copyUp(overlay, other, draft);
  setRedirect(ino, marks, draft);
  if (rename.exchange) setRedirect(replaced, otherMarks, draft);
  if (target === null && existsBelow(overlay, rename.toParent, rename.toName)) {
    draft.events.push({ type: 'WhiteoutRemoved', parent: rename.toParent, name: rename.toName });
  }
  const replacedNlink = target === null || rename.exchange ? 0 : linksAfterRemoval(overlay, target);
  const isReplacedInUpper = target !== null && (target.isUpper || isKept);
  draft.events.push({
    type: 'Renamed',
    ino,
    fromParent: rename.fromParent,
    fromName: rename.fromName,
    toParent: rename.toParent,
    toName: rename.toName,
    replaced,
    replacedNlink,
    replacedReleased: isReplacedInUpper && !rename.exchange && replacedNlink === 0 && !rename.targetIsOpen,
    exchange: rename.exchange,
    timeNs: draft.timeNs,
  });
  if (!rename.exchange && existsBelow(overlay, rename.fromParent, rename.fromName)) {
    draft.events.push({ type: 'WhiteoutCreated', parent: rename.fromParent, name: rename.fromName });
  }
  if (marks.isOpaque) draft.events.push({ type: 'OpaqueSet', ino });
  if (otherMarks.isOpaque) draft.events.push({ type: 'OpaqueSet', ino: replaced });
  return 0;
}

/** What a node has to carry where it moves to. */
interface Marks {
  /** '': none, or the one that it has will do. */
  readonly redirect: string;
  readonly isOpaque: boolean;
}

const NO_MARKS: Marks = { redirect: '', isOpaque: false };

/**
 * The marks of a node that moves into a directory; null: it cannot move.
 *
 * A directory without a lower part that moves into a merged directory is marked opaque, whether or not the lower holds
 * its new name (R5, R6): so says the kernel (ovl_rename), and exported layers show it.
 */
function marksOf(overlay: Overlay, node: Named, parent: Ino): Marks | null {
  const { dir } = overlay.tree.at(node.ino);
  const isMerged = dir !== null && isMergeOrLower(overlay, node.ino);
  if (isMerged && !overlay.profile.redirectDir) return null;
  if (isMerged || (dir === null && isDataBelow(overlay, node.ino))) {
    const redirect = redirectOf(overlay, node, node.parent === parent);
    return redirect === null ? null : { redirect, isOpaque: false };
  }
  return dir === null ? NO_MARKS : { redirect: '', isOpaque: !dir.opaque && isMergeOrLower(overlay, parent) };
}

function setRedirect(ino: Ino, { redirect }: Marks, draft: Draft): void {
  if (redirect !== '') draft.events.push({ type: 'RedirectSet', ino, redirect });
}
