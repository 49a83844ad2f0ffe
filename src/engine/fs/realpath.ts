/** realpath, in Node's two forms: its own walk, which refuses as lstat, and the native one. */

import { posix } from 'node:path';
import { isSymlinkMode } from '../../events/mode.ts';
import { stat } from '../calls/stat.ts';
import { encodeResult, parseOptions, parsePath } from './arguments.ts';
import { check, type FsContext } from './context.ts';
import { readLink } from './name-calls.ts';

export function realpathSync(fs: FsContext, path: unknown, options?: unknown): string | Buffer {
  const { encoding } = parseOptions(options);
  return encodeResult(resolveLinks(fs, parsePath(path)), encoding);
}

export function realpathNativeSync(fs: FsContext, path: unknown, options?: unknown): string | Buffer {
  const { encoding } = parseOptions(options);
  const name = parsePath(path);
  check(stat(fs.caller, fs.cwd, name, true, fs.stat), 'realpath', name);
  return encodeResult(resolveLinks(fs, name, true), encoding);
}

/**
 * The path without links, `.` and `..`.
 *
 * @param byKernel - `..` goes to the parent of where a link leads, as the kernel has it; else the text is resolved first,
 *   as Node does.
 */
function resolveLinks(fs: FsContext, path: string, byKernel = false): string {
  let rest = byKernel ? (posix.isAbsolute(path) ? path : `${fs.cwdPath()}/${path}`) : posix.resolve(fs.cwdPath(), path);
  let done = '';
  let at = 0;
  while (at < rest.length) {
    let end = rest.indexOf('/', at);
    if (end < 0) end = rest.length;
    const name = rest.slice(at, end);
    at = end + 1;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
      continue;
    }
    const here = `${done}/${name}`;
    check(stat(fs.caller, fs.cwd, here, false, fs.stat), 'lstat', here);
    if (!isSymlinkMode(fs.stat.mode)) {
      done = here;
      continue;
    }
    // The kernel follows the link to its end here, so that a loop is found.
    check(stat(fs.caller, fs.cwd, here, true, fs.stat), 'stat', here);
    const target = readLink(fs, here);
    const left = rest.slice(at);
    const next = target.startsWith('/') ? target : `${done}/${target}`;
    rest = byKernel ? `${next}/${left}` : posix.resolve('/', next, left);
    done = '';
    at = 0;
  }
  return done === '' ? '/' : done;
}
