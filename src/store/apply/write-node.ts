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

/**
 * Makes what stands at a path equal to a node; what stood there has been found to be what it should be.
 *
 * @param linkTo - Another name of the same file that was written before.
 * @returns Why it was left out, or null.
 */
export function writeNode(path: Buffer, inode: Inode, chunks: ChunkReader, linkTo: Buffer | null): string | null {
  const kind = kindOf(inode.mode);
  if (kind === 'dir') mkdirSync(path, { recursive: true });
  else if (kind === 'file' || kind === 'symlink') replace(path, inode, chunks, linkTo);
  else return `a ${kind} is not written: mknod(1) makes it`;
  setAttributes(path, inode);
  return null;
}

/** Mode, owner (for root) and times. */
export function setAttributes(path: Buffer, inode: Inode): void {
  if (process.getuid?.() === 0) lchownSync(path, inode.uid, inode.gid);
  if (kindOf(inode.mode) !== 'symlink') chmodSync(path, inode.mode & PERMISSION_BITS);
  lutimesSync(path, Number(inode.atimeNs) / 1e9, Number(inode.mtimeNs) / 1e9);
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
