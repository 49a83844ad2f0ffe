import type { OpenFile } from '../engine/open-files.ts';

/** Open files by the handle that the kernel got for each; numbers from 1, one that was freed first. */
export class Handles {
  readonly #files: (OpenFile | null)[] = [null];
  readonly #free: number[] = [];

  add(file: OpenFile): number {
    const handle = this.#free.pop() ?? this.#files.length;
    this.#files[handle] = file;
    return handle;
  }

  /** Puts a file where another server had it, in any order. */
  put(handle: number, file: OpenFile): void {
    while (this.#files.length < handle) {
      this.#free.push(this.#files.length);
      this.#files.push(null);
    }
    const freed = this.#free.indexOf(handle);
    if (freed >= 0) this.#free.splice(freed, 1);
    this.#files[handle] = file;
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
    for (const [, file] of this.entries()) yield file;
  }

  *entries(): Generator<[handle: number, file: OpenFile], void> {
    for (const [handle, file] of this.#files.entries()) if (file !== null) yield [handle, file];
  }
}
