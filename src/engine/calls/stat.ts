/** Calls that only look: stat, readlink, access, statfs. */

import { isDirectoryMode, isFileMode, isSymlinkMode } from '../../events/mode.ts';
import { FILE_BYTES_MAX } from '../../projections/tree/content.ts';
import { BLOCK_BYTES } from '../../projections/tree/page.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Caller } from '../caller.ts';
import { EACCES, EINVAL, EROFS, ESTALE } from '../errno.ts';
import { permit } from '../identity.ts';
import { FOLLOW, Found, walk } from '../lookup.ts';
import type { Location, Mount } from '../namespace.ts';
import type { OpenFile } from '../open-files.ts';

/** Size that a directory shows (ext4: one block). */
export const DIRECTORY_BYTES = 4096;
/** linux/magic.h OVERLAYFS_SUPER_MAGIC */
export const OVERLAYFS_MAGIC = 0x794c7630;
/** access(2) */
const W_OK = 2;
const X_OK = 1;

/** What stat(2) tells; a caller reuses one object. */
export class NodeStat {
  dev = 0;
  ino = 0;
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  rdev = 0;
  size = 0;
  blksize = BLOCK_BYTES;
  /** 512-byte units. */
  blocks = 0;
  atimeNs = 0n;
  mtimeNs = 0n;
  ctimeNs = 0n;
  birthtimeNs = 0n;
}

export class FsStat {
  type = OVERLAYFS_MAGIC;
  bsize = BLOCK_BYTES;
  blocks = 0;
  bfree = 0;
  bavail = 0;
  files = 0;
  ffree = 0;
}

const found = new Found();

/** Resolves a path for a caller that wants the node itself. */
export function lookup(caller: Caller, start: Location, path: string, follow: boolean, into: Found): number {
  return walk(caller, start, path, follow ? FOLLOW : 0, into);
}

export function stat(caller: Caller, start: Location, path: string, follow: boolean, out: NodeStat): number {
  const error = walk(caller, start, path, follow ? FOLLOW : 0, found);
  if (error !== 0) return error;
  fillStat(found.mount, found.ino, found.mount.overlay.tree.at(found.ino), out);
  return 0;
}

export function fstat(file: OpenFile, out: NodeStat): number {
  const inode = file.mount.overlay.tree.get(file.ino);
  if (inode === undefined) return ESTALE;
  fillStat(file.mount, file.ino, inode, out);
  return 0;
}

/** @param mount - Through which the node was reached; its subject is the device number. */
export function fillStat(mount: Mount, ino: number, inode: Inode, out: NodeStat): void {
  out.dev = mount.subject;
  out.ino = ino;
  out.mode = inode.mode;
  out.nlink = linkCount(inode);
  out.uid = inode.uid;
  out.gid = inode.gid;
  out.rdev = inode.rdev;
  out.size = inode.dir === null ? inode.size : DIRECTORY_BYTES;
  out.blocks = blockCount(inode);
  out.atimeNs = inode.atimeNs;
  out.mtimeNs = inode.mtimeNs;
  out.ctimeNs = inode.ctimeNs;
  out.birthtimeNs = inode.btimeNs;
}

/** st_nlink: 1 for a directory that merges several (also after its removal), 2 and its subdirectories for one that lies in one layer only. */
export function linkCount(inode: Inode): number {
  const { dir } = inode;
  if (dir === null) return inode.nlink;
  if (dir.mergedBelow || (inode.isUpper && dir.hasLower)) return 1;
  return inode.nlink === 0 ? 0 : 2 + dir.subdirectories;
}

/** st_blocks, in units of 512 bytes. A symlink of 60 bytes or more takes a block (ext4 keeps shorter ones in the inode). */
export function blockCount(inode: Inode): number {
  if (isDirectoryMode(inode.mode)) return BLOCK_BYTES / 512;
  if (isSymlinkMode(inode.mode)) return inode.size < 60 ? 0 : BLOCK_BYTES / 512;
  return inode.content === null ? 0 : inode.content.allocatedBytes / 512;
}

/** Target of a symbolic link, or EINVAL for anything else. */
export function readlink(caller: Caller, start: Location, path: string): string | number {
  const error = walk(caller, start, path, 0, found);
  if (error !== 0) return error;
  const inode = found.mount.overlay.tree.at(found.ino);
  return isSymlinkMode(inode.mode) ? inode.target : EINVAL;
}

/** access(2). Root may read, write and search everything that exists; EROFS where a write could not succeed. */
export function access(caller: Caller, start: Location, path: string, mode: number): number {
  if (mode & ~7) return EINVAL;
  const error = walk(caller, start, path, FOLLOW, found);
  if (error !== 0) return error;
  const inode = found.mount.overlay.tree.at(found.ino);
  const isSpecial = !isDirectoryMode(inode.mode) && !isFileMode(inode.mode);
  if (mode & W_OK && found.mount.readOnly && !isSpecial) return EROFS;
  if (caller.identity !== null) return permit(caller.identity, inode, mode);
  if (mode & X_OK && inode.dir === null && !(inode.mode & 0o111)) return EACCES;
  return 0;
}

/** Numbers of the mount: what its tree holds out of what one could hold. */
export function statfs(caller: Caller, start: Location, path: string, out: FsStat): number {
  const error = walk(caller, start, path, FOLLOW, found);
  if (error !== 0) return error;
  const { tree } = found.mount.overlay;
  const total = Math.floor(FILE_BYTES_MAX / BLOCK_BYTES);
  const free = total - Math.ceil(tree.upperAllocatedBytes / BLOCK_BYTES);
  out.blocks = total;
  out.bfree = free;
  out.bavail = free;
  out.files = 0xffff_ffff;
  out.ffree = 0xffff_ffff - tree.nextIno;
  return 0;
}
