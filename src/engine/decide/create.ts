import type { Ino } from '../../events/event.ts';
import { isDirectoryMode, S_ISGID } from '../../events/mode.ts';
import { xattrOf } from '../../projections/tree/inode.ts';
import type { Overlay } from '../../projections/world.ts';
import { ACL_ACCESS, ACL_DEFAULT, inheritAcl } from '../acl.ts';
import type { Draft } from '../engine.ts';
import { copyUpDirectory } from './copy-up.ts';
import { existsBelow, isMergeOrLower } from './lower.ts';

export interface NewNode {
  readonly parent: Ino;
  readonly name: string;
  /** Format and permission bits as asked, before the umask. */
  readonly mode: number;
  readonly umask: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly target: string;
}

/**
 * Makes a node under a free name (W3, W4, W5; M9 for inherited groups and ACLs).
 *
 * A directory over a whiteout becomes opaque, or the lower directory's content would show in it. With any of the overlay
 * options every new directory in a merged one does: the kernel then takes it that lowers never change
 * (ovl_allow_offline_changes), and need not look below it.
 *
 * @returns The new node's number.
 */
export function createNode(overlay: Overlay, node: NewNode, draft: Draft): Ino {
  const { events, timeNs } = draft;
  copyUpDirectory(overlay, node.parent, draft);
  const hidesLower = existsBelow(overlay, node.parent, node.name);
  if (hidesLower) events.push({ type: 'WhiteoutRemoved', parent: node.parent, name: node.name });
  const ino = draft.newIno();
  const inherited = inheritFrom(overlay, node);
  events.push({
    type: 'NodeCreated',
    parent: node.parent,
    name: node.name,
    ino,
    mode: inherited.mode,
    uid: node.uid,
    gid: inherited.gid,
    rdev: node.rdev,
    target: node.target,
    timeNs,
    parentTimeNs: timeNs,
  });
  for (const [name, value] of inherited.xattrs) events.push({ type: 'XattrSet', ino, name, value, ctimeNs: null });
  if (isDirectoryMode(node.mode) && (hidesLower || closesDirectories(overlay, node.parent)))
    events.push({ type: 'OpaqueSet', ino });
  return ino;
}

function closesDirectories(overlay: Overlay, parent: Ino): boolean {
  const { redirectDir, index, metacopy } = overlay.profile;
  return (redirectDir || index || metacopy) && isMergeOrLower(overlay, parent);
}

/** Makes a file without a name (O_TMPFILE); its directory is copied up (O6). */
export function createNameless(overlay: Overlay, node: NewNode, draft: Draft): Ino {
  copyUpDirectory(overlay, node.parent, draft);
  const ino = draft.newIno();
  const inherited = inheritFrom(overlay, node);
  draft.events.push({
    type: 'NodeCreated',
    parent: 0,
    name: '',
    ino,
    mode: inherited.mode,
    uid: node.uid,
    gid: inherited.gid,
    rdev: 0,
    target: '',
    timeNs: draft.timeNs,
    parentTimeNs: null,
  });
  for (const [name, value] of inherited.xattrs)
    draft.events.push({ type: 'XattrSet', ino, name, value, ctimeNs: null });
  return ino;
}

interface Inherited {
  readonly mode: number;
  readonly gid: number;
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

const NOTHING: readonly (readonly [string, Uint8Array])[] = [];

/** Group of a setgid directory, and its default ACL, which takes the place of the umask (acl(5)). */
function inheritFrom(overlay: Overlay, node: NewNode): Inherited {
  const directory = overlay.tree.at(node.parent);
  let { mode, gid } = node;
  if (directory.mode & S_ISGID) {
    gid = directory.gid;
    if (isDirectoryMode(mode)) mode |= S_ISGID;
  }
  if (node.target !== '') return { mode, gid, xattrs: NOTHING };
  const defaultAcl = directory.xattrs.length === 0 ? undefined : xattrOf(directory.xattrs, ACL_DEFAULT);
  if (defaultAcl === undefined) return { mode: mode & ~node.umask, gid, xattrs: NOTHING };
  const inherited = inheritAcl(defaultAcl, mode);
  const xattrs: (readonly [string, Uint8Array])[] = [];
  if (inherited.access !== null) xattrs.push([ACL_ACCESS, inherited.access]);
  if (isDirectoryMode(mode)) xattrs.push([ACL_DEFAULT, defaultAcl]);
  return { mode: inherited.mode, gid, xattrs };
}
