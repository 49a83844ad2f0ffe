/** The files of a recording, and the log among them. */

import { createReadStream } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { storeError } from '../../events/log-error.ts';

export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** For the `catch` of a promise. @throws `ERR_NOT_FOUND` for a missing file, other errors as they are. */
export function notFound(file: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw storeError('ERR_NOT_FOUND', `${file}: no such file`, { detail: { file }, cause: error });
  };
}

export interface LogFile {
  readonly sizeBytes: number;
  /** Pieces of the log, uncompressed. */
  readonly pieces: AsyncIterable<Buffer>;
  /** Bytes of the file read so far. */
  readBytes(): number;
}

/**
 * Opens `strace.log` or `strace.log.gz`, or the one file that `strace -ff` wrote for a program of one process.
 *
 * @throws `ERR_NOT_FOUND`; `ERR_UNSUPPORTED` for a log in a file per process.
 */
export async function openLog(directory: string): Promise<LogFile> {
  const file = await findLog(join(directory, 'strace.log'));
  const { size } = await stat(file).catch(notFound(file));
  const stored = createReadStream(file, { highWaterMark: 1 << 20 });
  return {
    sizeBytes: size,
    pieces: file.endsWith('.gz') ? unpacked(stored, file) : (stored as AsyncIterable<Buffer>),
    readBytes: () => stored.bytesRead,
  };
}

async function findLog(plain: string): Promise<string> {
  for (const file of [plain, `${plain}.gz`]) if (await exists(file)) return file;
  const names = await readdir(dirname(plain)).catch(notFound(dirname(plain)));
  const parts = names.filter(
    (name) => /^\.\d+$/.test(name.slice(basename(plain).length)) && name.startsWith(basename(plain)),
  );
  if (parts.length === 1) return join(dirname(plain), parts[0]);
  if (parts.length > 1) {
    const message = `${plain}: it is in ${parts.length} files, one for each process (strace -ff), which do not tell the order of calls; record with -f -o`;
    throw storeError('ERR_UNSUPPORTED', message, { detail: { file: plain } });
  }
  return plain;
}

async function* unpacked(stored: NodeJS.ReadableStream, file: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 1 << 20 });
  stored.on('error', (error) => gunzip.destroy(error));
  try {
    yield* stored.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !code.startsWith('Z_')) throw error;
    throw storeError('ERR_LOG_IMPORT', `${file}: it is not a whole gzip file: ${message}`, {
      detail: { file },
      cause: error,
    });
  }
}
