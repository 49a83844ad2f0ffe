/** A sequence of the kernel oracle as a scenario: each stage a container over the commit of the one before. */

import { formatBits, kindOf, type NodeKind } from '../../events/mode.ts';
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
import type { FileCall, KernelCall, Reply, Row } from '../kernel/kernel-call.ts';
import type { CallReply } from '../kernel/kernel-mounts.ts';
import type { KernelSequence } from '../kernel/kernel-oracle.ts';
import { profileOptions } from '../scenario/command-text.ts';
import { word } from '../scenario/word.ts';

/** Descriptors of the second container come after those of the first. */
const SECOND = 50;

/**
 * @param replies - What the kernel gave, stage by stage; the scenario expects that. It ends where they end.
 */
export function kernelScenario(
  { profile, stages }: KernelSequence,
  replies: readonly (readonly CallReply[])[],
): string {
  const lines = ['image stage:0', '  FROM scratch', '  RUN chmod 0755 /', 'end'];
  for (const [stage, calls] of stages.slice(0, replies.length).entries()) {
    const open = new Set<number>();
    const options = profileOptions(profile);
    for (const which of calls.some((call) => call.in === 1) ? ([0, 1] as const) : ([0] as const)) {
      lines.push(['container', nameOf(stage, which), `stage:${stage}`, ...options].join(' '));
    }
    for (const [index, reply] of replies[stage].entries()) lines.push(...callLines(stage, calls[index], reply, open));
    if (stage + 1 === replies.length) lines.push(...treeLines(stage, calls, replies[stage]));
    else lines.push(`$ commit ${nameOf(stage, 0)} stage:${stage + 1}`);
  }
  lines.push('check invariants');
  return `${lines.join('\n')}\n`;
}

const nameOf = (stage: number, which: 0 | 1): string => `s${stage}${which === 0 ? '' : '-beside'}`;

/**
 * The tree that the kernel shows in the end, as steps that expect it: of the container of the last call, and of one over its
 * upper, where a whiteout or an opaque mark is missed.
 */
function treeLines(stage: number, calls: readonly KernelCall[], replies: readonly CallReply[]): string[] {
  const which = calls[replies.length - 1]?.in ?? 0;
  const rows =
    replies.findLast((reply, index) => calls[index].in === which && reply.merged !== undefined)?.merged ?? [];
  if (rows.length === 0) return [];
  const name = nameOf(stage, which);
  const found = [`${name}$ find /`, ...rows.map(({ path }) => `  ${path}`)];
  const stats = rows.flatMap((row) => [`${name}$ sys lstat ${word(row.path)}`, `  ${rowText(row)}`]);
  const over = [
    `$ commit ${name} seen:1`,
    'container seen seen:1',
    'seen$ find /',
    ...rows.map(({ path }) => `  ${path}`),
  ];
  return [...found, ...stats, ...over];
}

function rowText({ type, mode, uid, gid, nlink, size, target }: Row): string {
  const format = formatBits(type as NodeKind);
  return statText({ mode: format | mode, uid, gid, nlink, size: size ?? Buffer.byteLength(target ?? '') });
}

function callLines(stage: number, call: KernelCall, { value, error }: Reply, open: Set<number>): string[] {
  const name = nameOf(stage, call.in);
  const base = call.in * SECOND;
  if (call.op === 'remount') {
    const mine = [...open].filter((slot) => (slot >= SECOND ? 1 : 0) === call.in);
    for (const slot of mine) open.delete(slot);
    return mine.map((slot) => `${name}$ sys close ${slot}`);
  }
  if (error === undefined && call.op === 'open') open.add(base + call.slot);
  if (error === undefined && call.op === 'close') open.delete(base + call.slot);
  // The kernel's answer says no more than that.
  if (call.op === 'access' && value === false) return [];
  const texts = callTexts(call, base);
  const step = `${name}${error === undefined ? '$' : '!'} ${texts.at(-1)}`;
  const before = error === undefined ? texts.slice(0, -1).map((text) => `${name}$ ${text}`) : [];
  const expected = error ?? valueText(call, value);
  return [...before, step, ...(expected === null ? [] : [`  ${expected}`])];
}

