import { commitDraft, draftFor } from '../../engine/calls/commit.ts';
import type { Caller } from '../../engine/caller.ts';
import { copyUp, copyUpDirectory } from '../../engine/decide/copy-up.ts';
import { existsBelow, isMergeOrLower } from '../../engine/decide/lower.ts';
import { redirectOf } from '../../engine/decide/redirect.ts';
import { Found, WANT_PARENT, walk } from '../../engine/lookup.ts';
import type { ImpureMarks } from './impure-marks.ts';

const found = new Found();
const foundTo = new Found();

/**
 * Does to the engine's tree what the kernel leaves behind when it refuses a rename with ENOTEMPTY (deviation D2): the file
 * system below refuses last, when the source has been copied up and marked already. It does so where the directory at the
 * new name is the upper's own; of another one the overlay itself sees first that it is not empty.
 */
export function leaveRefusedRename(caller: Caller, from: string, to: string, impure: ImpureMarks): void {
  if (walk(caller, caller.cwd, from, WANT_PARENT, found) !== 0) return;
  if (walk(caller, caller.cwd, to, WANT_PARENT, foundTo) !== 0) return;
  const { overlay } = found.mount;
  const source = { parent: found.parent, name: found.name, ino: found.ino };
  const isAncestor = foundTo.last !== 'name' || isInside(overlay.tree, source.parent, foundTo.ino);
  if (isAncestor || isMergeOrLower(overlay, foundTo.ino)) return;
  const isMerged = isMergeOrLower(overlay, source.ino);
  const isOpaque = overlay.tree.at(source.ino).dir?.opaque === true;
  const movesIntoMerged = isMergeOrLower(overlay, foundTo.parent);
  const draft = draftFor(caller.namespace, found.mount);
  const redirect = isMerged ? (redirectOf(overlay, source, source.parent === foundTo.parent) ?? '') : '';
  copyUp(overlay, source, draft);
  copyUpDirectory(overlay, foundTo.parent, draft);
  if (redirect !== '') draft.events.push({ type: 'RedirectSet', ino: source.ino, redirect });
  if (!isMerged && !isOpaque && movesIntoMerged) draft.events.push({ type: 'OpaqueSet', ino: source.ino });
  // ext4 has put a whiteout at the old name by then, and takes it back (ext4_resetent).
  if (existsBelow(overlay, source.parent, source.name)) {
    const kept = { mode: null, uid: null, gid: null, atimeNs: null };
    const { timeNs } = draft;
    draft.events.push({ type: 'AttributesChanged', ino: source.parent, ...kept, mtimeNs: timeNs, ctimeNs: timeNs });
  }
  commitDraft(caller.namespace, found.mount, ['rename', from, to], draft);
  impure.noteMove(overlay, source.ino, source.parent, foundTo.parent);
}

function isInside(tree: { get(ino: number): { readonly parent: number } | undefined }, ino: number, ancestor: number) {
  for (let at = ino; ;) {
    if (at === ancestor) return true;
    const parent = tree.get(at)?.parent ?? 0;
    if (parent === 0 || parent === at) return false;
    at = parent;
  }
}
