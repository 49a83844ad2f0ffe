/** Calls on the content of open files: read, write, seek, copy. */

import { CHUNK_BYTES_MAX } from '../../events/chunk-store.ts';
import type { Cause } from '../../events/event.ts';
import { FILE_BYTES_MAX, readContent } from '../../projections/tree/content.ts';
import { PAGE_BYTES } from '../../projections/tree/page.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { copyUp } from '../decide/copy-up.ts';
import type { Engine } from '../engine.ts';
import { EBADF, EFBIG, EINVAL, EISDIR, ENXIO, EOVERFLOW, EROFS, ESTALE, EXDEV } from '../errno.ts';
import { O_APPEND, O_PATH, type OpenFile } from '../open-files.ts';
import { commitDraft, draftFor, engineOf } from './commit.ts';
import { nameOfFile } from './name-of-file.ts';
import { dropPrivileges } from './privileges.ts';

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

/**
 * Reads into a buffer.
 *
 * @param position - Offset in the file; null reads at the file's own position and moves it.
 * @returns Bytes read, 0 at the end of the file; or a negative error number.
 */
export function read(
  file: OpenFile,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): number {
  if (!file.canRead) return EBADF;
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  if (inode.dir !== null) return EISDIR;
  const at = position ?? file.position;
  if (at < 0) return EINVAL;
  const available = Math.min(length, inode.size - at);
  if (available <= 0) return 0;
  readContent(inode.content, file.namespace.chunks, at, buffer, offset, available);
  if (position === null) file.position = at + available;
  return available;
}

/**
 * Writes from a buffer, which is copied.
 *
 * @param position - Offset in the file; null writes at the file's own position and moves it. With O_APPEND both write at
 *   the end (pwrite(2), "BUGS": so does Linux).
 * @returns `length`, or a negative error number; nothing is written in part.
 */
export function write(
  file: OpenFile,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): number {
  if (!file.canWrite) return EBADF;
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  if (file.mount.readOnly) return EROFS;
  if (position !== null && position < 0) return EINVAL;
  if (length === 0) return 0;
  const at = file.flags & O_APPEND ? inode.size : (position ?? file.position);
  if (at + length > FILE_BYTES_MAX) return EFBIG;
  const engine = engineOf(file.namespace);
  const pieces = storePieces(engine, buffer, offset, length);
  writePieces(file, inode, at, length, pieces, ['write', file.path, at, length]);
  if (position === null) file.position = at + length;
  return length;
}

/** Stores a stretch of a buffer in chunks; gives the triples of a Written event. */
export function storePieces(engine: Engine, buffer: Uint8Array, offset: number, length: number): number[] {
  if (length <= CHUNK_BYTES_MAX) {
    const whole = offset === 0 && length === buffer.length;
    return [engine.putChunk(whole ? buffer : buffer.subarray(offset, offset + length)), 0, length];
  }
  const pieces: number[] = [];
  for (let done = 0; done < length; done += CHUNK_BYTES_MAX) {
    const bytes = Math.min(CHUNK_BYTES_MAX, length - done);
    pieces.push(engine.putChunk(buffer.subarray(offset + done, offset + done + bytes)), 0, bytes);
  }
  return pieces;
}

function writePieces(
  file: OpenFile,
  inode: Inode,
  offset: number,
  length: number,
  pieces: readonly number[],
  cause: Cause,
): void {
  const { namespace, mount } = file;
  const draft = draftFor(namespace, mount);
  let ino = file.ino;
  // Opening for writing has copied the file up; a rewind may have made it lower again under an open file.
  if (!inode.isUpper || inode.isMetacopy) ino = copyUp(mount.overlay, nameOfFile(file), draft, 'data');
  dropPrivileges(file.identity, inode, ino, draft);
  draft.events.push({ type: 'Written', ino, offset, length, pieces, timeNs: draft.timeNs });
  commitDraft(namespace, mount, cause, draft);
}

/**
 * Moves the position of an open file.
 *
 * @param whence - SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA or SEEK_HOLE (at the grain of 4 KiB blocks).
 * @returns The new position, or a negative error number. For a directory only a seek to 0 is meaningful: it reads anew.
 */
export function seek(file: OpenFile, offset: number, whence: number): number {
  if (file.flags & O_PATH) return EBADF;
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  const target = seekTarget(file, inode, offset, whence);
  if (target < 0) return target;
  if (target > FILE_BYTES_MAX) return EOVERFLOW;
  file.position = target;
  if (inode.dir !== null && target === 0) file.entries = null;
  return target;
}

