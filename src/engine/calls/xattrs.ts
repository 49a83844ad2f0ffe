/** Extended attributes (xattr(7)). Values are bytes; POSIX ACLs are the attributes of that name and move the mode along. */

import type { Cause, FileEvent } from '../../events/event.ts';
import { isDirectoryMode, isFileMode, isSymlinkMode, PERMISSION_BITS, S_ISGID, S_ISVTX } from '../../events/mode.ts';
import { nameBytes } from '../../events/name.ts';
import { type Inode, xattrOf } from '../../projections/tree/inode.ts';
import { ACL_ACCESS, ACL_DEFAULT, aclFault, isEmptyAcl, isValidAcl, modeOfAcl } from '../acl.ts';
import type { Caller } from '../caller.ts';
import { copyUp, type Named } from '../decide/copy-up.ts';
import type { Draft } from '../engine.ts';
import { E2BIG, EACCES, EBADF, EEXIST, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE, ESTALE } from '../errno.ts';
import { type Identity, isInGroup, MAY_READ, MAY_WRITE, owns, permit } from '../identity.ts';
import { FOLLOW, Found, walk } from '../lookup.ts';
import type { Location, Mount } from '../namespace.ts';
import { O_PATH, type OpenFile } from '../open-files.ts';
import { changeFile, changePath, type Target } from './change.ts';
import { commitDraft, draftFor } from './commit.ts';
import { nodeOf } from './data.ts';
import { CAPABILITY, isCapability, modeChanged } from './privileges.ts';

/** setxattr(2) flags. */
export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

/** linux/limits.h XATTR_NAME_MAX, XATTR_SIZE_MAX */
const XATTR_NAME_BYTES_MAX = 255;
const XATTR_VALUE_BYTES_MAX = 65_536;

const found = new Found();

export function setxattr(
  caller: Caller,
  start: Location,
  path: string,
  name: string,
  value: Uint8Array,
  flags: number,
  follow: boolean,
): number {
  const invalid = refuseArguments(name, value, flags);
  if (invalid !== 0) return invalid;
  const cause: Cause = ['setxattr', path, name, value.length];
  return changePath(caller, start, path, follow, (target) => set(target, name, value, flags, cause));
}

export function fsetxattr(file: OpenFile, name: string, value: Uint8Array, flags: number): number {
  const invalid = refuseArguments(name, value, flags);
  if (invalid !== 0) return invalid;
  const cause: Cause = ['fsetxattr', file.path, name, value.length];
  return changeFile(file, (target) => set(target, name, value, flags, cause));
}

export function removexattr(caller: Caller, start: Location, path: string, name: string, follow: boolean): number {
  return changePath(caller, start, path, follow, (target) => remove(target, name, ['removexattr', path, name]));
}

export function fremovexattr(file: OpenFile, name: string): number {
  return changeFile(file, (target) => remove(target, name, ['fremovexattr', file.path, name]));
}

/** Value of an attribute; a view that must not be changed. */
export function getxattr(
  caller: Caller,
  start: Location,
  path: string,
  name: string,
  follow: boolean,
): Uint8Array | number {
  const error = walk(caller, start, path, follow ? FOLLOW : 0, found);
  return error === 0 ? get(caller.identity, found.mount.overlay.tree.at(found.ino), name) : error;
}

export function fgetxattr(file: OpenFile, name: string): Uint8Array | number {
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  return file.flags & O_PATH ? EBADF : get(file.identity, inode, name);
}

/** Names of the attributes, sorted. */
export function listxattr(caller: Caller, start: Location, path: string, follow: boolean): string[] | number {
  const error = walk(caller, start, path, follow ? FOLLOW : 0, found);
  return error === 0 ? list(caller.identity, found.mount.overlay.tree.at(found.ino)) : error;
}

export function flistxattr(file: OpenFile): string[] | number {
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  return file.flags & O_PATH ? EBADF : list(file.identity, inode);
}

