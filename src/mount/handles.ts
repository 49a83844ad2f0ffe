import type { OpenFile } from '../engine/open-files.ts';

/** Open files by the handle that the kernel got for each; numbers from 1, the lowest free one first. */
export class Handles {
  readonly #files: (OpenFile | null)[] = [null];
  readonly #free: number[] = [];

  add(file: OpenFile): number {
    const handle = this.#free.pop() ?? this.#files.length;
    this.#files[handle] = file;
    return handle;
  }

  get(handle: number): OpenFile | null {
    return this.#files[handle] ?? null;
  }

  /** Takes it out; null when there is none. */
  remove(handle: number): OpenFile | null {
    const file = this.get(handle);
    if (file === null) return null;
    this.#files[handle] = null;
    this.#free.push(handle);
    return file;
  }

  *all(): Generator<OpenFile, void> {
    for (const file of this.#files) if (file !== null) yield file;
  }
}
