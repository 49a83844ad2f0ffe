import type { FileHandle } from 'node:fs/promises';
import { readRange } from './blob.ts';
import type { Blob, ImageFiles } from './blob.ts';
import { normalizePath } from './layer-path.ts';
import type { TarLimits } from './limits.ts';
import { sourceError } from './source-place.ts';
import type { WarningHandler } from './source-warning.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import type { TarHandler } from './tar-reader.ts';

/** Symlinks followed for one path (linux/namei.h MAXSYMLINKS). */
const SYMLINKS_MAX = 40;

const PIECE_BYTES = 64 * 2 ** 10;

type IndexEntry =
  | { readonly kind: 'file'; readonly offset: number; readonly size: number; readonly isSparse: boolean }
  | { readonly kind: 'symlink' | 'hardlink'; readonly target: string };

/**
 * The files inside a tar on the disk, by an index of their places: nothing is unpacked.
 *
 * Of two entries with one name the later one counts. Links are followed inside the archive only, `..` is clamped at its root.
 */
export class TarFiles implements ImageFiles {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #entries = new Map<string, IndexEntry>();

  readonly #size: number;

  private constructor(file: string, handle: FileHandle, size: number) {
    this.file = file;
    this.#handle = handle;
    this.#size = size;
  }

  /**
   * Reads the headers of a tar, seeking over the contents.
   *
   * @param handle - An uncompressed tar; belongs to the result from here on, and stays open when this throws.
   * @throws StoreError `ERR_OCI_CORRUPT` as {@link TarReader}.
   */
  static async index(
    file: string,
    handle: FileHandle,
    options: { limits?: Partial<TarLimits> | undefined; onWarning?: WarningHandler | undefined } = {},
  ): Promise<TarFiles> {
    const { size } = await handle.stat();
    const files = new TarFiles(file, handle, size);
    const handler: TarHandler = {
      entry: (entry) => files.#add(entry),
      data: () => {},
      hole: () => {},
      warning: (message, entry) => options.onWarning?.({ file, layer: null, entry, message }),
    };
    const reader = new TarReader(handler, { file, limits: options.limits });
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    while (reader.offset < size) {
      const skippable = Math.min(reader.skippableBytes, size - reader.offset);
      if (skippable > 0) {
        reader.skip(skippable);
        continue;
      }
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, reader.offset);
      if (bytesRead === 0) break;
      reader.push(piece.subarray(0, bytesRead));
    }
    reader.end();
    return files;
  }

  /** The tar itself. */
  whole(): Blob {
    const end = this.#size;
    return { size: end, read: (start = 0) => readRange(this.#handle, { start, end }, { file: this.file }) };
  }

  async find(path: string): Promise<Blob | null> {
    const entry = this.#resolve(path);
    if (entry === null) return null;
    const place = { file: this.file };
    if (entry.isSparse)
      throw sourceError('ERR_OCI_UNSUPPORTED', 'a sparse file inside the archive', { ...place, entry: path });
    const { offset, size } = entry;
    return { size, read: (start = 0) => readRange(this.#handle, { start: offset + start, end: offset + size }, place) };
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #add(entry: TarEntry): false {
    const path = normalizePath(entry.path);
    switch (entry.kind) {
      case 'file':
        this.#entries.set(path, { kind: 'file', offset: entry.dataOffset, size: entry.size, isSparse: entry.isSparse });
        break;
      case 'symlink':
      case 'hardlink':
        this.#entries.set(path, { kind: entry.kind, target: entry.target });
        break;
      case 'dir':
      case 'chr':
      case 'blk':
      case 'fifo':
        this.#entries.delete(path);
        break;
    }
    return false;
  }

  #resolve(path: string): Extract<IndexEntry, { kind: 'file' }> | null {
    let todo = path.split('/').toReversed();
    let done: string[] = [];
    let links = 0;
    while (todo.length > 0) {
      const part = todo.pop() as string;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      const entry = this.#entries.get([...done, part].join('/'));
      if (entry === undefined) {
        done.push(part); // a directory, with or without an entry
        continue;
      }
      if (entry.kind === 'file') return todo.length === 0 ? entry : null;
      if (++links > SYMLINKS_MAX) return null;
      if (entry.kind === 'hardlink' || entry.target.startsWith('/')) done = [];
      todo = [...todo, ...entry.target.split('/').toReversed()];
    }
    return null;
  }
}
