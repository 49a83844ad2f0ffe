import { EMFILE } from '../errno.ts';
import type { OpenFile } from '../open-files.ts';

/** Descriptors of standard input, output and error, which no file gets. */
const FIRST_FD = 3;

/** RLIMIT_NOFILE's usual hard limit on Linux. */
const FD_MAX = 1_048_576;

/** Numbers for open files, from 3; a new file gets the lowest free one (open(2)). */
export class Descriptors {
  readonly #files: (OpenFile | null)[] = [];
  /** No index below this one is free. */
  #lowestFree = 0;

  get(fd: number): OpenFile | null {
    return this.#files[fd - FIRST_FD] ?? null;
  }

  /** @returns The descriptor, or EMFILE. */
  add(file: OpenFile): number {
    const files = this.#files;
    let index = this.#lowestFree;
    while (index < files.length && files[index] !== null) index++;
    if (index + FIRST_FD >= FD_MAX) return EMFILE;
    files[index] = file;
    this.#lowestFree = index + 1;
    return index + FIRST_FD;
  }

  /** Frees a descriptor and gives the file that it stood for. */
  remove(fd: number): OpenFile | null {
    const index = fd - FIRST_FD;
    const file = this.#files[index] ?? null;
    if (file === null) return null;
    this.#files[index] = null;
    if (index < this.#lowestFree) this.#lowestFree = index;
    return file;
  }

  /** The files that are open now, each with its descriptor. */
  open(): [fd: number, file: OpenFile][] {
    const open: [number, OpenFile][] = [];
    this.#files.forEach((file, index) => {
      if (file !== null) open.push([index + FIRST_FD, file]);
    });
    return open;
  }
}
