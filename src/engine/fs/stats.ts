/**
 * What `stat` and `statfs` answer: node:fs's fields and methods.
 *
 * Milliseconds and Dates are made when they are asked for: most callers look at the size or the kind, and four BigInts
 * turned to numbers and four Dates would cost more than the lookup. So they are accessors of the prototype, enumerable
 * as the Dates of Node 22 are; `toJSON` gives all fields, in Node's order.
 */

import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../../events/mode.ts';
import type { FsStat, NodeStat } from '../calls/stat.ts';

const NS_PER_MS = 1_000_000n;

/** As Node: milliseconds with their fraction, from whole seconds and nanoseconds, each exact in a double. */
function toMs(ns: bigint): number {
  const seconds = ns / 1_000_000_000n;
  return Number(seconds) * 1000 + Number(ns - seconds * 1_000_000_000n) / 1e6;
}

const toDate = (ms: number): Date => new Date(Math.round(ms));

export class Stats {
  readonly dev: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly blksize: number;
  readonly ino: number;
  readonly size: number;
  readonly blocks: number;
  readonly #atimeNs: bigint;
  readonly #mtimeNs: bigint;
  readonly #ctimeNs: bigint;
  readonly #birthtimeNs: bigint;

  constructor(stat: NodeStat) {
    this.dev = stat.dev;
    this.mode = stat.mode;
    this.nlink = stat.nlink;
    this.uid = stat.uid;
    this.gid = stat.gid;
    this.rdev = stat.rdev;
    this.blksize = stat.blksize;
    this.ino = stat.ino;
    this.size = stat.size;
    this.blocks = stat.blocks;
    this.#atimeNs = stat.atimeNs;
    this.#mtimeNs = stat.mtimeNs;
    this.#ctimeNs = stat.ctimeNs;
    this.#birthtimeNs = stat.birthtimeNs;
  }

  get atimeMs(): number {
    return toMs(this.#atimeNs);
  }
  get mtimeMs(): number {
    return toMs(this.#mtimeNs);
  }
  get ctimeMs(): number {
    return toMs(this.#ctimeNs);
  }
  get birthtimeMs(): number {
    return toMs(this.#birthtimeNs);
  }
  get atime(): Date {
    return toDate(this.atimeMs);
  }
  get mtime(): Date {
    return toDate(this.mtimeMs);
  }
  get ctime(): Date {
    return toDate(this.ctimeMs);
  }
  get birthtime(): Date {
    return toDate(this.birthtimeMs);
  }

  isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }
  isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  isSymbolicLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }
  isBlockDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFBLK;
  }
  isCharacterDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFCHR;
  }
  isFIFO(): boolean {
    return (this.mode & S_IFMT) === S_IFIFO;
  }
  isSocket(): boolean {
    return (this.mode & S_IFMT) === S_IFSOCK;
  }

  /** All fields as own properties. */
  toJSON(): Record<string, unknown> {
    const own = Object.entries(this);
    const derived = [...MS_FIELDS, ...DATE_FIELDS].map((field) => [field, this[field]]);
    return Object.fromEntries([...own, ...derived]) as Record<string, unknown>;
  }
}

export class BigIntStats {
  readonly dev: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly blksize: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeMs: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeMs: bigint;
  readonly birthtimeMs: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
  readonly atime: Date;
  readonly mtime: Date;
  readonly ctime: Date;
  readonly birthtime: Date;

  constructor(stat: NodeStat) {
    this.dev = BigInt(stat.dev);
    this.mode = BigInt(stat.mode);
    this.nlink = BigInt(stat.nlink);
    this.uid = BigInt(stat.uid);
    this.gid = BigInt(stat.gid);
    this.rdev = BigInt(stat.rdev);
    this.blksize = BigInt(stat.blksize);
    this.ino = BigInt(stat.ino);
    this.size = BigInt(stat.size);
    this.blocks = BigInt(stat.blocks);
    this.atimeMs = stat.atimeNs / NS_PER_MS;
    this.mtimeMs = stat.mtimeNs / NS_PER_MS;
    this.ctimeMs = stat.ctimeNs / NS_PER_MS;
    this.birthtimeMs = stat.birthtimeNs / NS_PER_MS;
    this.atimeNs = stat.atimeNs;
    this.mtimeNs = stat.mtimeNs;
    this.ctimeNs = stat.ctimeNs;
    this.birthtimeNs = stat.birthtimeNs;
    this.atime = toDate(Number(this.atimeMs));
    this.mtime = toDate(Number(this.mtimeMs));
    this.ctime = toDate(Number(this.ctimeMs));
    this.birthtime = toDate(Number(this.birthtimeMs));
  }

  isFile(): boolean {
    return this.#is(S_IFREG);
  }
  isDirectory(): boolean {
    return this.#is(S_IFDIR);
  }
  isSymbolicLink(): boolean {
    return this.#is(S_IFLNK);
  }
  isBlockDevice(): boolean {
    return this.#is(S_IFBLK);
  }
  isCharacterDevice(): boolean {
    return this.#is(S_IFCHR);
  }
  isFIFO(): boolean {
    return this.#is(S_IFIFO);
  }
  isSocket(): boolean {
    return this.#is(S_IFSOCK);
  }
  #is(format: number): boolean {
    return (Number(this.mode) & S_IFMT) === format;
  }
}

/** What `statfs` answers; numbers, or bigints where they were asked for. */
export class StatFs {
  readonly type: number | bigint;
  readonly bsize: number | bigint;
  readonly blocks: number | bigint;
  readonly bfree: number | bigint;
  readonly bavail: number | bigint;
  readonly files: number | bigint;
  readonly ffree: number | bigint;

  constructor(stat: FsStat, bigint: boolean) {
    const give = bigint ? BigInt : Number;
    this.type = give(stat.type);
    this.bsize = give(stat.bsize);
    this.blocks = give(stat.blocks);
    this.bfree = give(stat.bfree);
    this.bavail = give(stat.bavail);
    this.files = give(stat.files);
    this.ffree = give(stat.ffree);
  }
}

const MS_FIELDS = ['atimeMs', 'mtimeMs', 'ctimeMs', 'birthtimeMs'] as const;
const DATE_FIELDS = ['atime', 'mtime', 'ctime', 'birthtime'] as const;

for (const field of [...MS_FIELDS, ...DATE_FIELDS]) {
  const descriptor = Object.getOwnPropertyDescriptor(Stats.prototype, field) as PropertyDescriptor;
  Object.defineProperty(Stats.prototype, field, { ...descriptor, enumerable: true });
}
