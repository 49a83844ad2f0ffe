/** open(2) and close(2). */

import type { Cause, Ino } from '../../events/event.ts';
import { isFileMode, isSymlinkMode, PERMISSION_BITS, S_IFREG } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Caller } from '../caller.ts';
import { copyUp, type Named } from '../decide/copy-up.ts';
import { createNameless, createNode } from '../decide/create.ts';
import type { Draft } from '../engine.ts';
import { EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM, EROFS } from '../errno.ts';
import { MAY_READ, MAY_WRITE, owns, permit, permitCreate, permitOpenInSticky, strippedMode } from '../identity.ts';
import { FOLLOW, Found, isAttached, NO_SLASH, WANT_PARENT, walk } from '../lookup.ts';
import type { Location, Mount } from '../namespace.ts';
import {
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  OpenFile,
} from '../open-files.ts';
import { commitDraft, draftFor } from './commit.ts';
import { nameOfNode } from './name-of-file.ts';
import { dropPrivileges } from './privileges.ts';

const found = new Found();

/**
 * Opens a file or directory, and makes it where O_CREAT or O_TMPFILE ask for it.
 *
 * A lower file is copied up when it is opened for writing or with O_TRUNC, even if nothing is written then.
 *
 * @param mode - Permission bits of a new file, before the umask.
 * @returns The open file, or a negative error number. FIFOs, sockets and devices have nobody at the other end here and
 *   are ENXIO, except with O_PATH.
 */
export function open(caller: Caller, start: Location, path: string, flags: number, mode: number): OpenFile | number {
  if ((flags & O_TMPFILE) === O_TMPFILE && !(flags & O_PATH)) return openNameless(caller, start, path, flags, mode);
  if (flags & O_PATH) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
  if (flags & O_CREAT) {
    if (flags & O_DIRECTORY) return EINVAL;
    return openOrCreate(caller, start, path, flags, mode);
  }
  const error = walk(caller, start, path, flags & O_NOFOLLOW ? 0 : FOLLOW, found);
  if (error !== 0) return error;
  return openExisting(caller, path, flags);
}

/**
 * Opens a node that is known already, because a kernel that is served has looked it up: no path is walked.
 *
 * @param node - With the name by which it would be copied up; parent 0: the tree is asked.
 * @param path - For errors and causes.
 */
export function openNode(caller: Caller, node: Location & Named, flags: number, path: string): OpenFile | number {
  found.mount = node.mount;
  found.ino = node.ino;
  const named = node.parent === 0 ? nameOfNode(node.mount, node.ino) : node;
  found.parent = named.parent;
  found.name = named.name;
  found.last = named.parent === 0 ? 'root' : 'name';
  return openExisting(caller, path, flags);
}

/** Releases one reference; the last one lets a node without a name go. */
export function close(file: OpenFile): number {
  if (file.isClosed || --file.references > 0) return 0;
  file.isClosed = true;
  const { namespace, mount, ino } = file;
  namespace.files.remove(file);
  if (namespace.engine === null || namespace.engine.log.readOnly) return 0;
  const inode = mount.overlay.tree.get(ino);
  const isOrphan = inode !== undefined && inode.isUpper && inode.nlink === 0 && inode.parent === 0;
  if (isOrphan && !namespace.files.isOpen(mount.subject, ino)) {
    const draft = draftFor(namespace, mount);
    draft.events.push({ type: 'NodeReleased', ino });
    commitDraft(namespace, mount, ['close', file.path], draft);
  }
  return 0;
}

