import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';

/** Bytes of a file of an image: a blob, a manifest, a layer. */
export interface Blob {
  readonly size: number;
  /** The bytes from `start` on, in pieces that belong to the caller. */
  read(start?: number): AsyncIterable<Buffer>;
}

/** The files of an image, by path, wherever they are. Paths use `/` and are relative. */
export interface ImageFiles {
  /** What is read, for messages. */
  readonly file: string;
  /** The file at a path, links followed; null if there is none or it is no regular file. */
  find(path: string): Promise<Blob | null>;
  close(): Promise<void>;
}

const PIECE_BYTES = 256 * 2 ** 10;

/**
 * Reads a range of an open file.
 *
 * @throws StoreError `ERR_OCI_CORRUPT` if the file ends before the range does.
 */
export async function* readRange(
  handle: FileHandle,
  range: { start: number; end: number },
  place: SourcePlace,
): AsyncGenerator<Buffer> {
  let at = range.start;
  while (at < range.end) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, range.end - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0)
      throw sourceError('ERR_OCI_CORRUPT', `the file ends at byte ${at}, before its content does`, place);
    at += bytesRead;
    yield bytesRead === piece.length ? piece : piece.subarray(0, bytesRead);
  }
}

/**
 * All bytes of a small blob.
 *
 * @throws StoreError `ERR_OCI_CORRUPT` if it is longer than `bytesMax`.
 */
export async function readWhole(blob: Blob, bytesMax: number, what: string, place: SourcePlace): Promise<Buffer> {
  if (blob.size > bytesMax) throw sourceError('ERR_OCI_CORRUPT', `${what} is longer than ${bytesMax} bytes`, place);
  const pieces: Buffer[] = [];
  for await (const piece of blob.read()) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Opens a regular file for reading; a fifo in its place does not block. Null if there is none or it is something else. */
export async function openRegular(path: string | Buffer): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENXIO' || code === 'ELOOP') return null;
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return null;
}