/** Attributes of the namespace `trusted` are for root's eyes. */
function list(identity: Identity | null, inode: Inode): string[] {
  const names = inode.xattrs.map(([name]) => name);
  return identity === null ? names : names.filter((name) => !name.startsWith('trusted.'));
}

function get(identity: Identity | null, inode: Inode, name: string): Uint8Array | number {
  const refused = refuseKind(inode, name);
  if (refused !== 0) return refused === EPERM ? ENODATA : refused;
  if (identity !== null) {
    if (name.startsWith('trusted.')) return ENODATA;
    if (!/^(security|system)\./.test(name) && permit(identity, inode, MAY_READ) !== 0) return EACCES;
  }
  const unknown = refuseName(name);
  if (unknown !== 0) return unknown;
  return xattrOf(inode.xattrs, name) ?? ENODATA;
}

function refuseArguments(name: string, value: Uint8Array, flags: number): number {
  if (flags & ~(XATTR_CREATE | XATTR_REPLACE)) return EINVAL;
  if (name === '' || nameBytes(name) > XATTR_NAME_BYTES_MAX) return ERANGE;
  return value.length > XATTR_VALUE_BYTES_MAX ? E2BIG : 0;
}

const isAcl = (name: string): boolean => name === ACL_ACCESS || name === ACL_DEFAULT;

/** What the VFS refuses before the overlay is asked: user attributes belong to files and directories only. */
function refuseKind(inode: Inode, name: string): number {
  if (isAcl(name)) return isSymlinkMode(inode.mode) ? EOPNOTSUPP : 0;
  if (name.startsWith('user.') && !isFileMode(inode.mode) && !isDirectoryMode(inode.mode)) return EPERM;
  return 0;
}

/** What a user may not write (xattr_permission and the capability module); an ACL is judged apart. */
function refuseChange(identity: Identity, inode: Inode, name: string): number {
  if (name.startsWith('system.')) return 0;
  if (name.startsWith('trusted.') || name.startsWith('security.')) return EPERM;
  const isSticky = inode.dir !== null && (inode.mode & S_ISVTX) !== 0;
  if (name.startsWith('user.') && isSticky && !owns(identity, inode)) return EPERM;
  return permit(identity, inode, MAY_WRITE);
}

/** What a file system knows no attribute for. */
function refuseName(name: string): number {
  if (isAcl(name)) return 0;
  const dot = name.indexOf('.');
  if (!NAMESPACES.has(name.slice(0, Math.max(0, dot)))) return EOPNOTSUPP;
  return dot === name.length - 1 ? EINVAL : 0;
}

const NAMESPACES: ReadonlySet<string> = new Set(['user', 'trusted', 'security']);

/**
 * Name and flags are judged after the copy-up, as the kernel does it: where the attribute is refused then, the copy-up
 * stays (SEMANTICS 1.2). An ACL is judged before; an empty one stands for none.
 */
function set(target: Target, name: string, value: Uint8Array, flags: number, cause: Cause): number {
  const { namespace, identity, mount, named, inode } = target;
  if (name === CAPABILITY && value.length > 0 && !isCapability(value)) return EINVAL;
  const acl = isAcl(name);
  if (acl && aclFault(value) === null && isEmptyAcl(value)) return remove(target, name, cause);
  const refused =
    refuseKind(inode, name) ||
    (acl ? refuseAcl(target, name, value) : identity === null ? 0 : refuseChange(identity, inode, name));
  if (refused !== 0) return refused;
  if (target.refusal !== 0) return target.refusal;
  const draft = draftFor(namespace, mount);
  const ino = upperOf(mount, named, inode, draft);
  const result = acl ? 0 : refuseName(name) || refuseFlags(inode, name, flags);
  if (result === 0) {
    if (acl) setAcl(draft, ino, target, name, value);
    else draft.events.push(xattrSet(draft, ino, name, value));
  }
  commitDraft(namespace, mount, cause, draft);
  return result;
}

/** Unlike other calls these leave a further name of an indexed hard link where it is (ovl_xattr_set, ovl_set_acl). */
function upperOf(mount: Mount, named: Named, inode: Inode, draft: Draft): number {
  return inode.isUpper ? named.ino : copyUp(mount.overlay, named, draft);
}

