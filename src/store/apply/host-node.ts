/** A node of the host next to one of a tree: whether they are the same. */

import { closeSync, lstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { kindOf, PERMISSION_BITS } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Inode } from '../../projections/tree/inode.ts';

const PIECE_BYTES = 1 << 20;

/**
 * How a path of the host differs from a node of a tree, in words; null: it does not.
 *
 * Times are not compared: a copy of a directory has others. Owners are, for root, who alone can restore them.
 *
 * @param path - Not followed.
 * @param expected - undefined: nothing shall be there.
 */
export function differenceOnHost(path: Buffer, expected: Inode | undefined, chunks: ChunkReader): string | null {
  const status = statusOf(path);
  if (status === undefined) return expected === undefined ? null : 'is gone there';
  if (expected === undefined) return 'is there already';
  const kind = kindOf(status.mode);
  if (kind !== kindOf(expected.mode)) return `is a ${kind} there`;
  if (kind === 'symlink') {
    return decodeName(readlinkSync(path, 'buffer')) === expected.target ? null : 'points elsewhere there';
  }
  if ((kind === 'chr' || kind === 'blk') && status.rdev !== expected.rdev) return 'is another device there';
  if ((status.mode & PERMISSION_BITS) !== (expected.mode & PERMISSION_BITS)) return 'has another mode there';
  if (process.getuid?.() === 0 && (status.uid !== expected.uid || status.gid !== expected.gid)) {
    return 'has another owner there';
  }
  if (kind !== 'file') return null;
  const isSame = status.size === expected.size && hasContent(path, expected, chunks);
  return isSame ? null : 'has other content there';
}

/** undefined: nothing is there, or cannot be, because a file stands where a directory would have to. */
export function statusOf(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** What node:fs may take from a time that it sets: it passes seconds as a double, and whole microseconds on. */
const LOST_NS = 2_000n;

/** Whether a node has the modification time of one of a tree, as exactly as node:fs can set it. */
export function hasTimeOnHost(path: Buffer, { mtimeNs }: Inode): boolean {
  const there = lstatSync(path, { bigint: true }).mtimeNs;
  return there - mtimeNs < LOST_NS && mtimeNs - there < LOST_NS;
}

function hasContent(path: Buffer, expected: Inode, chunks: ChunkReader): boolean {
  const [there, here] = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)];
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < expected.size;) {
      const length = readSync(file, there, 0, PIECE_BYTES, at);
      if (length === 0) return false;
      readContent(expected.content, chunks, at, here, 0, length);
      if (there.compare(here, 0, length, 0, length) !== 0) return false;
      at += length;
    }
    return true;
  } finally {
    closeSync(file);
  }
}
