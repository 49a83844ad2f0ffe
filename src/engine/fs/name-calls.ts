/** Names: unlink, rename, link, symlink, readlink, rmdir, mkdir, mkdtemp. */

import { randomBytes } from 'node:crypto';
import * as names from '../calls/names.ts';
import { readlink, stat } from '../calls/stat.ts';
import { isDirectoryMode } from '../../events/mode.ts';
import { EACCES, EEXIST, ENOENT, ENOSPC, ENOTDIR, EPERM } from '../errno.ts';
import { encodeResult, parseMode, parseOptions, parsePath, validateBoolean } from './arguments.ts';
import { check, type FsContext, refusal } from './context.ts';
import { invalidSymlinkType } from './node-errors.ts';

export function unlinkSync(fs: FsContext, path: unknown): void {
  const name = parsePath(path);
  check(names.unlink(fs.caller, fs.caller.cwd, name), 'unlink', name);
}

export function renameSync(fs: FsContext, from: unknown, to: unknown): void {
  const source = parsePath(from, 'oldPath');
  const target = parsePath(to, 'newPath');
  check(names.rename(fs.caller, fs.cwd, source, fs.cwd, target, 0), 'rename', source, target);
}

export function linkSync(fs: FsContext, existing: unknown, added: unknown): void {
  const source = parsePath(existing, 'existingPath');
  const target = parsePath(added, 'newPath');
  check(names.link(fs.caller, fs.cwd, source, fs.cwd, target, false), 'link', source, target);
}

/** `type` matters on Windows only, but is checked everywhere. */
export function symlinkSync(fs: FsContext, target: unknown, path: unknown, type?: unknown): void {
  const text = parsePath(target, 'target');
  const name = parsePath(path);
  if (typeof type === 'string' && type !== 'dir' && type !== 'file' && type !== 'junction') {
    throw invalidSymlinkType(type);
  }
  check(names.symlink(fs.caller, text, fs.cwd, name), 'symlink', text, name);
}

export function readlinkSync(fs: FsContext, path: unknown, options?: unknown): string | Buffer {
  const { encoding } = parseOptions(options);
  return encodeResult(readLink(fs, parsePath(path, 'oldPath')), encoding);
}

export function readLink(fs: FsContext, path: string): string {
  const target = readlink(fs.caller, fs.cwd, path);
  if (typeof target === 'number') throw refusal(target, 'readlink', path);
  return target;
}

export function mkdirSync(
  fs: FsContext,
  path: unknown,
  options?: MkdirOptions | number | string | null,
): string | undefined {
  let mode: unknown = 0o777;
  let recursive: unknown = false;
  if (typeof options === 'number' || typeof options === 'string') mode = options;
  else if (options) ({ mode = 0o777, recursive = false } = options);
  const name = parsePath(path);
  validateBoolean(recursive, 'options.recursive');
  const permissions = parseMode(mode, 'mode');
  if (recursive) return makeDirectories(fs, name, permissions);
  check(names.mkdir(fs.caller, fs.cwd, name, permissions), 'mkdir', name);
  return undefined;
}

interface MkdirOptions {
  mode?: unknown;
  recursive?: unknown;
}

/**
 * Makes a directory and those above it that are missing, as Node's MKDirp does it: by the text of the path, from the end
 * to the first part that exists, so what it answers is a prefix of what was asked.
 *
 * @returns The first directory that was made, or undefined when all exist.
 */
export function makeDirectories(fs: FsContext, path: string, mode: number): string | undefined {
  let first: string | undefined;
  const error = fs.transact(['mkdir', path, 'recursive'], () => {
    const pending = [path];
    while (pending.length > 0) {
      const next = pending.pop() as string;
      const made = names.mkdir(fs.caller, fs.cwd, next, mode);
      if (made === 0) first ??= next;
      else if (made === EACCES || made === ENOSPC || made === ENOTDIR || made === EPERM) return made;
      else if (made === ENOENT) {
        const slash = next.lastIndexOf('/');
        const parent = slash < 0 ? next : next.slice(0, slash);
        if (parent !== next) pending.push(next, parent);
        else if (pending.length === 0) return ENOENT;
      } else {
        const looked = stat(fs.caller, fs.cwd, next, true, fs.stat);
        if (looked < 0) return looked === ENOENT ? (made === EEXIST ? looked : made) : looked;
        if (!isDirectoryMode(fs.stat.mode)) return made === EEXIST && pending.length > 0 ? ENOTDIR : EEXIST;
      }
    }
    return 0;
  });
  check(error, 'mkdir', path);
  return first;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** glibc's __gen_tempname tries 62³ names. */
const TRIES = 238_328;

/** Makes a directory with six random letters after the prefix. */
export function mkdtempSync(fs: FsContext, prefix: unknown, options?: unknown): string | Buffer {
  const { encoding } = parseOptions(options);
  const start = parsePath(prefix, 'prefix');
  for (let tries = 0; tries < TRIES; tries++) {
    const path = `${start}${randomLetters()}`;
    const made = fs.transact(['mkdtemp', path], () => names.mkdir(fs.caller, fs.cwd, path, 0o700));
    if (made === 0) return encodeResult(path, encoding);
    if (made !== EEXIST) throw refusal(made, 'mkdtemp', `${start}XXXXXX`);
  }
  throw refusal(EEXIST, 'mkdtemp', `${start}XXXXXX`);
}

function randomLetters(): string {
  let letters = '';
  for (const byte of randomBytes(6)) letters += LETTERS[byte % LETTERS.length];
  return letters;
}