function openOrCreate(caller: Caller, start: Location, path: string, flags: number, mode: number): OpenFile | number {
  const isExclusive = (flags & O_EXCL) !== 0;
  const follow = isExclusive || flags & O_NOFOLLOW ? 0 : FOLLOW;
  const error = walk(caller, start, path, WANT_PARENT | NO_SLASH | follow, found);
  if (error !== 0) return error;
  if (found.last !== 'name') return isExclusive ? EEXIST : EISDIR;
  if (found.ino !== 0) {
    if (isExclusive) return EEXIST;
    const inode = found.mount.overlay.tree.at(found.ino);
    if (inode.dir !== null) return EISDIR;
    if (caller.identity !== null || !isFileMode(inode.mode)) {
      const directory = found.parentMount.overlay.tree.at(found.parent);
      if (permitOpenInSticky(caller.identity, directory, inode) !== 0) return EACCES;
    }
    return openExisting(caller, path, flags);
  }
  const mount = found.parentMount;
  if (mount.readOnly) return EROFS;
  const permissions = newPermissions(caller, mount, found.parent, mode);
  if (permissions < 0) return permissions;
  const draft = draftFor(caller.namespace, mount);
  const ino = createNode(mount.overlay, newFile(caller, permissions), draft);
  commitDraft(caller.namespace, mount, openCause(caller, path, flags, mode), draft);
  return opened(caller, mount, ino, flags, path);
}

function openNameless(caller: Caller, start: Location, path: string, flags: number, mode: number): OpenFile | number {
  if ((flags & O_ACCMODE) === O_RDONLY || flags & O_CREAT) return EINVAL;
  const error = walk(caller, start, path, FOLLOW, found);
  if (error !== 0) return error;
  const { mount, ino } = found;
  if (mount.overlay.tree.at(ino).dir === null) return ENOTDIR;
  if (mount.readOnly) return EROFS;
  const permissions = newPermissions(caller, mount, ino, mode);
  if (permissions < 0) return permissions;
  if (!isAttached(mount, ino)) return ENOENT;
  const draft = draftFor(caller.namespace, mount);
  const created = createNameless(mount.overlay, { ...newFile(caller, permissions), parent: ino, name: '' }, draft);
  commitDraft(caller.namespace, mount, openCause(caller, path, flags, mode), draft);
  found.parent = 0;
  found.name = '';
  return opened(caller, mount, created, flags, path);
}

function openExisting(caller: Caller, path: string, flags: number): OpenFile | number {
  const { mount } = found;
  const inode = mount.overlay.tree.get(found.ino);
  if (inode === undefined) return ENOENT;
  if (isSymlinkMode(inode.mode)) {
    if (!(flags & O_PATH) || flags & O_DIRECTORY) return flags & O_DIRECTORY ? ENOTDIR : ELOOP;
    return opened(caller, mount, found.ino, flags, path);
  }
  if (flags & O_DIRECTORY && inode.dir === null) return ENOTDIR;
  if (flags & O_PATH) return opened(caller, mount, found.ino, flags, path);
  const writes = (flags & O_ACCMODE) !== O_RDONLY;
  if (inode.dir !== null) {
    if (writes || flags & O_TRUNC) return EISDIR;
    const refused = refuseOpen(caller, inode, flags);
    return refused === 0 ? opened(caller, mount, found.ino, flags, path) : refused;
  }
  if (caller.identity !== null) {
    if (mount.readOnly && (writes || flags & O_TRUNC) && isFileMode(inode.mode)) return EROFS;
    const refused = refuseOpen(caller, inode, flags);
    if (refused !== 0) return refused;
  }
  if (!isFileMode(inode.mode)) return ENXIO;
  if (!writes && !(flags & O_TRUNC)) return opened(caller, mount, found.ino, flags, path);
  if (mount.readOnly) return EROFS;
  return openForWriting(caller, path, flags);
}

/** May the caller open it so (may_open)? Reading times without changing them is for the owner. */
function refuseOpen({ identity }: Caller, inode: Inode, flags: number): number {
  if (identity === null) return 0;
  const access = flags & O_ACCMODE;
  const wanted =
    (access === O_WRONLY ? MAY_WRITE : access === O_RDONLY ? MAY_READ : MAY_READ | MAY_WRITE) |
    (flags & O_TRUNC ? MAY_WRITE : 0);
  if (permit(identity, inode, wanted) !== 0) return EACCES;
  return flags & O_NOATIME && !owns(identity, inode) ? EPERM : 0;
}

