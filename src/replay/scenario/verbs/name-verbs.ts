/** Verbs that make, move and remove names: mkdir, rmdir, rm, unlink, mv, rename, ln, mknod, mkfifo. */

import { isDirectoryMode, makeDevice, S_IFBLK, S_IFCHR, S_IFIFO } from '../../../events/mode.ts';
import { EEXIST, ENOENT, ENOTEMPTY, EXDEV } from '../../../engine/errno.ts';
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../../engine/calls/names.ts';
import { copyTree } from './copy.ts';
import { parseCount, parseOptions } from './options.ts';
import { baseName, joinPath, type Shell } from './shell.ts';
import { forEachTarget } from './targets.ts';
import { usage } from './verb-error.ts';

export function mkdir(shell: Shell, args: readonly string[]): void {
  const form = 'mkdir [-p] [-m MODE] PATH…';
  const { flags, values, rest } = parseOptions(args, 'pm:', form);
  const mode = parseMode(values.get('m'), form);
  if (rest.length === 0) throw usage(form);
  for (const path of rest) {
    if (flags.has('p')) makeParents(shell, path);
    else shell.mkdir(path, mode ?? 0o777);
    if (mode !== null) shell.chmod(path, mode);
  }
}

function makeParents(shell: Shell, path: string): void {
  let made = path.startsWith('/') ? '/' : '';
  for (const part of path.split('/').filter((each) => each !== '')) {
    made = made === '' ? part : joinPath(made, part);
    const node = shell.tryStat(made);
    if (typeof node === 'number') {
      if (node !== ENOENT) shell.expect(node, made);
      shell.mkdir(made);
    } else if (!isDirectoryMode(node.mode)) {
      shell.expect(EEXIST, made);
    }
  }
}

export function rmdir(shell: Shell, args: readonly string[]): void {
  if (args.length === 0) throw usage('rmdir PATH…');
  for (const path of args) shell.rmdir(path);
}

export function unlink(shell: Shell, args: readonly string[]): void {
  const [path, extra] = args;
  if (path === undefined || extra !== undefined) throw usage('unlink PATH');
  shell.unlink(path);
}

export function rm(shell: Shell, args: readonly string[]): void {
  const form = 'rm [-r] [-f] PATH…';
  const { flags, rest } = parseOptions(args, 'rRf', form);
  if (rest.length === 0 && !flags.has('f')) throw usage(form);
  const recursive = flags.has('r') || flags.has('R');
  for (const path of rest) {
    const node = shell.tryStat(path, false);
    if (node === ENOENT && flags.has('f')) continue;
    if (typeof node === 'number') shell.expect(node, path);
    else if (recursive) shell.transact(['rm', path], () => removeTree(shell, path, node.mode));
    else shell.unlink(path);
  }
}

/**
 * As node:fs's rm: what is empty goes at once, the rest in the order in which a directory is read; what has gone meanwhile is
 * fine.
 */
export function removeTree(shell: Shell, path: string, mode: number): void {
  if (!isDirectoryMode(mode)) return expectGone(shell, shell.tryUnlink(path), path);
  let refused = shell.tryRmdir(path);
  if (refused === ENOTEMPTY) {
    for (const { name, format } of shell.entries(path)) removeTree(shell, joinPath(path, name), format);
    refused = shell.tryRmdir(path);
  }
  expectGone(shell, refused, path);
}

function expectGone(shell: Shell, result: number, path: string): void {
  if (result !== ENOENT) shell.expect(result, path);
}

/** rename(2), and where that is EXDEV a copy with all attributes, then a removal: what mv(1) does. */
export function mv(shell: Shell, args: readonly string[]): void {
  const form = 'mv FROM… TO';
  const { rest } = parseOptions(args, 'fT', form);
  forEachTarget(shell, rest, form, (from, to) => {
    const result = shell.tryRename(from, to);
    if (result !== EXDEV) {
      shell.expect(result, from);
      return;
    }
    copyTree(shell, from, to, { preserve: true, recursive: true });
    removeTree(shell, from, shell.stat(from, false).mode);
  });
}

/** rename(2) alone. */
export function rename(shell: Shell, args: readonly string[]): void {
  const form = 'rename [--noreplace|--exchange] FROM TO';
  const exchange = args[0] === '--exchange';
  const [from, to, extra] = args[0]?.startsWith('--') ? args.slice(1) : args;
  const isFlag = exchange || args[0] === '--noreplace' || !args[0]?.startsWith('--');
  if (to === undefined || extra !== undefined || !isFlag) throw usage(form);
  const flags = exchange ? RENAME_EXCHANGE : args[0] === '--noreplace' ? RENAME_NOREPLACE : 0;
  shell.expect(shell.tryRename(from, to, flags), from);
}

export function ln(shell: Shell, args: readonly string[]): void {
  const form = 'ln [-s] [-f] TARGET NAME';
  const { flags, rest } = parseOptions(args, 'sf', form);
  const [target, given, extra] = rest;
  if (given === undefined || extra !== undefined) throw usage(form);
  const node = shell.tryStat(given);
  const path = typeof node !== 'number' && isDirectoryMode(node.mode) ? joinPath(given, baseName(target)) : given;
  if (flags.has('f') && typeof shell.tryStat(path, false) !== 'number') shell.unlink(path);
  if (flags.has('s')) shell.symlink(target, path);
  else shell.link(target, path);
}

export function mkfifo(shell: Shell, args: readonly string[]): void {
  const form = 'mkfifo [-m MODE] PATH…';
  const { values, rest } = parseOptions(args, 'm:', form);
  if (rest.length === 0) throw usage(form);
  for (const path of rest) shell.mknod(path, S_IFIFO | (parseMode(values.get('m'), form) ?? 0o666), 0);
}

export function mknod(shell: Shell, args: readonly string[]): void {
  const form = 'mknod [-m MODE] PATH c|b|p [MAJOR MINOR]';
  const { values, rest } = parseOptions(args, 'm:', form);
  const [path, kind, major, minor, extra] = rest;
  const mode = parseMode(values.get('m'), form) ?? 0o666;
  if (kind === 'p' && major === undefined) return shell.mknod(path, S_IFIFO | mode, 0);
  if ((kind !== 'c' && kind !== 'b') || extra !== undefined) throw usage(form);
  const rdev = makeDevice(parseCount(major, form), parseCount(minor, form));
  shell.mknod(path, (kind === 'c' ? S_IFCHR : S_IFBLK) | mode, rdev);
}

export function parseMode(text: string | undefined, form: string): number | null {
  if (text === undefined) return null;
  if (!/^[0-7]{1,5}$/.test(text)) throw usage(form);
  return Number.parseInt(text, 8) & 0o7777;
}
