import type { Inode } from '../../projections/tree/inode.ts';

/**
 * Where the data of lower files lies on the host. The tree of such a file speaks of one chunk, whose number stands for a path
 * here; so a file finds its data wherever it is shown, also when a layer above has moved it, or has its attributes only.
 */
export class HostPlaces {
  readonly #paths: string[] = [''];

  /** Number that stands for a file. */
  add(path: string): number {
    return this.#paths.push(path) - 1;
  }

  /** The first number that stands for nothing. */
  get end(): number {
    return this.#paths.length;
  }

  /** Path of a file's data; null where it has none. */
  of(inode: Inode): string | null {
    let chunk = 0;
    inode.content?.forEachPage((page) => {
      chunk = page.slices[2] ?? 0;
      return chunk === 0;
    });
    return this.#paths[chunk] || null;
  }
}
