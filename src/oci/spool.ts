import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decompress } from './decompress.ts';
import type { SourcePlace } from './source-place.ts';
import { sourceError } from './source-place.ts';

/**
 * Decompresses into a temporary file, so that it can be read at any place.
 *
 * The file has no name any more when this returns, so it goes away with its handle, even when the process is killed.
 *
 * @param options.directory - Where it lies; default the system's temporary directory.
 * @param options.bytesMax - Bound on the uncompressed bytes.
 * @throws StoreError as `decompress`; `ERR_OCI_CORRUPT` above the bound. Errors of the file system pass through.
 */
export async function spoolDecompressed(
  source: AsyncIterable<Uint8Array>,
  options: { directory?: string | undefined; bytesMax: number },
  place: SourcePlace,
): Promise<FileHandle> {
  const handle = await openUnnamed(options.directory ?? tmpdir());
  try {
    let at = 0;
    for await (const piece of decompress(source, place)) {
      await writeFully(handle, piece, at);
      at += piece.byteLength;
      if (at > options.bytesMax)
        throw sourceError('ERR_OCI_CORRUPT', `unpacks to more than ${options.bytesMax} bytes`, place);
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openUnnamed(directory: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(directory, 'overlog-'));
  try {
    return await open(join(folder, 'spool'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const result = await handle.write(bytes, written, bytes.byteLength - written, position + written);
    written += result.bytesWritten;
  }
}