function openForWriting(caller: Caller, path: string, flags: number): OpenFile | number {
  const { mount } = found;
  const named = namedNode();
  const draft = draftFor(caller.namespace, mount);
  const truncates = (flags & O_TRUNC) !== 0;
  const ino = copyUp(mount.overlay, named, draft, truncates ? 'nothing' : 'data');
  if (truncates) {
    const before = mount.overlay.tree.at(named.ino);
    dropPrivileges(caller.identity, before, ino, draft);
    truncateAtOpen(before, ino, draft);
  }
  commitDraft(caller.namespace, mount, openCause(caller, path, flags, 0), draft);
  return opened(caller, mount, ino, flags, path);
}

/**
 * O_TRUNC always changes the times, even of an empty file (do_truncate with ATTR_OPEN).
 *
 * @param before - The node as it is now; `ino` is its number in the upper.
 */
export function truncateAtOpen(before: Inode, ino: Ino, draft: Draft): void {
  if (before.size > 0 || before.content !== null) {
    draft.events.push({ type: 'Truncated', ino, size: 0, timeNs: draft.timeNs });
    return;
  }
  draft.events.push({
    type: 'AttributesChanged',
    ino,
    mode: null,
    uid: null,
    gid: null,
    atimeNs: null,
    mtimeNs: draft.timeNs,
    ctimeNs: draft.timeNs,
  });
}

function namedNode(): { parent: number; name: string; ino: number } {
  return found.last === 'name'
    ? { parent: found.parent, name: found.name, ino: found.ino }
    : { parent: 0, name: '', ino: found.ino };
}

/** Permission bits of a file that the caller makes in a directory, or EACCES. */
function newPermissions({ identity }: Caller, mount: Mount, parent: Ino, mode: number): number {
  const permissions = mode & PERMISSION_BITS;
  if (identity === null) return permissions;
  const directory = mount.overlay.tree.at(parent);
  return permitCreate(identity, directory) || strippedMode(identity, directory, permissions);
}

function newFile({ umask, uid, gid }: Caller, permissions: number) {
  return {
    parent: found.parent,
    name: found.name,
    mode: S_IFREG | permissions,
    umask,
    uid,
    gid,
    rdev: 0,
    target: '',
  };
}

function opened(caller: Caller, mount: Mount, ino: number, flags: number, path: string): OpenFile {
  const isNamed = found.last === 'name';
  const file = new OpenFile({
    namespace: caller.namespace,
    mount,
    ino,
    flags,
    parent: isNamed ? found.parent : 0,
    name: isNamed ? found.name : '',
    path,
    identity: caller.identity,
  });
  caller.namespace.files.add(file);
  return file;
}

/** Its text is not made where nobody will see it: inside of a writeFile, that one's cause stands. */
function openCause(caller: Caller, path: string, flags: number, mode: number): Cause {
  if (caller.namespace.engine?.isInCall === true) return ['open', path];
  const text = flagsText(flags);
  return mode === 0 ? ['open', path, text] : ['open', path, text, `0${mode.toString(8)}`];
}

/** The flags as open(2) names them, such as `O_WRONLY|O_APPEND`. */
export function flagsText(flags: number): string {
  const access = flags & O_ACCMODE;
  let text = access === O_WRONLY ? 'O_WRONLY' : access === O_RDWR ? 'O_RDWR' : 'O_RDONLY';
  if (flags & O_CREAT) text += '|O_CREAT';
  if (flags & O_EXCL) text += '|O_EXCL';
  if (flags & O_TRUNC) text += '|O_TRUNC';
  if (flags & O_APPEND) text += '|O_APPEND';
  if ((flags & O_TMPFILE) === O_TMPFILE) text += '|O_TMPFILE';
  return text;
}
