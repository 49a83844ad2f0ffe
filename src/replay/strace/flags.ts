/** Numbers behind the names that strace prints (x86-64 and the asm-generic headers agree on those used here). */

import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../engine/open-files.ts';
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../../engine/calls/names.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE } from '../../engine/calls/space.ts';
import { XATTR_CREATE, XATTR_REPLACE } from '../../engine/calls/xattrs.ts';
import {
  makeDevice,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
} from '../../events/mode.ts';
import { lineError } from './strace-error.ts';
import { flagsOf, parseNumber, type Token, wordOf } from './token.ts';

type Names = ReadonlyMap<string, number>;

/** Flags that decide what an open does to the tree; the others (O_CLOEXEC is looked at apart) change nothing here. */
const OPEN_FLAGS: Names = new Map([
  ['O_RDONLY', O_RDONLY],
  ['O_WRONLY', O_WRONLY],
  ['O_RDWR', O_RDWR],
  ['O_CREAT', O_CREAT],
  ['O_EXCL', O_EXCL],
  ['O_TRUNC', O_TRUNC],
  ['O_APPEND', O_APPEND],
  ['O_DIRECTORY', O_DIRECTORY],
  ['O_NOFOLLOW', O_NOFOLLOW],
  ['O_PATH', O_PATH],
  ['O_TMPFILE', O_TMPFILE],
]);

const MODE_BITS: Names = new Map([
  ['S_IFREG', S_IFREG],
  ['S_IFDIR', S_IFDIR],
  ['S_IFCHR', S_IFCHR],
  ['S_IFBLK', S_IFBLK],
  ['S_IFIFO', S_IFIFO],
  ['S_IFSOCK', S_IFSOCK],
  ['S_ISUID', S_ISUID],
  ['S_ISGID', S_ISGID],
  ['S_ISVTX', 0o1000],
]);

const RENAME_FLAGS: Names = new Map([
  ['RENAME_NOREPLACE', RENAME_NOREPLACE],
  ['RENAME_EXCHANGE', RENAME_EXCHANGE],
  ['RENAME_WHITEOUT', RENAME_WHITEOUT],
]);

/** linux/falloc.h; what moves content (COLLAPSE, INSERT) is done in calls-space.ts, and UNSHARE changes none. */
const FALLOCATE_FLAGS: Names = new Map([
  ['FALLOC_FL_KEEP_SIZE', FALLOC_FL_KEEP_SIZE],
  ['FALLOC_FL_PUNCH_HOLE', FALLOC_FL_PUNCH_HOLE],
  ['FALLOC_FL_ZERO_RANGE', FALLOC_FL_ZERO_RANGE],
]);

const XATTR_FLAGS: Names = new Map([
  ['XATTR_CREATE', XATTR_CREATE],
  ['XATTR_REPLACE', XATTR_REPLACE],
]);

/** The sum of the flags that are known, and of numbers among them. */
function sum(token: Token | undefined, names: Names): number {
  let bits = 0;
  for (const flag of flagsOf(token)) {
    const number = names.get(flag) ?? parseNumber(flag);
    if (!Number.isNaN(number)) bits |= number;
  }
  return bits;
}

export const openFlags = (token: Token | undefined): number => sum(token, OPEN_FLAGS);
export const modeBits = (token: Token | undefined): number => sum(token, MODE_BITS);
export const renameFlags = (token: Token | undefined): number => sum(token, RENAME_FLAGS);
export const fallocateFlags = (token: Token | undefined): number => sum(token, FALLOCATE_FLAGS);
export const xattrFlags = (token: Token | undefined): number => sum(token, XATTR_FLAGS);

/** @throws `ERR_LOG_IMPORT` for a log whose flags are numbers: nothing that is told by a flag could be replayed. */
export function expectNames(flags: Token | undefined, line: number): void {
  if (!/^[0-9]/.test(wordOf(flags))) return;
  throw lineError(line, 'flags are numbers in this log (strace -X or -e raw); record without these options');
}

export const hasFlag = (token: Token | undefined, flag: string): boolean => flagsOf(token).includes(flag);

/** `makedev(0x1, 0x3)`. */
export function deviceOf(token: Token | undefined): number {
  const match = /^makedev\((\w+), (\w+)\)$/.exec(wordOf(token));
  return match === null ? 0 : makeDevice(parseNumber(match[1]), parseNumber(match[2]));
}
