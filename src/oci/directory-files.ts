import { join } from 'node:path';
import { openRegular, readRange } from './blob.ts';
import type { Blob, ImageFiles } from './blob.ts';
import { normalizePath } from './layer-path.ts';
import { sourceError } from './source-place.ts';

/**
 * The files of an image that lies unpacked in a directory, such as an OCI layout.
 *
 * `..` is clamped at the directory. Symlinks on the disk are followed wherever they lead: build tools link blobs out of a
 * cache, and what is read must have the right digest anyway.
 */
export class DirectoryFiles implements ImageFiles {
  readonly file: string;

  constructor(directory: string) {
    this.file = directory;
  }

  async find(path: string): Promise<Blob | null> {
    const full = join(this.file, normalizePath(path));
    const handle = await openRegular(full);
    if (handle === null) return null;
    const { size } = await handle.stat();
    await handle.close();
    const place = { file: full };
    return { size, read: (start = 0) => readFileFrom(full, { start, end: size }, place) };
  }

  async close(): Promise<void> {
    // Nothing is held open between reads.
  }
}

async function* readFileFrom(
  path: string,
  range: { start: number; end: number },
  place: { file: string },
): AsyncGenerator<Buffer> {
  const handle = await openRegular(path);
  if (handle === null) throw sourceError('ERR_OCI_CORRUPT', 'the file is gone', place);
  try {
    yield* readRange(handle, range, place);
  } finally {
    await handle.close();
  }
}
