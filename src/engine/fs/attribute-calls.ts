/** Mode, owner and times. */

import * as attributes from '../calls/attributes.ts';
import { parseMode, parsePath, parseTime, validateOwner } from './arguments.ts';
import { check, type FsContext } from './context.ts';

export function chmodSync(fs: FsContext, path: unknown, mode: unknown): void {
  const name = parsePath(path);
  check(attributes.chmod(fs.caller, fs.cwd, name, parseMode(mode, 'mode'), true), 'chmod', name);
}

export function fchmodSync(fs: FsContext, fd: unknown, mode: unknown): void {
  const bits = parseMode(mode, 'mode');
  check(attributes.fchmod(fs.file(fd, 'fchmod'), bits), 'fchmod');
}

export function chownSync(fs: FsContext, path: unknown, uid: unknown, gid: unknown): void {
  chown(fs, path, uid, gid, true);
}

export function lchownSync(fs: FsContext, path: unknown, uid: unknown, gid: unknown): void {
  chown(fs, path, uid, gid, false);
}

function chown(fs: FsContext, path: unknown, uid: unknown, gid: unknown, follow: boolean): void {
  const name = parsePath(path);
  const owner = ownerOrNone(validateOwner(uid, 'uid'));
  const group = ownerOrNone(validateOwner(gid, 'gid'));
  check(attributes.chown(fs.caller, fs.cwd, name, owner, group, follow), follow ? 'chown' : 'lchown', name);
}

export function fchownSync(fs: FsContext, fd: unknown, uid: unknown, gid: unknown): void {
  const owner = ownerOrNone(validateOwner(uid, 'uid'));
  const group = ownerOrNone(validateOwner(gid, 'gid'));
  check(attributes.fchown(fs.file(fd, 'fchown'), owner, group), 'fchown');
}

/** The kernel takes 2³²-1 and -1 for the same: leave it. */
const ownerOrNone = (id: number): number => (id === 2 ** 32 - 1 ? -1 : id);

export function utimesSync(fs: FsContext, path: unknown, atime: unknown, mtime: unknown): void {
  const name = parsePath(path);
  check(attributes.utimens(fs.caller, fs.cwd, name, parseTime(atime), parseTime(mtime), true), 'utime', name);
}

export function lutimesSync(fs: FsContext, path: unknown, atime: unknown, mtime: unknown): void {
  const name = parsePath(path);
  check(attributes.utimens(fs.caller, fs.cwd, name, parseTime(atime), parseTime(mtime), false), 'lutime', name);
}

export function futimesSync(fs: FsContext, fd: unknown, atime: unknown, mtime: unknown): void {
  const accessed = parseTime(atime, 'atime');
  const modified = parseTime(mtime, 'mtime');
  check(attributes.futimens(fs.file(fd, 'futime'), accessed, modified), 'futime');
}
