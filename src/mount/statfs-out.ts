/** fuse_statfs_out: how much room a file system has. */

import { NAME_BYTES_MAX } from '../events/name.ts';
import type { Reply } from './reply.ts';

const STATFS_OUT_BYTES = 80;

/** As statfs(2) names them: blocks of `bsize` bytes, and files. */
export interface Room {
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly bsize: number;
}

/** Writes it as the payload. Returns its length. */
export function writeStatfsOut(reply: Reply, { blocks, bfree, bavail, files, ffree, bsize }: Room): number {
  reply.clear(0, STATFS_OUT_BYTES);
  reply.u64(0, blocks);
  reply.u64(8, bfree);
  reply.u64(16, bavail);
  reply.u64(24, files);
  reply.u64(32, ffree);
  reply.u32(40, bsize);
  reply.u32(44, NAME_BYTES_MAX);
  reply.u32(48, bsize); // of fragments
  return STATFS_OUT_BYTES;
}
