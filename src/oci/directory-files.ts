import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { openRegular, readRange } from './blob.ts';
import type { Blob, ImageFiles } from './blob.ts';
import { normalizePath } from './layer-path.ts';
import { sourceError } from './source-place.ts';

/**
 * The files of an image that lies unpacked in a directory, such as an OCI layout.
 *
 * `..` is clamped at the directory. A symlink may lead out of it in `blobs/` only: build tools link blobs out of a cache, and what
 * is read there must have the digest that its name says. Anywhere else that is refused, so that a folder that somebody sent
 * makes nobody read a file of the machine.
 */
export class DirectoryFiles implements ImageFiles {
  readonly file: string;

  constructor(directory: string) {
    this.file = directory;
  }

  /** @throws StoreError `ERR_OCI_CORRUPT` for a link that leads out of the folder. */
  async find(path: string): Promise<Blob | null> {
    const plain = normalizePath(path);
    const full = join(this.file, plain);
    if (!plain.startsWith('blobs/')) await this.#expectInside(full, plain);
    const handle = await openRegular(full);
    if (handle === null) return null;
    const { size } = await handle.stat();
    await handle.close();
    const place = { file: full };
    return { size, read: (start = 0) => readFileFrom(full, { start, end: size }, place) };
  }

  async #expectInside(full: string, entry: string): Promise<void> {
    const places = Promise.all([realpath(this.file), realpath(full)]);
    const [root, target] = await places.catch(() => ['', '']); // what is not there, or a loop, is not found
    if (target === '' || target.startsWith(root.endsWith(sep) ? root : root + sep)) return;
    throw sourceError('ERR_OCI_CORRUPT', 'a link that leads out of the folder', { file: this.file, entry });
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
