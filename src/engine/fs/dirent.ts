/** Directory entries as `readdir({ withFileTypes })` and `opendir` give them. */

import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../../events/mode.ts';

export class Dirent {
  name: string | Buffer;
  /** The directory, as the caller gave it. */
  parentPath: string | Buffer;
  /** As `parentPath`, under its older name. */
  path: string | Buffer;
  readonly #format: number;

  /** @param format - Format bits of the mode. */
  constructor(name: string | Buffer, parentPath: string | Buffer, format: number) {
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
    this.#format = format;
  }

  isFile(): boolean {
    return this.#format === S_IFREG;
  }
  isDirectory(): boolean {
    return this.#format === S_IFDIR;
  }
  isSymbolicLink(): boolean {
    return this.#format === S_IFLNK;
  }
  isBlockDevice(): boolean {
    return this.#format === S_IFBLK;
  }
  isCharacterDevice(): boolean {
    return this.#format === S_IFCHR;
  }
  isFIFO(): boolean {
    return this.#format === S_IFIFO;
  }
  isSocket(): boolean {
    return this.#format === S_IFSOCK;
  }
}
