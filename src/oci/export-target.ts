import { once } from 'node:events';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { storeError } from '../events/log-error.ts';

/** Bytes as they come, from memory or from files. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes pieces to a file or a stream.
 *
 * @param target - A path: the file gets its name when it is whole, in place of one that has it; a device or a pipe there is
 *   written as it is. A stream: it is left open.
 * @returns Bytes written.
 * @throws `ERR_INVALID_ARGUMENT` when the path is a directory; what the file system or the stream throws. No part stays behind.
 */
export async function writePieces(target: string | Writable, pieces: Pieces): Promise<number> {
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      bytes += piece.byteLength;
      yield piece;
    }
  }
  if (typeof target !== 'string') await writeToStream(target, counted());
  else await writeToFile(target, counted());
  return bytes;
}

async function writeToStream(stream: Writable, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => {});
  for await (const piece of pieces) {
    if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), failed]);
  }
}

async function writeToFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const status = await stat(path).catch(() => null);
  if (status?.isDirectory())
    throw storeError('ERR_INVALID_ARGUMENT', `${path} is a directory`, { detail: { file: path } });
  const isReplaced = status === null || status.isFile();
  const part = isReplaced ? partName(path) : path;
  const handle = await open(part, isReplaced ? 'wx' : 'w');
  try {
    await pipeline(Readable.from(pieces), handle.createWriteStream());
    if (isReplaced) await rename(part, path);
  } catch (error) {
    if (isReplaced) await rm(part, { force: true });
    throw error;
  }
}

/** The name beside a path under which it is written until it is whole. */
export const partName = (path: string): string => `${path.replace(/\/+$/, '')}.part-${process.pid}`;

/** The same for a directory whose files then become a file at the path. */
export const partDirectoryName = (path: string): string => `${partName(path)}.d`;

/** What an interrupted save or export to a path may leave behind, for clearing it away. */
export const partPaths = (path: string): string[] => [partName(path), partDirectoryName(path)];