/** As posix_acl_from_xattr and set_posix_acl judge it. */
function refuseAcl({ identity, inode }: Target, name: string, value: Uint8Array): number {
  const fault = aclFault(value);
  if (fault !== null) return fault === 'version' ? EOPNOTSUPP : EINVAL;
  if (name === ACL_DEFAULT && inode.dir === null) return EACCES;
  if (identity !== null && !owns(identity, inode)) return EPERM;
  return isValidAcl(value) ? 0 : EINVAL;
}

function refuseFlags(inode: Inode, name: string, flags: number): number {
  const exists = xattrOf(inode.xattrs, name) !== undefined;
  if (flags & XATTR_CREATE && exists) return EEXIST;
  return flags & XATTR_REPLACE && !exists ? ENODATA : 0;
}

/**
 * An access ACL moves the mode along, and is not kept where the mode says it all. It takes setgid away from a caller who is
 * not of the group.
 */
function setAcl(draft: Draft, ino: number, { identity, inode }: Target, name: string, value: Uint8Array): void {
  let isKept = true;
  if (name === ACL_ACCESS) {
    const acl = modeOfAcl(value);
    isKept = !acl.isMinimal;
    const kept = losesSetgidByAcl(identity, inode) ? 0o7000 & ~S_ISGID : 0o7000;
    const mode = (inode.mode & kept) | acl.permissions;
    if (mode !== (inode.mode & PERMISSION_BITS)) draft.events.push(modeChanged(draft, ino, mode));
  }
  if (isKept) draft.events.push(xattrSet(draft, ino, name, value));
  else if (xattrOf(inode.xattrs, name) !== undefined) {
    draft.events.push({ type: 'XattrRemoved', ino, name, ctimeNs: draft.timeNs });
  }
}

const xattrSet = (draft: Draft, ino: number, name: string, value: Uint8Array): FileEvent => ({
  type: 'XattrSet',
  ino,
  name,
  value: Uint8Array.from(value),
  ctimeNs: draft.timeNs,
});

function remove(target: Target, name: string, cause: Cause): number {
  const { namespace, identity, mount, named, inode } = target;
  const acl = isAcl(name);
  const cannotHaveIt = name === ACL_DEFAULT && inode.dir === null;
  let refused = refuseKind(inode, name);
  if (refused === 0 && identity !== null && !cannotHaveIt) {
    if (acl) refused = owns(identity, inode) ? 0 : EPERM;
    else refused = refuseChange(identity, inode, name);
  }
  refused ||= refuseName(name);
  if (refused !== 0) return refused;
  const losesSetgid = name === ACL_ACCESS && mount.overlay.lower !== null && losesSetgidByAcl(identity, inode);
  const exists = xattrOf(inode.xattrs, name) !== undefined;
  if (!exists && !losesSetgid) {
    // Removing an ACL that an upper node does not have, or no file can have, succeeds (ovl_set_acl); a lower node is
    // looked at first.
    return acl && (inode.isUpper || cannotHaveIt) ? 0 : ENODATA;
  }
  if (target.refusal !== 0) return target.refusal;
  const draft = draftFor(namespace, mount);
  const ino = upperOf(mount, named, inode, draft);
  // An overlay does that before it looks for the ACL (ovl_set_acl); other file systems when they set one.
  if (losesSetgid) draft.events.push(modeChanged(draft, ino, inode.mode & PERMISSION_BITS & ~S_ISGID));
  if (exists) draft.events.push({ type: 'XattrRemoved', ino, name, ctimeNs: draft.timeNs });
  commitDraft(namespace, mount, cause, draft);
  return 0;
}

/** An access ACL takes setgid away from who is not of the group. */
const losesSetgidByAcl = (identity: Identity | null, { mode, gid }: Inode): boolean =>
  identity !== null && (mode & S_ISGID) !== 0 && !isInGroup(identity, gid);
