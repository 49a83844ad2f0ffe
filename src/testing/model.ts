/**
 * A plain model of a POSIX file system: paths, a tree of objects, bytes in buffers. It knows nothing of layers, logs and
 * inode tables, and answers file calls with what Linux answers.
 *
 * Beyond what a container shows to its user, the model knows one rule of overlays: a directory that has a lower part cannot
 * be renamed (SEM-R4). What the model leaves out: times, blocks, permission checks (the caller is root), hard links that
 * were made in a layer.
 */

import { kindOf, PERMISSION_BITS, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../events/mode.ts';
import { compareNames } from '../events/name.ts';
import {
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from '../engine/open-files.ts';
import type { FileCall, Outcome } from './file-call.ts';
import {
  Refused,
  attach,
  canWrite,
  chmod,
  detach,
  expectXattrName,
  inherit,
  isInside,
  isLink,
  newNode,
  resize,
  setXattr,
  statOf,
  takesUserXattrs,
  type ModelNode,
} from './model-node.ts';
import { allocate, copyBetween, namesIn, type OpenNode, readFrom, seekIn, writeTo } from './model-open-file.ts';
import { type Place, walk } from './model-path.ts';

/** What a model starts from: the entries of a tree, parents first. */
export interface ModelEntry {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Content of a file, target of a symbolic link; in latin1. */
  readonly data: string;
  readonly xattrs: ReadonlyMap<string, string>;
}

const UMASK = 0o022;

export class PosixModel {
  readonly #root: ModelNode;
  readonly #files = new Map<number, OpenNode>();
  /** Character device 0:0 is a whiteout there, and refused (SEM-W11). */
  readonly #isOverlay: boolean;

  /** @param lower - What a container starts with; null: a volume, which starts empty and is no overlay. */
  constructor(lower: Iterable<ModelEntry> | null) {
    this.#isOverlay = lower !== null;
    this.#root = newNode(S_IFDIR | 0o755, 0, 0);
    this.#root.hasLower = lower !== null;
    for (const entry of lower ?? []) this.#add(entry);
  }

  run(call: FileCall): Outcome {
    try {
      return { value: this.#value(call) ?? null };
    } catch (error) {
      if (error instanceof Refused) return { error: error.code };
      throw error;
    }
  }

  /** Every path with what stat tells, content, target and attributes; sorted. */
  list(): Map<string, object> {
    const entries = new Map<string, object>();
    const visit = (node: ModelNode, path: string): void => {
      const { data, target, xattrs } = node;
      const listed = [...xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1));
      entries.set(path, { ...statOf(node), data: data.toString('latin1'), target, xattrs: listed });
      const names = [...(node.children ?? new Map<string, ModelNode>())].toSorted(([a], [b]) => compareNames(a, b));
      for (const [name, child] of names) visit(child, path === '/' ? `/${name}` : `${path}/${name}`);
    };
    visit(this.#root, '/');
    return entries;
  }

  #add({ path, mode, uid, gid, data, xattrs }: ModelEntry): void {
    if (path === '/') return;
    const { parent, name } = walk(this.#root, path, { wantParent: true });
    const node = newNode(mode, uid, gid);
    if (isLink(node)) node.target = data;
    else node.data = Buffer.from(data, 'latin1');
    node.xattrs = new Map(xattrs);
    node.hasLower = node.children !== null;
    attach(parent, name, node);
  }

  #value(call: FileCall): unknown {
    switch (call.call) {
      case 'open':
        return this.#openInto(call.slot, this.#open(call.path, call.flags, call.mode));
      case 'openTemporary':
        return this.#openInto(call.slot, this.#openTemporary(call.path));
      case 'close':
        if (!this.#files.delete(call.slot)) throw new Refused('EBADF');
        return null;
      case 'fstat':
        return statOf(this.#file(call.slot).node);
      case 'read':
        return readFrom(this.#file(call.slot), call.length, call.position);
      case 'write':
        return writeTo(this.#file(call.slot), call.data, call.position);
      case 'seek':
        return seekIn(this.#file(call.slot), call.offset, call.whence);
      case 'getdents':
        return namesIn(this.#file(call.slot));
      case 'ftruncate': {
        const { node, flags } = this.#file(call.slot);
        if (flags & O_PATH) throw new Refused('EBADF');
        if (!canWrite(flags)) throw new Refused('EINVAL');
        return resize(node, call.size);
      }
      case 'fallocate':
        return allocate(this.#file(call.slot), call.mode, call.offset, call.length);
      case 'fchmod': {
        const { node, flags } = this.#file(call.slot);
        if (flags & O_PATH) throw new Refused('EBADF');
        return chmod(node, call.mode);
      }
      case 'copy':
        return copyBetween(this.#file(call.from), this.#file(call.to), call);
      case 'linkDescriptor':
        return this.#link(this.#file(call.slot).node, call.path);
      case 'truncate': {
        const node = this.#find(call.path);
        if (node.children !== null) throw new Refused('EISDIR');
        if (kindOf(node.mode) !== 'file') throw new Refused('EINVAL');
        return resize(node, call.size);
      }
      case 'writeFile':
        return void writeTo(this.#open(call.path, O_WRONLY | O_CREAT | O_TRUNC, 0o666), call.data, null);
      case 'appendFile':
        return void writeTo(this.#open(call.path, O_WRONLY | O_CREAT | O_APPEND, 0o666), call.data, null);
      case 'readFile':
        return readFrom(this.#open(call.path, O_RDONLY, 0), Infinity, 0);
      case 'mkdir':
        return void this.#make(call.path, S_IFDIR | (call.mode & 0o1777 & ~UMASK));
      case 'mknod': {
        const format = call.mode & S_IFMT || S_IFREG;
        return void this.#make(call.path, format | (call.mode & PERMISSION_BITS & ~UMASK), call.rdev);
      }
      case 'symlink': {
        if (call.target === '') throw new Refused('ENOENT');
        this.#make(call.path, S_IFLNK | 0o777).target = call.target;
        return null;
      }
      case 'chmod':
        return chmod(this.#find(call.path), call.mode);
      case 'rmdir':
        return this.#rmdir(call.path);
      case 'unlink':
        return this.#unlink(call.path);
      case 'readlink': {
        const node = this.#find(call.path, false);
        if (!isLink(node)) throw new Refused('EINVAL');
        return node.target;
      }
      case 'readdir': {
        const { children } = this.#find(call.path);
        if (children === null) throw new Refused('ENOTDIR');
        return [...children.keys()].sort(compareNames);
      }
      case 'removeAll':
        return this.#removeAll(call.path);
      case 'link':
        return this.#link(this.#find(call.from, false), call.to);
      case 'rename':
        return this.#rename(call.from, call.to, call.flags);
      case 'chown': {
        const node = this.#find(call.path, call.follow);
        if (call.uid !== -1) node.uid = call.uid;
        if (call.gid !== -1) node.gid = call.gid;
        if (node.children === null) node.mode &= ~(0o4000 | (node.mode & 0o010 ? 0o2000 : 0));
        return null;
      }
      case 'utimes':
        return void this.#find(call.path, call.follow);
      case 'setxattr':
        return setXattr(this.#find(call.path, false), call.name, call.value, call.flags);
      case 'removexattr': {
        const node = this.#find(call.path, false);
        if (call.name.startsWith('user.') && !takesUserXattrs(node)) throw new Refused('EPERM');
        expectXattrName(call.name);
        if (!node.xattrs.delete(call.name)) throw new Refused('ENODATA');
        return null;
      }
      case 'getxattr': {
        const node = this.#find(call.path, false);
        if (call.name.startsWith('user.') && !takesUserXattrs(node)) throw new Refused('ENODATA');
        expectXattrName(call.name);
        const value = node.xattrs.get(call.name);
        if (value === undefined) throw new Refused('ENODATA');
        return value;
      }
      case 'stat':
        return statOf(this.#find(call.path, call.follow));
      case 'access': {
        const node = this.#find(call.path);
        if (call.mode & 1 && node.children === null && !(node.mode & 0o111)) throw new Refused('EACCES');
        return null;
      }
    }
  }

  #find(path: string, follow = true): ModelNode {
    return walk(this.#root, path, { follow }).node as ModelNode;
  }

  // ------------------------------------------------------------------------------------------------------- names

  #make(path: string, mode: number, rdev = 0): ModelNode {
    const isDirectory = (mode & S_IFMT) === S_IFDIR;
    const place = walk(this.#root, path, { wantParent: true });
    if (place.last !== 'name' || place.node !== null) throw new Refused('EEXIST');
    if (place.hasSlash && !isDirectory) throw new Refused('ENOENT');
    if (kindOf(mode) === 'chr' && rdev === 0 && this.#isOverlay) throw new Refused('EPERM');
    return this.#create(place, mode);
  }

  /** A new node takes the group of a setgid directory; a directory the bit too. */
  #create({ parent, name }: Pick<Place, 'parent' | 'name'>, mode: number): ModelNode {
    const node = newNode(mode, 0, 0);
    inherit(parent, node);
    attach(parent, name, node);
    return node;
  }

  #link(node: ModelNode, path: string): null {
    const place = walk(this.#root, path, { wantParent: true });
    if (place.last !== 'name' || place.node !== null) throw new Refused('EEXIST');
    if (place.hasSlash) throw new Refused('ENOENT');
    if (node.children !== null) throw new Refused('EPERM');
    if (node.nlink === 0 && !node.isTemporary) throw new Refused('ENOENT');
    attach(place.parent, place.name, node);
    node.nlink += 1;
    node.isTemporary = false;
    return null;
  }

  #unlink(path: string): null {
    const { node, parent, name, last, hasSlash } = walk(this.#root, path, { wantParent: true });
    if (last !== 'name') throw new Refused('EISDIR');
    if (node === null) throw new Refused('ENOENT');
    if (node.children !== null) throw new Refused('EISDIR');
    if (hasSlash) throw new Refused('ENOTDIR');
    detach(parent, name);
    return null;
  }

  #rmdir(path: string): null {
    const { node, parent, name, last } = walk(this.#root, path, { wantParent: true });
    if (last === 'dot') throw new Refused('EINVAL');
    if (last === 'dotdot') throw new Refused('ENOTEMPTY');
    if (last === 'root') throw new Refused('EBUSY');
    if (node === null) throw new Refused('ENOENT');
    if (node.children === null) throw new Refused('ENOTDIR');
    if (node.children.size > 0) throw new Refused('ENOTEMPTY');
    detach(parent, name);
    return null;
  }

  /** As node:fs does it, a call at a time: what is gone by then is fine, any other refusal ends it. */
  #removeAll(path: string): null {
    this.#find(path, false);
    this.#removeTree(path);
    return null;
  }

  #removeTree(path: string): void {
    try {
      const { children } = this.#find(path, false);
      if (children === null) this.#unlink(path);
      else this.#removeDirectory(path, children);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'ENOENT') throw error;
    }
  }

  #removeDirectory(path: string, children: ReadonlyMap<string, ModelNode>): void {
    try {
      this.#rmdir(path);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'ENOTEMPTY') throw error;
      for (const name of [...children.keys()].sort(compareNames)) this.#removeTree(`${path}/${name}`);
      this.#rmdir(path);
    }
  }

  #rename(fromPath: string, toPath: string, flags: number): null {
    const from = walk(this.#root, fromPath, { wantParent: true });
    const to = walk(this.#root, toPath, { wantParent: true });
    const isExchange = (flags & 2) !== 0;
    if (from.last !== 'name') throw new Refused('EBUSY');
    if (to.last !== 'name') throw new Refused(flags & 1 ? 'EEXIST' : 'EBUSY');
    const node = from.node;
    const target = to.node;
    if (node === null) throw new Refused('ENOENT');
    if (flags & 1 && target !== null) throw new Refused('EEXIST');
    if (isExchange && target === null) throw new Refused('ENOENT');
    if (isExchange && to.hasSlash && target?.children === null) throw new Refused('ENOTDIR');
    if (node.children === null && (from.hasSlash || (!isExchange && to.hasSlash))) throw new Refused('ENOTDIR');
    if (isInside(to.parent, node)) throw new Refused('EINVAL');
    if (target !== null && isInside(from.parent, target)) throw new Refused(isExchange ? 'EINVAL' : 'ENOTEMPTY');
    if (node === target) return null;
    if (target !== null && !isExchange && (node.children === null) !== (target.children === null)) {
      throw new Refused(target.children === null ? 'ENOTDIR' : 'EISDIR');
    }
    if (node.hasLower || (isExchange && target?.hasLower)) throw new Refused('EXDEV');
    if (!isExchange && target?.children && target.children.size > 0) throw new Refused('ENOTEMPTY');
    if (isExchange && target !== null) {
      attach(from.parent, from.name, target);
    } else {
      if (target !== null) detach(to.parent, to.name);
      from.parent.children?.delete(from.name);
    }
    attach(to.parent, to.name, node);
    return null;
  }

  // ------------------------------------------------------------------------------------------------------- files

  #openInto(slot: number, file: OpenNode): null {
    this.#files.set(slot, file);
    return null;
  }

  #file(slot: number): OpenNode {
    const file = this.#files.get(slot);
    if (file === undefined) throw new Refused('EBADF');
    return file;
  }

  #open(path: string, asked: number, mode: number): OpenNode {
    const flags = asked & O_PATH ? asked & (O_PATH | O_DIRECTORY | O_NOFOLLOW) : asked;
    const writes = (flags & O_ACCMODE) !== O_RDONLY;
    let node: ModelNode;
    if (flags & O_CREAT) {
      if (flags & O_DIRECTORY) throw new Refused('EINVAL');
      const isExclusive = (flags & O_EXCL) !== 0;
      const follow = !isExclusive && !(flags & O_NOFOLLOW);
      const place = walk(this.#root, path, { wantParent: true, follow, noSlash: true });
      if (place.last !== 'name') throw new Refused(isExclusive ? 'EEXIST' : 'EISDIR');
      if (place.node === null) {
        node = this.#create(place, S_IFREG | (mode & PERMISSION_BITS & ~UMASK));
        return { node, flags, position: 0 };
      }
      if (isExclusive) throw new Refused('EEXIST');
      node = place.node;
      if (node.children !== null) throw new Refused('EISDIR');
    } else {
      node = this.#find(path, !(flags & O_NOFOLLOW));
    }
    if (isLink(node)) {
      if (flags & O_DIRECTORY) throw new Refused('ENOTDIR');
      if (!(flags & O_PATH)) throw new Refused('ELOOP');
      return { node, flags, position: 0 };
    }
    if (flags & O_DIRECTORY && node.children === null) throw new Refused('ENOTDIR');
    if (flags & O_PATH) return { node, flags, position: 0 };
    if (node.children !== null) {
      if (writes || flags & O_TRUNC) throw new Refused('EISDIR');
    } else {
      // Nobody is at the other end of a FIFO, socket or device here.
      if (kindOf(node.mode) !== 'file') throw new Refused('ENXIO');
      if (flags & O_TRUNC) resize(node, 0);
    }
    return { node, flags, position: 0 };
  }

  #openTemporary(path: string): OpenNode {
    const directory = this.#find(path);
    if (directory.children === null) throw new Refused('ENOTDIR');
    const node = newNode(S_IFREG | (0o666 & ~UMASK), 0, 0);
    inherit(directory, node);
    node.nlink = 0;
    node.isTemporary = true;
    return { node, flags: O_RDWR, position: 0 };
  }
}
