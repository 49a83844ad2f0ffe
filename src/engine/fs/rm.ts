/** rm, and rmdir with its old `recursive` option, as Node's rimraf does them: each call is one transaction. */

import { isDirectoryMode } from '../../events/mode.ts';
import { rmdir, unlink } from '../calls/names.ts';
import { stat } from '../calls/stat.ts';
import { EISDIR, ENOENT, ENOTDIR, ENOTEMPTY } from '../errno.ts';
import { parsePath, shownPath, validateBoolean, validateInt32, validateObject, validateUint32 } from './arguments.ts';
import { check, type FsContext, refusal } from './context.ts';
import { joinPath, readNames } from './directory-calls.ts';
import { systemError } from './node-errors.ts';

interface RmOptions {
  readonly recursive: boolean;
  readonly force: boolean;
}

const RM_DEFAULTS = { recursive: false, force: false, retryDelay: 100, maxRetries: 0 };

/** `maxRetries` and `retryDelay` are checked and not needed: nothing here is busy for a while only. */
function parseRmOptions(options: unknown): RmOptions {
  if (options === undefined) return RM_DEFAULTS;
  validateObject(options, 'options');
  const parsed = { ...RM_DEFAULTS, ...options };
  validateBoolean(parsed.recursive, 'options.recursive');
  validateInt32(parsed.retryDelay, 'options.retryDelay', 0);
  validateUint32(parsed.maxRetries, 'options.maxRetries');
  return parsed;
}

export function rmSync(fs: FsContext, path: unknown, options?: unknown): void {
  remove(fs, path, options, false);
}

/** The promise and callback forms always look first, so that what they refuse is refused by lstat. */
export function rmForPromise(fs: FsContext, path: unknown, options?: unknown): void {
  remove(fs, path, options, true);
}

function remove(fs: FsContext, path: unknown, options: unknown, looksFirst: boolean): void {
  const name = parsePath(path);
  const parsed = parseRmOptions(options);
  validateBoolean(parsed.force, 'options.force');
  if (looksFirst || !parsed.force || !parsed.recursive) {
    const error = stat(fs.caller, fs.cwd, name, false, fs.stat);
    if (error === ENOENT && parsed.force) return;
    check(error, 'lstat', name);
    if (isDirectoryMode(fs.stat.mode) && !parsed.recursive) {
      throw systemError('ERR_FS_EISDIR', {
        code: 'EISDIR',
        message: 'is a directory',
        path: shownPath(name),
        syscall: 'rm',
        errno: -EISDIR,
      });
    }
  }
  fs.transact(['rm', name], () => removeTree(fs, name));
}

export function rmdirSync(fs: FsContext, path: unknown, options?: unknown): void {
  const name = parsePath(path);
  const parsed = parseRmOptions(options);
  if (parsed.recursive) {
    check(stat(fs.caller, fs.cwd, name, false, fs.stat), 'lstat', name);
    if (isDirectoryMode(fs.stat.mode)) {
      fs.transact(['rm', name], () => removeTree(fs, name));
      return;
    }
  }
  check(rmdir(fs.caller, fs.cwd, name), 'rmdir', name);
}

/** Removes whatever stands at a path; nothing is fine. */
function removeTree(fs: FsContext, path: string): void {
  const { caller } = fs;
  if (stat(caller, caller.cwd, path, false, fs.stat) === 0 && isDirectoryMode(fs.stat.mode)) {
    removeDirectory(fs, path);
    return;
  }
  const error = unlink(caller, caller.cwd, path);
  if (error === EISDIR) removeDirectory(fs, path);
  else if (error !== ENOENT) check(error, 'unlink', path);
}

function removeDirectory(fs: FsContext, path: string): void {
  let error = rmdir(fs.caller, fs.cwd, path);
  if (error === ENOTEMPTY) {
    for (const name of readNames(fs, path)) removeTree(fs, joinPath(path, name));
    error = rmdir(fs.caller, fs.cwd, path);
  }
  if (error < 0 && error !== ENOENT) throw refusal(error, error === ENOTDIR ? 'unlink' : 'rmdir', path);
}