/** The steps of a call, the last one being what answers. */
function callTexts(call: FileCall, base: number): string[] {
  const slot = 'slot' in call ? base + call.slot : 0;
  switch (call.op) {
    case 'open':
      return [sys('open', slot, word(call.path), flagNames(call.flags, OPEN_FLAGS), octal(call.mode))];
    case 'close':
    case 'fstat':
      return [sys(call.op, slot)];
    case 'read':
      return [call.position === null ? sys('read', slot, call.length) : sys('pread', slot, call.length, call.position)];
    case 'write':
      return [
        call.position === null
          ? sys('write', slot, bytes(call.data))
          : sys('pwrite', slot, call.position, bytes(call.data)),
      ];
    case 'seek':
      return [sys('lseek', slot, call.offset, nameFor(call.whence))];
    case 'listdir':
      return [...(call.rewind ? [sys('lseek', slot, 0, 'SEEK_SET')] : []), sys('getdents', slot)];
    case 'ftruncate':
      return [sys('ftruncate', slot, call.size)];
    case 'fallocate':
      return [sys('fallocate', slot, flagNames(call.mode, ALLOCATE_FLAGS), call.offset, call.length)];
    case 'fchmod':
      return [sys('fchmod', slot, octal(call.mode))];
    case 'fchown':
      return [sys('fchown', slot, call.uid, call.gid)];
    case 'futimes':
      return [sys('futimens', slot, call.atime, call.mtime)];
    case 'fsetxattr':
      return [sys('fsetxattr', slot, word(call.name), bytes(call.value), ...xattrFlags(call.flags))];
    case 'copy':
      return [
        sys('copy_file_range', base + call.from, call.fromPosition, base + call.to, call.toPosition, call.length),
      ];
    case 'linkfile':
      return [sys('linkat', slot, word(call.path))];
    case 'truncate':
      return [sys('truncate', word(call.path), call.size)];
    case 'mkdir':
    case 'chmod':
      return [sys(call.op, word(call.path), octal(call.mode))];
    case 'rmdir':
    case 'unlink':
    case 'readlink':
    case 'readdir':
      return [sys(call.op, word(call.path))];
    case 'symlink':
      return [sys('symlink', word(call.target), word(call.path))];
    case 'link':
      return [sys('link', word(call.from), word(call.to))];
    case 'rename':
      return [
        sys(
          'rename',
          word(call.from),
          word(call.to),
          ...(call.flags === 0 ? [] : [flagNames(call.flags, RENAME_FLAGS)]),
        ),
      ];
    case 'mknod':
      return [sys('mknod', word(call.path), octal(call.mode), call.major, call.minor)];
    case 'chown':
      return [sys(call.follow ? 'chown' : 'lchown', word(call.path), call.uid, call.gid)];
    case 'utimes':
      return [
        sys('utimensat', word(call.path), call.atime, call.mtime, ...(call.follow ? [] : ['AT_SYMLINK_NOFOLLOW'])),
      ];
    case 'setxattr':
      return [sys('lsetxattr', word(call.path), word(call.name), bytes(call.value), ...xattrFlags(call.flags))];
    case 'removexattr':
      return [sys('lremovexattr', word(call.path), word(call.name))];
    case 'getxattr':
      return [sys('lgetxattr', word(call.path), word(call.name))];
    case 'stat':
      return [sys(call.follow ? 'stat' : 'lstat', word(call.path))];
    case 'access':
      return [sys('access', word(call.path), call.mode)];
    case 'remount':
      return [];
  }
}

/** What `sys` prints for the kernel's answer; null where it prints nothing, or the kernel's says too little. */
function valueText(call: KernelCall, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  switch (call.op) {
    case 'read':
    case 'getxattr':
      return shownBytes(Buffer.from(value as string, 'latin1'));
    case 'write':
    case 'seek':
    case 'copy':
    case 'readlink':
    case 'readdir':
    case 'listdir':
      return JSON.stringify(value);
    case 'stat':
    case 'fstat':
      return statText(value as Parameters<typeof shownStat>[0]);
    default:
      return null;
  }
}

/** The answer has no device number. */
function statText(stat: Omit<Parameters<typeof shownStat>[0], 'rdev'>): string {
  const kind = kindOf(stat.mode);
  const text = shownStat({ ...stat, rdev: 0 });
  return kind === 'chr' || kind === 'blk' ? `${text.replace(/ \d+:\d+$/, '')} * (glob)` : text;
}

const sys = (...words: (string | number)[]): string => `sys ${words.join(' ')}`;
const octal = (mode: number): string => `0${mode.toString(8)}`;
const bytes = (text: string): string => word(decodeName(Buffer.from(text, 'latin1')));
const xattrFlags = (flags: number): string[] => (flags === 0 ? [] : [flagNames(flags, XATTR_FLAGS)]);
const nameFor = (whence: number): string =>
  Object.keys(WHENCE).find((name) => WHENCE[name] === whence) ?? String(whence);
