/** Extended attributes (xattr(7)). Values are bytes; POSIX ACLs are the attributes of that name and move the mode along. */

import type { Cause, FileEvent } from '../../events/event.ts';
import { isDirectoryMode, isFileMode, isSymlinkMode } from '../../events/mode.ts';
import { nameBytes } from '../../events/name.ts';
import { type Inode, xattrOf } from '../../projections/tree/inode.ts';
import { ACL_ACCESS, ACL_DEFAULT, aclFault, isEmptyAcl, isValidAcl, modeOfAcl } from '../acl.ts';
import type { Caller } from '../caller.ts';
import { copyUp, type Named } from '../decide/copy-up.ts';
import type { Draft } from '../engine.ts';
import { E2BIG, EACCES, EBADF, EEXIST, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE, ESTALE } from '../errno.ts';
import { FOLLOW, Found, walk } from '../lookup.ts';
import type { Location, Mount, Namespace } from '../namespace.ts';
import { O_PATH, type OpenFile } from '../open-files.ts';
import { changeFile, changePath } from './change.ts';
import { commitDraft, draftFor } from './commit.ts';
import { nodeOf } from './data.ts';

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
  return changePath(caller, start, path, follow, (mount, named, inode) =>
    set(caller.namespace, mount, named, inode, name, value, flags, ['setxattr', path, name, value.length]),
  );
}

export function fsetxattr(file: OpenFile, name: string, value: Uint8Array, flags: number): number {
  const invalid = refuseArguments(name, value, flags);
  if (invalid !== 0) return invalid;
  return changeFile(file, (named, inode) =>
    set(file.namespace, file.mount, named, inode, name, value, flags, ['fsetxattr', file.path, name, value.length]),
  );
}

export function removexattr(caller: Caller, start: Location, path: string, name: string, follow: boolean): number {
  return changePath(caller, start, path, follow, (mount, named, inode) =>
    remove(caller.namespace, mount, named, inode, name, ['removexattr', path, name]),
  );
}

export function fremovexattr(file: OpenFile, name: string): number {
  return changeFile(file, (named, inode) =>
    remove(file.namespace, file.mount, named, inode, name, ['fremovexattr', file.path, name]),
  );
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
  return error === 0 ? get(found.mount.overlay.tree.at(found.ino), name) : error;
}

export function fgetxattr(file: OpenFile, name: string): Uint8Array | number {
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  return file.flags & O_PATH ? EBADF : get(inode, name);
}

/** Names of the attributes, sorted. */
export function listxattr(caller: Caller, start: Location, path: string, follow: boolean): string[] | number {
  const error = walk(caller, start, path, follow ? FOLLOW : 0, found);
  return error === 0 ? found.mount.overlay.tree.at(found.ino).xattrs.map(([name]) => name) : error;
}

export function flistxattr(file: OpenFile): string[] | number {
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  return file.flags & O_PATH ? EBADF : inode.xattrs.map(([name]) => name);
}

function get(inode: Inode, name: string): Uint8Array | number {
  if (refuseKind(inode, name) !== 0) return ENODATA;
  const refused = refuseName(name);
  if (refused !== 0) return refused;
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
 * stays (SEMANTICS 1.2). An ACL is judged before.
 */
function set(
  namespace: Namespace,
  mount: Mount,
  named: Named,
  inode: Inode,
  name: string,
  value: Uint8Array,
  flags: number,
  cause: Cause,
): number {
  const refused = refuseKind(inode, name) || (isAcl(name) ? refuseAcl(inode, name, value) : 0);
  if (refused !== 0) return refused;
  const draft = draftFor(namespace, mount);
  const ino = upperOf(mount, named, inode, draft);
  const result = isAcl(name) ? 0 : refuseName(name) || refuseFlags(inode, name, flags);
  if (result === 0) {
    if (isAcl(name)) setAcl(draft, ino, inode, name, value);
    else draft.events.push(xattrSet(draft, ino, name, value));
  }
  commitDraft(namespace, mount, cause, draft);
  return result;
}

/** Unlike other calls these leave a further name of an indexed hard link where it is (ovl_xattr_set, ovl_set_acl). */
function upperOf(mount: Mount, named: Named, inode: Inode, draft: Draft): number {
  return inode.isUpper ? named.ino : copyUp(mount.overlay, named, draft);
}

function refuseAcl(inode: Inode, name: string, value: Uint8Array): number {
  const fault = aclFault(value);
  if (fault !== null) return fault === 'version' ? EOPNOTSUPP : EINVAL;
  if (isEmptyAcl(value)) return 0;
  if (name === ACL_DEFAULT && inode.dir === null) return EACCES;
  return isValidAcl(value) ? 0 : EINVAL;
}

function refuseFlags(inode: Inode, name: string, flags: number): number {
  const exists = xattrOf(inode.xattrs, name) !== undefined;
  if (flags & XATTR_CREATE && exists) return EEXIST;
  return flags & XATTR_REPLACE && !exists ? ENODATA : 0;
}

/** An access ACL moves the mode along, and is not kept where the mode says it all. */
function setAcl(draft: Draft, ino: number, inode: Inode, name: string, value: Uint8Array): void {
  const isEmpty = isEmptyAcl(value);
  let isKept = !isEmpty;
  if (name === ACL_ACCESS && !isEmpty) {
    const acl = modeOfAcl(value);
    isKept = !acl.isMinimal;
    draft.events.push({
      type: 'AttributesChanged',
      ino,
      mode: (inode.mode & 0o7000) | acl.permissions,
      uid: null,
      gid: null,
      atimeNs: null,
      mtimeNs: null,
      ctimeNs: draft.timeNs,
    });
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

function remove(namespace: Namespace, mount: Mount, named: Named, inode: Inode, name: string, cause: Cause): number {
  const refused = refuseKind(inode, name) || refuseName(name);
  if (refused !== 0) return refused;
  if (xattrOf(inode.xattrs, name) === undefined) {
    // Removing an ACL that an upper node does not have, or no file can have, succeeds (ovl_set_acl); a lower node is
    // looked at first.
    const cannotHaveIt = name === ACL_DEFAULT && inode.dir === null;
    return isAcl(name) && (inode.isUpper || cannotHaveIt) ? 0 : ENODATA;
  }
  const draft = draftFor(namespace, mount);
  const ino = upperOf(mount, named, inode, draft);
  draft.events.push({ type: 'XattrRemoved', ino, name, ctimeNs: draft.timeNs });
  commitDraft(namespace, mount, cause, draft);
  return 0;
}
