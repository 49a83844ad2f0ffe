/**
 * What Linux has and node:fs lacks: special files, extended attributes, holes, exact times, rename flags, nameless files.
 *
 * Calls are synchronous; the names and flags are those of the manual pages. Errors have node:fs's shape, with the name of
 * the system call as `syscall`.
 */

import * as attributes from '../calls/attributes.ts';
import * as data from '../calls/data.ts';
import { readdir } from '../calls/directory.ts';
import * as names from '../calls/names.ts';
import * as space from '../calls/space.ts';
import * as xattrs from '../calls/xattrs.ts';
import { compareNames } from '../../events/name.ts';
import { O_RDWR, O_TMPFILE } from '../open-files.ts';
import { bytesOf, parseMode, parsePath, validateInteger } from './arguments.ts';
import { asFsError, check, type FsContext, refusal } from './context.ts';
import { openPath } from './open-calls.ts';

export type PathArgument = string | Buffer | URL;

export interface LinuxFs {
  /**
   * mknod(2).
   *
   * @param mode - Format and permission bits; without format bits a file.
   * @param rdev - Of devices, as makedev(3) makes it.
   */
  mknodSync(path: PathArgument, mode: number, rdev?: number): void;
  /** renameat2(2); `flags` are RENAME_NOREPLACE 1 and RENAME_EXCHANGE 2. */
  renameat2Sync(from: PathArgument, to: PathArgument, flags: number): void;
  /** link(2) with AT_SYMLINK_FOLLOW. */
  linkFollowSync(existing: PathArgument, added: PathArgument): void;
  /** open(2) with O_TMPFILE: a file without a name in a directory. */
  openTemporarySync(directory: PathArgument, flags?: number, mode?: number): number;
  /** Gives an open file a name (linkat(2) with AT_EMPTY_PATH). */
  linkDescriptorSync(fd: number, path: PathArgument): void;
  /** A path or a descriptor; `follow` is true unless given. `flags`: XATTR_CREATE 1, XATTR_REPLACE 2. */
  setxattrSync(file: PathArgument | number, name: string, value: Uint8Array | string, options?: XattrOptions): void;
  getxattrSync(file: PathArgument | number, name: string, options?: XattrOptions): Buffer;
  listxattrSync(file: PathArgument | number, options?: XattrOptions): string[];
  removexattrSync(file: PathArgument | number, name: string, options?: XattrOptions): void;
  /** truncate(2), for who may write; node:fs's opens the file for reading, too. The same size leaves the times. */
  truncateSync(path: PathArgument, size: number): void;
  /** fallocate(2); `mode`: FALLOC_FL_KEEP_SIZE 1, PUNCH_HOLE 2, ZERO_RANGE 16. */
  fallocateSync(fd: number, mode: number, offset: number, length: number): void;
  /** lseek(2); `whence`: SEEK_SET 0, CUR 1, END 2, DATA 3, HOLE 4. Gives the new position. */
  lseekSync(fd: number, offset: number, whence: number): number;
  /**
   * Names that an open directory shows, without `.` and `..`: the same each time, whatever changes, until lseek to 0 reads it
   * anew.
   */
  getdentsSync(fd: number): string[];
  /** copy_file_range(2): shares chunks, copies no byte. A position of null is the file's own, which moves. */
  copyFileRangeSync(
    from: number,
    fromPosition: number | null,
    to: number,
    toPosition: number | null,
    length: number,
  ): number;
  /** utimensat(2) and futimens(3), in exact nanoseconds. */
  utimensSync(
    file: PathArgument | number,
    atime: attributes.TimeArgument,
    mtime: attributes.TimeArgument,
    options?: { follow?: boolean },
  ): void;
}

export interface XattrOptions {
  readonly follow?: boolean;
  readonly flags?: number;
}

