import type { TarEntry } from './tar-entry.ts';
import { AUFS_LINK_DIRECTORY } from './layer-path.ts';

/** Bytes of content that may wait for their first name. */
export const AUFS_BYTES_MAX = 64 * 2 ** 20;

interface HeldFile {
  readonly entry: TarEntry;
  readonly pieces: Buffer[];
  /** The first path that was given to it. */
  path: string | null;
}

/**
 * Files that aufs kept under `.wh..wh.plnk/`, from layers that Docker wrote on aufs (before 2018).
 *
 * Such a layer stores a file with several names once, under a number, and each real name as a hard link to it. The content is
 * held until its first real name comes, at most {@link AUFS_BYTES_MAX} bytes in all.
 */
export class AufsLinks {
  readonly #files = new Map<string, HeldFile>();
  #bytes = 0;
  #open: HeldFile | null = null;

  /** Begins to hold a file; its content follows by {@link data} and {@link hole}. Returns false when it is too big. */
  hold(path: string, entry: TarEntry): boolean {
    this.#bytes += entry.size;
    if (this.#bytes > AUFS_BYTES_MAX) return false;
    this.#open = { entry, pieces: [], path: null };
    this.#files.set(path, this.#open);
    return true;
  }

  data(bytes: Uint8Array): void {
    this.#open?.pieces.push(Buffer.from(bytes));
  }

  hole(length: number): void {
    this.#open?.pieces.push(Buffer.alloc(length));
  }

  /** The file that a link target names, or undefined. */
  find(target: string): HeldFile | undefined {
    return this.#files.get(target);
  }

  static isLinkPath(path: string): boolean {
    return path.startsWith(`${AUFS_LINK_DIRECTORY}/`);
  }
}
