/** Calls that make, move and remove names. Each answers 0 or a negative error number; a refused call changes nothing. */

import type { Cause } from '../../events/event.ts';
import {
  deviceMajor,
  deviceMinor,
  isDirectoryMode,
  PERMISSION_BITS,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../../events/mode.ts';
import { nameBytes, PATH_BYTES_MAX } from '../../events/name.ts';
import type { Caller } from '../caller.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Named } from '../decide/copy-up.ts';
import { createNode } from '../decide/create.ts';
import { linkNode } from '../decide/link.ts';
import { renameNode } from '../decide/rename.ts';
import { removeDirectory, unlinkNode } from '../decide/unlink.ts';
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../errno.ts';
import { MAY_WRITE, permit, permitCreate, permitLink, permitRemove, strippedMode } from '../identity.ts';
import { FOLLOW, Found, WANT_PARENT, walk } from '../lookup.ts';
import { isSameMount, type Location, type Mount } from '../namespace.ts';
import type { OpenFile } from '../open-files.ts';
import { commitDraft, draftFor } from './commit.ts';
import { nameOfFile } from './name-of-file.ts';

export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

const found = new Found();
const foundTo = new Found();

export function mkdir(caller: Caller, start: Location, path: string, mode: number): number {
  return make(caller, start, path, ['mkdir', path], S_IFDIR | (mode & 0o1777), 0, '');
}

/**
 * Makes a node of any kind but a directory or a symbolic link.
 *
 * @param mode - Format and permission bits; no format bits mean a file.
 * @returns EPERM for character device 0:0 in a container, which is a whiteout (W11).
 */
export function mknod(caller: Caller, start: Location, path: string, mode: number, rdev: number): number {
  const format = mode & S_IFMT || S_IFREG;
  if (format === S_IFDIR) return EPERM;
  if (format === S_IFLNK) return EINVAL;
  const cause: Cause = [
    'mknod',
    path,
    `0${(format | (mode & PERMISSION_BITS)).toString(8)}`,
    deviceMajor(rdev),
    deviceMinor(rdev),
  ];
  return make(caller, start, path, cause, format | (mode & PERMISSION_BITS), rdev, '');
}

export function symlink(caller: Caller, target: string, start: Location, path: string): number {
  if (target === '') return ENOENT;
  if (nameBytes(target) > PATH_BYTES_MAX) return ENAMETOOLONG;
  return make(caller, start, path, ['symlink', target, path], S_IFLNK | 0o777, 0, target);
}

function make(
  caller: Caller,
  start: Location,
  path: string,
  cause: Cause,
  mode: number,
  rdev: number,
  target: string,
): number {
  const refused = walkToNew(caller, start, path, isDirectoryMode(mode));
  if (refused !== 0) return refused;
  const mount = found.parentMount;
  const format = mode & S_IFMT;
  const { identity } = caller;
  if (identity !== null) {
    const directory = mount.overlay.tree.at(found.parent);
    if (permitCreate(identity, directory) !== 0) return EACCES;
    if (format === S_IFBLK || (format === S_IFCHR && rdev !== 0)) return EPERM;
    mode = strippedMode(identity, directory, mode);
  }
  if (format === S_IFCHR && rdev === 0 && mount.overlay.lower !== null) return EPERM;
  const draft = draftFor(caller.namespace, mount);
  createNode(
    mount.overlay,
    {
      parent: found.parent,
      name: found.name,
      mode,
      umask: target === '' ? caller.umask : 0,
      uid: caller.uid,
      gid: caller.gid,
      rdev,
      target,
    },
    draft,
  );
  commitDraft(caller.namespace, mount, cause, draft);
  return 0;
}

/** Finds the place for a new name: it must be free, and its mount writable. */
function walkToNew(caller: Caller, start: Location, path: string, isDirectory: boolean): number {
  const error = walk(caller, start, path, WANT_PARENT, found);
  if (error !== 0) return error;
  if (found.last !== 'name' || found.ino !== 0) return EEXIST;
  if (found.trailingSlash && !isDirectory) return ENOENT;
  return found.parentMount.readOnly ? EROFS : 0;
}

/**
 * Gives a file another name.
 *
 * @param followSource - Link the target of a symbolic link, not the link (AT_SYMLINK_FOLLOW).
 */
export function link(
  caller: Caller,
  fromStart: Location,
  fromPath: string,
  toStart: Location,
  toPath: string,
  followSource: boolean,
): number {
  const error = walk(caller, fromStart, fromPath, followSource ? FOLLOW : 0, foundTo);
  if (error !== 0) return error;
  const source =
    foundTo.last === 'name'
      ? { parent: foundTo.parent, name: foundTo.name, ino: foundTo.ino }
      : { parent: 0, name: '', ino: foundTo.ino };
  return linkTo(caller, foundTo.mount, source, toStart, toPath, ['link', fromPath, toPath]);
}

/**
 * Gives an open file a name (linkat with AT_EMPTY_PATH): how an O_TMPFILE is published. A file whose last name was removed
 * gets no other one: ENOENT (SEM-O4).
 */
export function linkFile(caller: Caller, file: OpenFile, toStart: Location, toPath: string): number {
  const inode = file.mount.overlay.tree.get(file.ino);
  if (inode === undefined) return ENOENT;
  const source = nameToLink(file, inode);
  const isTemporary = inode.isUpper && inode.name === '';
  const isRemoved = !isTemporary && (inode.isUpper ? inode.nlink === 0 : source.parent === 0);
  return linkTo(caller, file.mount, source, toStart, toPath, ['link', file.path, toPath], isRemoved);
}

/**
 * The name that an open file is linked by. Of an upper node any name does; but with `index` each name of a lower hard link is
 * copied up by itself, so it is the one that the file was opened by, as long as that stands.
 */
function nameToLink(file: OpenFile, inode: Inode): Named {
  const own = inode.isUpper && !inode.isIndexed ? null : nameOfFile(file);
  const isOwn = own !== null && (own.parent !== 0 || !inode.isUpper);
  return isOwn ? own : { parent: inode.parent, name: inode.name, ino: file.ino };
}

function linkTo(
  caller: Caller,
  sourceMount: Mount,
  source: Named,
  toStart: Location,
  toPath: string,
  cause: Cause,
  isRemoved = false,
): number {
  const error = walk(caller, toStart, toPath, WANT_PARENT, found);
  if (error !== 0) return error;
  if (found.last !== 'name' || found.ino !== 0) return EEXIST;
  if (found.trailingSlash) return ENOENT;
  const mount = found.parentMount;
  if (mount.readOnly) return EROFS;
  if (!isSameMount(mount, sourceMount)) return EXDEV;
  const { tree } = mount.overlay;
  const inode = tree.get(source.ino);
  if (inode === undefined) return ENOENT;
  if (caller.identity !== null) {
    if (permitLink(caller.identity, inode) !== 0) return EPERM;
    if (permitCreate(caller.identity, tree.at(found.parent)) !== 0) return EACCES;
  }
  if (inode.dir !== null) return EPERM;
  if (isRemoved) return ENOENT;
  const draft = draftFor(caller.namespace, mount);
  const refused = linkNode(mount.overlay, source, { parent: found.parent, name: found.name }, draft);
  if (refused !== 0) return refused;
  commitDraft(caller.namespace, mount, cause, draft);
  return 0;
}

export function unlink(caller: Caller, start: Location, path: string): number {
  const error = walkToRemove(caller, start, path);
  if (error !== 0) return error;
  if (found.last !== 'name') return EISDIR;
  if (found.ino === 0) return ENOENT;
  const mount = found.parentMount;
  const covered = caller.namespace.hasMounts ? mount.overlay.tree.lookup(found.parent, found.name) : found.ino;
  const { dir } = mount.overlay.tree.at(covered);
  if (found.trailingSlash) return dir === null ? ENOTDIR : EISDIR;
  const refused = refuseRemove(caller, mount, found.parent, covered);
  if (refused !== 0) return refused;
  if (dir !== null) return EISDIR;
  if (caller.namespace.isMountPoint(mount, covered)) return EBUSY;
  const draft = draftFor(caller.namespace, mount);
  const isOpen = caller.namespace.files.isOpen(mount.subject, covered);
  unlinkNode(mount.overlay, { parent: found.parent, name: found.name, ino: covered, isOpen }, draft);
  commitDraft(caller.namespace, mount, ['unlink', path], draft);
  return 0;
}

export function rmdir(caller: Caller, start: Location, path: string): number {
  const error = walkToRemove(caller, start, path);
  if (error !== 0) return error;
  if (found.last === 'dot') return EINVAL;
  if (found.last === 'dotdot') return ENOTEMPTY;
  if (found.last === 'root') return EBUSY;
  if (found.ino === 0) return ENOENT;
  const mount = found.parentMount;
  const covered = mount.overlay.tree.lookup(found.parent, found.name);
  const forbidden = refuseRemove(caller, mount, found.parent, covered);
  if (forbidden !== 0) return forbidden;
  if (mount.overlay.tree.at(covered).dir === null) return ENOTDIR;
  if (caller.namespace.isMountPoint(mount, covered)) return EBUSY;
  const draft = draftFor(caller.namespace, mount);
  const isOpen = caller.namespace.files.isOpen(mount.subject, covered);
  const refused = removeDirectory(
    mount.overlay,
    { parent: found.parent, name: found.name, ino: covered, isOpen },
    draft,
  );
  if (refused !== 0) return refused;
  commitDraft(caller.namespace, mount, ['rmdir', path], draft);
  return 0;
}

/** May the caller take a node's name away (may_delete)? */
const refuseRemove = ({ identity }: Caller, { overlay: { tree } }: Mount, parent: number, ino: number): number =>
  identity === null ? 0 : permitRemove(identity, tree.at(parent), tree.at(ino));

/** As the kernel does it: on a read-only mount even a name that does not exist is EROFS. */
function walkToRemove(caller: Caller, start: Location, path: string): number {
  const error = walk(caller, start, path, WANT_PARENT, found);
  if (error !== 0) return error;
  return found.last === 'name' && found.parentMount.readOnly ? EROFS : 0;
}

/**
 * Moves a name.
 *
 * @param flags - RENAME_NOREPLACE, RENAME_EXCHANGE; RENAME_WHITEOUT is EINVAL on an overlay (R11).
 */
export function rename(
  caller: Caller,
  fromStart: Location,
  fromPath: string,
  toStart: Location,
  toPath: string,
  flags: number,
): number {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) return EINVAL;
  if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) return EINVAL;
  const error =
    walk(caller, fromStart, fromPath, WANT_PARENT, found) || walk(caller, toStart, toPath, WANT_PARENT, foundTo);
  if (error !== 0) return error;
  const { namespace } = caller;
  if (found.last !== 'name') return EBUSY;
  if (foundTo.last !== 'name') return flags & RENAME_NOREPLACE ? EEXIST : EBUSY;
  const mount = found.parentMount;
  if (mount !== foundTo.parentMount) return EXDEV;
  if (mount.readOnly) return EROFS;
  const { tree } = mount.overlay;
  const ino = tree.lookup(found.parent, found.name);
  const target = tree.lookup(foundTo.parent, foundTo.name);
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if (ino === 0) return ENOENT;
  if (flags & RENAME_NOREPLACE && target !== 0) return EEXIST;
  if (exchange && target === 0) return ENOENT;
  const node = tree.at(ino);
  const targetIsDirectory = target !== 0 && tree.at(target).dir !== null;
  if (exchange && !targetIsDirectory && foundTo.trailingSlash) return ENOTDIR;
  if (node.dir === null) {
    if (found.trailingSlash) return ENOTDIR;
    if (!exchange && foundTo.trailingSlash) return ENOTDIR;
  }
  if (node.dir !== null && isInside(mount, foundTo.parent, ino)) return EINVAL;
  if (target !== 0 && isInside(mount, found.parent, target)) return exchange ? EINVAL : ENOTEMPTY;
  if (isSameObject(mount, ino, target, found, foundTo)) return 0;
  const forbidden = refuseRename(caller, mount, ino, target, exchange);
  if (forbidden !== 0) return forbidden;
  if (namespace.isMountPoint(mount, ino)) return EBUSY;
  if (target !== 0 && namespace.isMountPoint(mount, target)) return EBUSY;
  if (flags & RENAME_WHITEOUT) return EINVAL;

  const draft = draftFor(namespace, mount);
  const refused = renameNode(
    mount.overlay,
    {
      fromParent: found.parent,
      fromName: found.name,
      ino,
      toParent: foundTo.parent,
      toName: foundTo.name,
      target,
      exchange,
      targetIsOpen: target !== 0 && namespace.files.isOpen(mount.subject, target),
    },
    draft,
  );
  if (refused !== 0) return refused;
  const cause: Cause =
    flags === 0
      ? ['rename', fromPath, toPath]
      : ['rename', fromPath, toPath, exchange ? 'RENAME_EXCHANGE' : 'RENAME_NOREPLACE'];
  commitDraft(namespace, mount, cause, draft);
  return 0;
}

