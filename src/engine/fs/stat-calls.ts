/** Calls that look: stat, lstat, fstat, statfs, access, exists. */

import { access, fstat, stat, statfs } from '../calls/stat.ts';
import { ENOENT } from '../errno.ts';
import { parseBits, parsePath } from './arguments.ts';
import { check, type FsContext, refusal } from './context.ts';
import { BigIntStats, StatFs, Stats } from './stats.ts';

interface StatOptions {
  bigint?: boolean;
  throwIfNoEntry?: boolean;
}

export function statSync(fs: FsContext, path: unknown, options?: StatOptions): Stats | BigIntStats | undefined {
  return statPath(fs, path, 'stat', options);
}

export function lstatSync(fs: FsContext, path: unknown, options?: StatOptions): Stats | BigIntStats | undefined {
  return statPath(fs, path, 'lstat', options);
}

function statPath(
  fs: FsContext,
  path: unknown,
  syscall: 'stat' | 'lstat',
  options: StatOptions | undefined,
): Stats | BigIntStats | undefined {
  const name = parsePath(path);
  const error = stat(fs.caller, fs.caller.cwd, name, syscall === 'stat', fs.stat);
  if (error < 0) {
    if (error === ENOENT && options?.throwIfNoEntry === false) return undefined;
    throw refusal(error, syscall, name);
  }
  return options?.bigint === true ? new BigIntStats(fs.stat) : new Stats(fs.stat);
}

export function fstatSync(fs: FsContext, fd: unknown, options?: StatOptions): Stats | BigIntStats {
  check(fstat(fs.file(fd, 'fstat'), fs.stat), 'fstat');
  return options?.bigint === true ? new BigIntStats(fs.stat) : new Stats(fs.stat);
}

export function statfsSync(fs: FsContext, path: unknown, options?: StatOptions): StatFs {
  const name = parsePath(path);
  check(statfs(fs.caller, fs.cwd, name, fs.fsStat), 'statfs', name);
  return new StatFs(fs.fsStat, options?.bigint === true);
}

export function accessSync(fs: FsContext, path: unknown, mode?: unknown): void {
  const name = parsePath(path);
  check(access(fs.caller, fs.cwd, name, parseBits(mode)), 'access', name);
}

/** Never throws: anything that is not the path of something is false. */
export function existsSync(fs: FsContext, path: unknown): boolean {
  let name: string;
  try {
    name = parsePath(path);
  } catch {
    return false;
  }
  return access(fs.caller, fs.caller.cwd, name, 0) === 0;
}
