/** Writing a node of a tree onto the host, whole or not at all: it gets its name when it is complete. */

import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { kindOf, PERMISSION_BITS } from '../../events/mode.ts';
import { encodeName } from '../../events/name.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Inode } from '../../projections/tree/inode.ts';

const PIECE_BYTES = 1 << 20;
/** In front of the name of what is not complete yet, in the same directory. */
const UNFINISHED = '.overlog-apply-';

/** Why {@link writeNode} can't write a node, in words; null: it can. */
export function whyUnwritable({ mode, xattrs }: Inode): string | null {
  const kind = kindOf(mode);
  if (kind !== 'dir' && kind !== 'file' && kind !== 'symlink')
    return `is a ${kind}, which is not written: mknod(1) makes it`;
  return xattrs.length > 0 ? 'has extended attributes, which are not written' : null;
}

/**
 * Makes what stands at a path equal to a node; what stood there has been found to be what it should be.
 *
 * @param inode - One that {@link whyUnwritable} says nothing of.
 * @param linkTo - Another name of the same file that was written before.
 */
export function writeNode(path: Buffer, inode: Inode, chunks: ChunkReader, linkTo: Buffer | null): void {
  if (inode.dir !== null) mkdirSync(path, { recursive: true });
  else replace(path, inode, chunks, linkTo);
  setAttributes(path, inode);
}

/** Mode, owner (for root) and times. */
function setAttributes(path: Buffer, inode: Inode): void {
  if (process.getuid?.() === 0) lchownSync(path, inode.uid, inode.gid);
  if (kindOf(inode.mode) !== 'symlink') chmodSync(path, inode.mode & PERMISSION_BITS);
  setTimes(path, inode);
}

export function setTimes(path: Buffer, { atimeNs, mtimeNs }: Inode): void {
  lutimesSync(path, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
}

function replace(path: Buffer, inode: Inode, chunks: ChunkReader, linkTo: Buffer | null): void {
  const slash = path.lastIndexOf('/') + 1;
  const unfinished = Buffer.concat([path.subarray(0, slash), Buffer.from(`${UNFINISHED}${process.pid}`)]);
  rmSync(unfinished, { force: true });
  try {
    if (linkTo !== null) linkSync(linkTo, unfinished);
    else if (kindOf(inode.mode) === 'symlink') symlinkSync(encodeName(inode.target), unfinished);
    else writeFile(unfinished, inode, chunks);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function writeFile(path: Buffer, inode: Inode, chunks: ChunkReader): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, Math.max(1, inode.size)));
    // Holes stay holes: only stretches with data are written.
    for (let at = 0; at < inode.size;) {
      const from = inode.content?.seek(at, inode.size, true) ?? -1;
      if (from < 0) break;
      const end = Math.min(inode.content?.seek(from, inode.size, false) ?? inode.size, inode.size);
      for (at = from; at < end;) {
        const length = Math.min(piece.length, end - at);
        readContent(inode.content, chunks, at, piece, 0, length);
        writeSync(file, piece, 0, length, at);
        at += length;
      }
    }
    ftruncateSync(file, inode.size);
  } finally {
    closeSync(file);
  }
}
