/** The arguments of `sys`, one after the other, each read as what the call takes there. */

import { encodeName } from '../../../events/name.ts';
import { PERMISSION_BITS } from '../../../events/mode.ts';
import type { TimeArgument } from '../../../engine/calls/attributes.ts';
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../../engine/open-files.ts';
import { usage } from './verb-error.ts';

type Names = Readonly<Record<string, number>>;

export const OPEN_FLAGS: Names = {
  O_RDONLY,
  O_WRONLY,
  O_RDWR,
  O_CREAT,
  O_EXCL,
  O_TRUNC,
  O_APPEND,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NOATIME,
  O_PATH,
  O_TMPFILE,
};
export const ALLOCATE_FLAGS: Names = { FALLOC_FL_KEEP_SIZE: 1, FALLOC_FL_PUNCH_HOLE: 2, FALLOC_FL_ZERO_RANGE: 16 };
export const RENAME_FLAGS: Names = { RENAME_NOREPLACE: 1, RENAME_EXCHANGE: 2, RENAME_WHITEOUT: 4 };
export const XATTR_FLAGS: Names = { XATTR_CREATE: 1, XATTR_REPLACE: 2 };
export const WHENCE: Names = { SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2, SEEK_DATA: 3, SEEK_HOLE: 4 };

export class SysArguments {
  readonly #words: readonly string[];
  readonly #form: string;
  #next = 0;

  /** @param form - For the error: how the call is written. */
  constructor(words: readonly string[], form: string) {
    this.#words = words;
    this.#form = form;
  }

  get hasMore(): boolean {
    return this.#next < this.#words.length;
  }

  /** @throws Where a word is left over. */
  end(): void {
    if (this.hasMore) throw usage(this.#form);
  }

  text(): string {
    if (!this.hasMore) throw usage(this.#form);
    return this.#words[this.#next++];
  }

  bytes(): Uint8Array {
    return encodeName(this.text());
  }

  descriptor(): number {
    return this.#number(/^\d{1,4}$/);
  }

  /** A length, a size, an offset. */
  count(): number {
    return this.#number(/^\d{1,15}$/);
  }

  /** -1 leaves an owner as it is. */
  id(): number {
    return this.#number(/^(-1|\d{1,10})$/);
  }

  /** Octal permission bits. */
  mode(): number {
    return this.fullMode() & PERMISSION_BITS;
  }

  /** The same with the bits of the kind in front, as mknod(2) takes them. */
  fullMode(): number {
    const text = this.text();
    if (!/^[0-7]{1,7}$/.test(text)) throw usage(this.#form);
    return Number.parseInt(text, 8);
  }

  openFlags(): number {
    return this.#flags(OPEN_FLAGS);
  }

  allocateMode(): number {
    return this.#flags(ALLOCATE_FLAGS);
  }

  renameFlags(): number {
    return this.hasMore ? this.#flags(RENAME_FLAGS) : 0;
  }

  xattrFlags(): number {
    return this.hasMore ? this.#flags(XATTR_FLAGS) : 0;
  }

  whence(): number {
    return this.#flags(WHENCE);
  }

  /** Nanoseconds since 1970, `UTIME_NOW` or `UTIME_OMIT`. */
  time(): TimeArgument {
    const text = this.text();
    if (text === 'UTIME_NOW') return 'now';
    if (text === 'UTIME_OMIT') return 'omit';
    if (!/^-?\d{1,19}$/.test(text)) throw usage(this.#form);
    return BigInt(text);
  }

  /** Whether this word comes next; then it has been read. */
  isNext(word: string): boolean {
    if (this.#words[this.#next] !== word) return false;
    this.#next++;
    return true;
  }

  #number(pattern: RegExp): number {
    const text = this.text();
    if (!pattern.test(text)) throw usage(this.#form);
    return Number(text);
  }

  /** Names joined by commas (or quoted by `|`), or 0. */
  #flags(names: Names): number {
    let flags = 0;
    for (const name of this.text().split(/[,|]/)) {
      const flag = name === '0' ? 0 : names[name];
      if (flag === undefined || (name !== '0' && !Object.hasOwn(names, name))) throw usage(this.#form);
      flags |= flag;
    }
    return flags;
  }
}

/** Flags as {@link SysArguments} reads them. */
export function flagNames(flags: number, names: Names): string {
  const found: string[] = [];
  let left = flags;
  // The widest first: O_TMPFILE holds O_DIRECTORY.
  for (const [name, flag] of Object.entries(names).toSorted(([, a], [, b]) => b - a)) {
    if (flag === 0 || (left & flag) !== flag) continue;
    found.push(name);
    left &= ~flag;
  }
  return found.length === 0 ? '0' : found.reverse().join(',');
}