export function createLinuxFs(fs: FsContext): LinuxFs {
  const calls: LinuxFs = {
    mknodSync(path, mode, rdev = 0) {
      const name = parsePath(path);
      check(names.mknod(fs.caller, fs.cwd, name, parseMode(mode, 'mode'), rdev), 'mknod', name);
    },
    renameat2Sync(from, to, flags) {
      const source = parsePath(from, 'oldPath');
      const target = parsePath(to, 'newPath');
      check(names.rename(fs.caller, fs.cwd, source, fs.cwd, target, flags), 'rename', source, target);
    },
    linkFollowSync(existing, added) {
      const source = parsePath(existing, 'existingPath');
      const target = parsePath(added, 'newPath');
      check(names.link(fs.caller, fs.cwd, source, fs.cwd, target, true), 'link', source, target);
    },
    openTemporarySync(directory, flags = O_RDWR, mode = 0o666) {
      return openPath(fs, parsePath(directory), flags | O_TMPFILE, parseMode(mode, 'mode'));
    },
    linkDescriptorSync(fd, path) {
      const name = parsePath(path, 'newPath');
      check(names.linkFile(fs.caller, fs.file(fd, 'link'), fs.cwd, name), 'link', name);
    },
    setxattrSync(file, name, value, { follow = true, flags = 0 } = {}) {
      const bytes = typeof value === 'string' ? Buffer.from(value) : bytesOf(value);
      const result =
        typeof file === 'number'
          ? xattrs.fsetxattr(fs.file(file, 'fsetxattr'), name, bytes, flags)
          : xattrs.setxattr(fs.caller, fs.cwd, parsePath(file), name, bytes, flags, follow);
      check(result, ...named('setxattr', file, follow));
    },
    getxattrSync(file, name, { follow = true } = {}) {
      const value =
        typeof file === 'number'
          ? xattrs.fgetxattr(fs.file(file, 'fgetxattr'), name)
          : xattrs.getxattr(fs.caller, fs.cwd, parsePath(file), name, follow);
      if (typeof value === 'number') throw refusal(value, ...named('getxattr', file, follow));
      return Buffer.from(value);
    },
    listxattrSync(file, { follow = true } = {}) {
      const list =
        typeof file === 'number'
          ? xattrs.flistxattr(fs.file(file, 'flistxattr'))
          : xattrs.listxattr(fs.caller, fs.cwd, parsePath(file), follow);
      if (typeof list === 'number') throw refusal(list, ...named('listxattr', file, follow));
      return list;
    },
    removexattrSync(file, name, { follow = true } = {}) {
      const result =
        typeof file === 'number'
          ? xattrs.fremovexattr(fs.file(file, 'fremovexattr'), name)
          : xattrs.removexattr(fs.caller, fs.cwd, parsePath(file), name, follow);
      check(result, ...named('removexattr', file, follow));
    },
    truncateSync(path, size) {
      validateInteger(size, 'size');
      const name = parsePath(path);
      check(space.truncate(fs.caller, fs.cwd, name, size), 'truncate', name);
    },
    fallocateSync(fd, mode, offset, length) {
      check(space.fallocate(fs.file(fd, 'fallocate'), mode, offset, length), 'fallocate');
    },
    lseekSync(fd, offset, whence) {
      validateInteger(offset, 'offset');
      const position = data.seek(fs.file(fd, 'lseek'), offset, whence);
      check(position, 'lseek');
      return position;
    },
    getdentsSync(fd) {
      const entries = readdir(fs.file(fd, 'getdents'));
      if (typeof entries === 'number') throw refusal(entries, 'getdents');
      return entries.map(({ name }) => name).sort(compareNames);
    },
    copyFileRangeSync(from, fromPosition, to, toPosition, length) {
      const source = fs.file(from, 'copy_file_range');
      const copied = data.copyFileRange(source, fromPosition, fs.file(to, 'copy_file_range'), toPosition, length);
      check(copied, 'copy_file_range');
      return copied;
    },
    utimensSync(file, atime, mtime, { follow = true } = {}) {
      const result =
        typeof file === 'number'
          ? attributes.futimens(fs.file(file, 'futimens'), atime, mtime)
          : attributes.utimens(fs.caller, fs.cwd, parsePath(file), atime, mtime, follow);
      if (typeof file === 'number') check(result, 'futimens');
      else check(result, 'utimensat', parsePath(file));
    },
  };
  return guarded(calls);
}

/** Syscall and path of an xattr call by path or by descriptor. */
function named(call: string, file: PathArgument | number, follow: boolean): [syscall: string, path?: string] {
  if (typeof file === 'number') return [`f${call}`];
  return [follow ? call : `l${call}`, parsePath(file)];
}

/** A failure of the store comes out as EIO or EROFS. */
function guarded(calls: LinuxFs): LinuxFs {
  const all = calls as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, call] of Object.entries(all)) {
    all[name] = (...args) => {
      try {
        return call(...args);
      } catch (error) {
        throw asFsError(error, name.slice(0, -4), args[0]);
      }
    };
  }
  return calls;
}
