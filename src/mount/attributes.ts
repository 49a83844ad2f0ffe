/** The structures that tell of a node: fuse_attr, fuse_attr_out, fuse_entry_out. */

import { BLOCK_BYTES } from '../projections/tree/page.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { blockCount, DIRECTORY_BYTES, linkCount } from '../engine/calls/stat.ts';
import { ATTR_OUT_BYTES, ENTRY_OUT_BYTES, VALID_SECONDS } from './protocol.ts';
import type { Reply } from './reply.ts';
import { nanoseconds, seconds, splitTime } from './time.ts';

/** fuse_attr, 88 bytes. */
function writeAttributes(reply: Reply, at: number, ino: number | bigint, inode: Inode, nlink: number): void {
  reply.ino(at, ino);
  reply.u64(at + 8, inode.dir === null ? inode.size : DIRECTORY_BYTES);
  reply.u64(at + 16, blockCount(inode));
  splitTime(inode.atimeNs);
  reply.u64(at + 24, seconds);
  reply.u32(at + 48, nanoseconds);
  splitTime(inode.mtimeNs);
  reply.u64(at + 32, seconds);
  reply.u32(at + 52, nanoseconds);
  splitTime(inode.ctimeNs);
  reply.u64(at + 40, seconds);
  reply.u32(at + 56, nanoseconds);
  reply.u32(at + 60, inode.mode);
  reply.u32(at + 64, nlink);
  reply.u32(at + 68, inode.uid);
  reply.u32(at + 72, inode.gid);
  reply.u32(at + 76, inode.rdev);
  reply.u32(at + 80, BLOCK_BYTES);
  reply.u32(at + 84, 0);
}

/** fuse_attr_out: how long it is valid, and the attributes. Returns its length. */
export function writeAttrOut(reply: Reply, ino: number | bigint, inode: Inode, nlink = linkCount(inode)): number {
  reply.u64(0, VALID_SECONDS);
  reply.u64(8, 0);
  writeAttributes(reply, 16, ino, inode, nlink);
  return ATTR_OUT_BYTES;
}

/** fuse_entry_out: a node that was looked up or made. Returns its length. */
export function writeEntryOut(reply: Reply, at: number, id: number, ino: number | bigint, inode: Inode): number {
  reply.u64(at, id);
  reply.u64(at + 8, 0); // generation: numbers are never used twice
  reply.u64(at + 16, VALID_SECONDS);
  reply.u64(at + 24, VALID_SECONDS);
  reply.u64(at + 32, 0);
  writeAttributes(reply, at + 40, ino, inode, linkCount(inode));
  return ENTRY_OUT_BYTES;
}

/** fuse_entry_out of a name that does not exist, which the kernel may remember, too. */
export function writeNegativeEntry(reply: Reply): number {
  reply.clear(0, ENTRY_OUT_BYTES);
  reply.u64(16, VALID_SECONDS);
  return ENTRY_OUT_BYTES;
}