function seekTarget(file: OpenFile, inode: Inode, offset: number, whence: number): number {
  switch (whence) {
    case SEEK_SET:
      return offset < 0 ? EINVAL : offset;
    case SEEK_CUR:
      return file.position + offset < 0 ? EINVAL : file.position + offset;
    case SEEK_END:
      return inode.size + offset < 0 ? EINVAL : inode.size + offset;
    case SEEK_DATA:
    case SEEK_HOLE: {
      if (inode.dir !== null) return EINVAL;
      if (offset < 0 || offset >= inode.size) return ENXIO;
      if (inode.content === null) return whence === SEEK_DATA ? ENXIO : offset;
      const at = inode.content.seek(offset, inode.size, whence === SEEK_DATA);
      return at < 0 ? ENXIO : at;
    }
    default:
      return EINVAL;
  }
}

/**
 * Copies a stretch from file to file without moving a byte: the target speaks of the same chunks.
 *
 * @param fromPosition - null: the file's own position, which moves; likewise `toPosition`.
 * @returns Bytes copied, fewer at the end of the source; or EBADF, EISDIR, EINVAL (overlap in one file, O_APPEND as
 *   EBADF), EXDEV (between stores), EFBIG, EROFS.
 */
export function copyFileRange(
  from: OpenFile,
  fromPosition: number | null,
  to: OpenFile,
  toPosition: number | null,
  length: number,
): number {
  const source = nodeOf(from);
  const target = nodeOf(to);
  if (source === undefined || target === undefined) return ESTALE;
  if ((from.flags | to.flags) & O_PATH) return EBADF;
  if (source.dir !== null || target.dir !== null) return EISDIR;
  if (!from.canRead || !to.canWrite || to.flags & O_APPEND) return EBADF;
  if (from.namespace.chunks !== to.namespace.chunks) return EXDEV;
  if (to.mount.readOnly) return EROFS;
  const at = fromPosition ?? from.position;
  const out = toPosition ?? to.position;
  if (at < 0 || out < 0) return EINVAL;
  const bytes = Math.max(0, Math.min(length, source.size - at));
  if (out + bytes > FILE_BYTES_MAX) return EFBIG;
  if (source === target && at < out + bytes && out < at + bytes) return EINVAL;
  if (bytes > 0) {
    const pieces = piecesOf(engineOf(to.namespace), source, at, bytes);
    writePieces(to, target, out, bytes, pieces, ['copy_file_range', from.path, at, to.path, out, bytes]);
  }
  if (fromPosition === null) from.position = at + bytes;
  if (toPosition === null) to.position = out + bytes;
  return bytes;
}

const ZEROS = new Uint8Array(CHUNK_BYTES_MAX);

/** The chunks behind a stretch of a file, as triples; holes become chunks of zeros. */
export function piecesOf(engine: Engine, inode: Inode, position: number, length: number): number[] {
  const pieces: number[] = [];
  const end = position + length;
  let at = position;
  const pad = (to: number): void => {
    while (at < to) {
      const bytes = Math.min(CHUNK_BYTES_MAX, to - at);
      pieces.push(engine.putChunk(ZEROS.subarray(0, bytes)), 0, bytes);
      at += bytes;
    }
  };
  inode.content?.forEachPage(
    (page, index) => {
      const start = index * PAGE_BYTES;
      if (start >= end) return false;
      for (let quad = 0; quad < page.slices.length; quad += 4) {
        const from = Math.max(at, start + page.slices[quad]);
        const to = Math.min(end, start + page.slices[quad + 1]);
        if (to <= from) continue;
        pad(from);
        addPiece(pieces, page.slices[quad + 2], page.slices[quad + 3] + (from - start - page.slices[quad]), to - from);
        at = to;
      }
      return true;
    },
    Math.floor(position / PAGE_BYTES),
  );
  pad(end);
  return pieces;
}

/** Adds a piece, joined to the one before where it goes on in the same chunk. */
function addPiece(pieces: number[], chunk: number, offset: number, length: number): void {
  const last = pieces.length - 3;
  if (last >= 0 && pieces[last] === chunk && pieces[last + 1] + pieces[last + 2] === offset) pieces[last + 2] += length;
  else pieces.push(chunk, offset, length);
}

/** The node of an open file; undefined when a rewind has taken it away. */
export function nodeOf(file: OpenFile): Inode | undefined {
  return file.mount.overlay.tree.get(file.ino);
}
