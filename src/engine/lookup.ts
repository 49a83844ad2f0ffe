/**
 * Path resolution: from a path to the node, and to the directory and name under which it stands (path_resolution(7)).
 *
 * One walk of one string, without splitting it first. Symbolic links are spliced into what is left of the path. The
 * result is written into a {@link Found} that the caller reuses; a refused walk answers with the negative error number.
 */

import { type Ino, ROOT_INO } from '../events/event.ts';
import { isSymlinkMode } from '../events/mode.ts';
import { NAME_BYTES_MAX, nameBytes, PATH_BYTES_MAX } from '../events/name.ts';
import type { Caller } from './caller.ts';
import { EACCES, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from './errno.ts';
import { MAY_EXEC, permit, permitFollow } from './identity.ts';
import type { Location, Mount, Namespace } from './namespace.ts';

/** Follow a symbolic link in the last component. */
export const FOLLOW = 1;
/** The last component need not exist: `ino` is 0 then. */
export const WANT_PARENT = 2;
/** An empty path names the starting point (AT_EMPTY_PATH). */
export const EMPTY_PATH = 4;

/** A slash behind the last component is EISDIR, whatever stands there (open with O_CREAT). */
export const NO_SLASH = 8;

/** Links followed in one walk before ELOOP (linux/namei.h MAXSYMLINKS). */
const LINKS_MAX = 40;

/** What the last component was. `root`: the path has none (`/`). */
export type LastKind = 'name' | 'dot' | 'dotdot' | 'root';

export class Found {
  mount!: Mount;
  /** The node, or 0 when only its directory exists. */
  ino: Ino = 0;
  /** The directory that holds it, in `parentMount`. */
  parentMount!: Mount;
  parent: Ino = 0;
  name = '';
  last: LastKind = 'root';
  /** The path ended in a slash, so it has to be a directory. */
  trailingSlash = false;
}

/**
 * Resolves a path.
 *
 * @param start - Where a relative path starts.
 * @param path - As events/name.ts spells paths.
 * @returns 0, or ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG; for a caller with an identity EACCES, where a directory on the way
 *   may not be searched.
 */
export function walk(caller: Caller, start: Location, path: string, flags: number, found: Found): number {
  const { namespace, identity } = caller;
  if (path === '') {
    if (!(flags & EMPTY_PATH)) return ENOENT;
    found.mount = start.mount;
    found.ino = start.ino;
    found.last = 'root';
    found.trailingSlash = false;
    return 0;
  }
  if (path.length > PATH_BYTES_MAX / 3 && nameBytes(path) > PATH_BYTES_MAX) return ENAMETOOLONG;
  let mount = start.mount;
  let ino = start.ino;
  let rest = path;
  let at = 0;
  let links = 0;
  if (rest.charCodeAt(0) === 0x2f) {
    mount = namespace.root;
    ino = mount.top;
    const { lastDirectory } = namespace;
    // What was searched before may be closed by now.
    if (identity === null && lastDirectory.isAbove(path, mount.overlay.tree)) {
      ino = lastDirectory.ino;
      at = lastDirectory.path.length;
    }
  }
  let directory = mount.overlay.tree.get(ino);
  /** Neither a symbolic link nor a mount was on the way. */
  let isPlain = true;
  found.last = 'root';
  for (;;) {
    while (rest.charCodeAt(at) === 0x2f) at++;
    if (at >= rest.length) {
      if (found.last === 'root') found.trailingSlash = false;
      found.mount = mount;
      found.ino = ino;
      return 0;
    }
    let end = rest.indexOf('/', at);
    if (end < 0) end = rest.length;
    const nameStart = at;
    const name = rest.slice(nameStart, end);
    let next = end;
    while (rest.charCodeAt(next) === 0x2f) next++;
    const isLast = next >= rest.length;
    const trailingSlash = isLast && next > end;
    at = next;

    if (directory === undefined) return ENOENT;
    if (directory.dir === null) return ENOTDIR;
    if (identity !== null && permit(identity, directory, MAY_EXEC) !== 0) return EACCES;
    if (trailingSlash && flags & NO_SLASH && name !== '.' && name !== '..') return EISDIR;
    if (name.length > NAME_BYTES_MAX / 3 && nameBytes(name) > NAME_BYTES_MAX) return ENAMETOOLONG;

    if (name === '.') {
      if (isLast) lastIs(found, 'dot', mount, ino, trailingSlash);
      continue;
    }
    if (name === '..') {
      while (ino === mount.top && mount.covers !== null) {
        ino = mount.covers.ino;
        mount = mount.covers.mount;
        isPlain = false;
      }
      if (ino !== ROOT_INO) ino = mount.overlay.tree.get(ino)?.parent ?? 0;
      directory = mount.overlay.tree.get(ino);
      if (isLast) lastIs(found, 'dotdot', mount, ino, trailingSlash);
      continue;
    }

    const child = directory.dir.entries.get(name);
    if (isLast) {
      if (isPlain) namespace.lastDirectory.remember(path, nameStart, ino, mount.overlay.tree);
      found.parentMount = mount;
      found.parent = ino;
      found.name = name;
      found.last = 'name';
      found.trailingSlash = trailingSlash;
    }
    if (child === undefined) {
      if (!isLast || !(flags & WANT_PARENT)) return ENOENT;
      if (!isAttached(mount, ino)) return ENOENT;
      found.mount = mount;
      found.ino = 0;
      return 0;
    }
    const node = mount.overlay.tree.get(child);
    if (node === undefined) return ENOENT;
    if (isSymlinkMode(node.mode) && (!isLast || flags & FOLLOW || (trailingSlash && !(flags & WANT_PARENT)))) {
      if (++links > LINKS_MAX) return ELOOP;
      if (identity !== null && isLast && permitFollow(identity, directory, node) !== 0) return EACCES;
      isPlain = false;
      rest = isLast ? (trailingSlash ? `${node.target}/` : node.target) : `${node.target}/${rest.slice(at)}`;
      at = 0;
      found.last = 'root';
      if (rest === '') return ENOENT;
      if (rest.charCodeAt(0) === 0x2f) {
        mount = namespace.root;
        ino = mount.top;
        directory = mount.overlay.tree.get(ino);
      }
      continue;
    }
    ino = child;
    directory = node;
    const over = namespace.hasMounts ? mountedAt(namespace, mount, ino) : null;
    if (over !== null) {
      mount = over.mount;
      ino = over.ino;
      isPlain = false;
      directory = mount.overlay.tree.get(ino);
    }
    if (!isLast) continue;
    if (trailingSlash && !(flags & WANT_PARENT) && directory?.dir === null) return ENOTDIR;
    found.mount = mount;
    found.ino = ino;
    return 0;
  }
}

/** What is seen where a node is covered by a mount, or by several on top of each other; null: it is not covered. */
export function mountedAt(namespace: Namespace, mount: Mount, ino: Ino): Location | null {
  let top: Location | null = null;
  for (let over = namespace.mountOver(mount, ino); over !== null; over = namespace.mountOver(over, over.top)) {
    top = { mount: over, ino: over.top };
  }
  return top;
}

/** Whether a directory still has its place in the tree: nothing can be made in one that was removed. */
export function isAttached(mount: Mount, ino: Ino): boolean {
  if (ino === ROOT_INO) return true;
  const { tree } = mount.overlay;
  const inode = tree.get(ino);
  return inode !== undefined && inode.parent !== 0 && tree.lookup(inode.parent, inode.name) === ino;
}

function lastIs(found: Found, last: LastKind, mount: Mount, ino: Ino, trailingSlash: boolean): void {
  found.last = last;
  found.parentMount = mount;
  found.parent = ino;
  found.name = last === 'dot' ? '.' : '..';
  found.trailingSlash = trailingSlash;
}