/** What vfs_rename refuses, in its order: permissions, kinds that do not fit, a directory that may not be changed. */
function refuseRename(caller: Caller, mount: Mount, ino: number, target: number, exchange: boolean): number {
  const { tree } = mount.overlay;
  const node = tree.at(ino);
  const replaced = target === 0 ? null : tree.at(target);
  const fits = replaced === null || exchange || (node.dir === null) === (replaced.dir === null);
  const misfit = fits ? 0 : replaced.dir === null ? ENOTDIR : EISDIR;
  const { identity } = caller;
  if (identity === null) return misfit;
  const refused =
    permitRemove(identity, tree.at(found.parent), node) ||
    (replaced === null
      ? permitCreate(identity, tree.at(foundTo.parent))
      : permitRemove(identity, tree.at(foundTo.parent), replaced)) ||
    misfit;
  if (refused !== 0 || found.parent === foundTo.parent) return refused;
  // Its `..` changes.
  if (node.dir !== null && permit(identity, node, MAY_WRITE) !== 0) return EACCES;
  return exchange && replaced?.dir && permit(identity, replaced, MAY_WRITE) !== 0 ? EACCES : 0;
}

/** Whether a directory is `ancestor` or lies below it. */
function isInside(mount: Mount, directory: number, ancestor: number): boolean {
  const { tree } = mount.overlay;
  let at = directory;
  for (;;) {
    if (at === ancestor) return true;
    const inode = tree.get(at);
    if (inode === undefined || inode.parent === at || inode.parent === 0) return false;
    at = inode.parent;
  }
}

/**
 * Whether two names stand for one object, so that rename does nothing. Two lower hard links are two objects, as in the kernel,
 * unless `index` keeps them together (H4).
 */
function isSameObject(mount: Mount, ino: number, target: number, from: Found, to: Found): boolean {
  if (ino !== target) return false;
  if (from.parent === to.parent && from.name === to.name) return true;
  return mount.overlay.tree.at(ino).isUpper || mount.overlay.profile.index;
}
