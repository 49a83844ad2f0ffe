/** A file call as a step of a scenario, and what it gave as the lines below it. */

import { deviceMajor, deviceMinor, formatBits, type NodeKind } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import {
  ALLOCATE_FLAGS,
  flagNames,
  OPEN_FLAGS,
  RENAME_FLAGS,
  WHENCE,
  XATTR_FLAGS,
} from '../../replay/scenario/verbs/sys-arguments.ts';
import { shownBytes, shownStat } from '../../replay/scenario/verbs/sys-shown.ts';
import type { FileCall, Outcome, StatOutcome } from '../file-call.ts';
import { word } from './word.ts';

/** The verb and its arguments, without the name in front. */
export function callText(call: FileCall): string {
  switch (call.call) {
    case 'open':
      return sys('open', call.slot, word(call.path), flagNames(call.flags, OPEN_FLAGS), octal(call.mode));
    case 'openTemporary':
      return sys('open', call.slot, word(call.path), 'O_RDWR,O_TMPFILE', '0666');
    case 'close':
    case 'fstat':
    case 'getdents':
      return sys(call.call, call.slot);
    case 'read':
      return call.position === null
        ? sys('read', call.slot, call.length)
        : sys('pread', call.slot, call.length, call.position);
    case 'write':
      return call.position === null
        ? sys('write', call.slot, ...data(call.data))
        : sys('pwrite', call.slot, call.position, ...data(call.data));
    case 'seek':
      return sys('lseek', call.slot, call.offset, whenceName(call.whence));
    case 'ftruncate':
      return sys('ftruncate', call.slot, call.size);
    case 'fallocate':
      return sys('fallocate', call.slot, flagNames(call.mode, ALLOCATE_FLAGS), call.offset, call.length);
    case 'fchmod':
      return sys('fchmod', call.slot, octal(call.mode));
    case 'copy':
      return sys('copy_file_range', call.from, call.fromPosition, call.to, call.toPosition, call.length);
    case 'linkDescriptor':
      return sys('linkat', call.slot, word(call.path));
    case 'truncate':
      return sys('truncate', word(call.path), call.size);
    case 'writeFile':
      return `${printed(call.data)} > ${word(call.path)}`;
    case 'appendFile':
      return `${printed(call.data)} >> ${word(call.path)}`;
    case 'readFile':
      return `cat ${word(call.path)}`;
    case 'removeAll':
      return `rm -r ${word(call.path)}`;
    case 'mkdir':
    case 'chmod':
      return sys(call.call, word(call.path), octal(call.mode));
    case 'rmdir':
    case 'unlink':
    case 'readlink':
    case 'readdir':
      return sys(call.call, word(call.path));
    case 'symlink':
      return sys('symlink', word(call.target), word(call.path));
    case 'link':
      return sys('link', word(call.from), word(call.to));
    case 'rename': {
      const flags = call.flags === 0 ? [] : [flagNames(call.flags, RENAME_FLAGS)];
      return sys('rename', word(call.from), word(call.to), ...flags);
    }
    case 'mknod':
      return sys('mknod', word(call.path), octal(call.mode), deviceMajor(call.rdev), deviceMinor(call.rdev));
    case 'chown':
      return sys(call.follow ? 'chown' : 'lchown', word(call.path), call.uid, call.gid);
    case 'utimes': {
      const flags = call.follow ? [] : ['AT_SYMLINK_NOFOLLOW'];
      return sys('utimensat', word(call.path), seconds(call.atime), seconds(call.mtime), ...flags);
    }
    case 'setxattr': {
      const flags = call.flags === 0 ? [] : [flagNames(call.flags, XATTR_FLAGS)];
      return sys('lsetxattr', word(call.path), word(call.name), bytes(call.value), ...flags);
    }
    case 'removexattr':
      return sys('lremovexattr', word(call.path), word(call.name));
    case 'getxattr':
      return sys('lgetxattr', word(call.path), word(call.name));
    case 'stat':
      return sys(call.follow ? 'stat' : 'lstat', word(call.path));
    case 'access':
      return sys('access', word(call.path), call.mode);
  }
}

/** The line that a call prints when it is played; null where nothing is printed, or too much. */
export function outcomeText(call: FileCall, outcome: Outcome): string | null {
  if ('error' in outcome) return outcome.error;
  const { value } = outcome;
  switch (call.call) {
    case 'stat':
    case 'fstat':
      return statText(value as StatOutcome);
    case 'read':
    case 'getxattr':
      return shownBytes(Buffer.from(value as string, 'latin1'));
    case 'write':
    case 'seek':
    case 'copy':
      return String(value);
    case 'readlink':
    case 'readdir':
    case 'getdents':
      return JSON.stringify(value);
    default:
      return null;
  }
}

/** A device's number is no part of an outcome. */
function statText({ kind, mode, uid, gid, nlink, size }: StatOutcome): string {
  const format = formatBits(kind as NodeKind);
  const text = shownStat({ mode: format | mode, uid, gid, nlink, size: size ?? 0, rdev: 0 });
  return kind === 'chr' || kind === 'blk' ? `${text.replace(/ \d+:\d+$/, '')} * (glob)` : text;
}

const sys = (...words: (string | number)[]): string => `sys ${words.join(' ')}`;
const octal = (mode: number): string => `0${mode.toString(8)}`;
const seconds = (time: number): string => String(BigInt(time) * 1_000_000_000n);

const whenceName = (whence: number): string =>
  Object.keys(WHENCE).find((name) => WHENCE[name] === whence) ?? String(whence);

/** latin1 as the word of these bytes. */
const bytes = (text: string): string => word(decodeName(Buffer.from(text, 'latin1')));

/** A long row of one character is written as it and how often. */
function data(text: string): (string | number)[] {
  return isRow(text) ? [bytes(text[0]), text.length] : [bytes(text)];
}

const printed = (text: string): string =>
  isRow(text) ? `fill ${text.length} ${bytes(text[0])}` : `echo -n ${bytes(text)}`;

const isRow = (text: string): boolean => text.length > 40 && text === text[0].repeat(text.length);
