/**
 * cp, as Node copies trees: one algorithm as a generator that yields what the filter answered, because the filter may be
 * asynchronous in all forms but the sync one.
 */

import { posix } from 'node:path';
import { isPromise } from 'node:util/types';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../../events/mode.ts';
import { chmod, utimens } from '../calls/attributes.ts';
import { mkdir, symlink, unlink } from '../calls/names.ts';
import { type NodeStat, stat } from '../calls/stat.ts';
import { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR } from '../errno.ts';
import {
  parsePath,
  shownPath,
  validateBoolean,
  validateFunction,
  validateInteger,
  validateObject,
} from './arguments.ts';
import { copyFile } from './content-calls.ts';
import { check, type FsContext } from './context.ts';
import { joinPath, readNames } from './directory-calls.ts';
import { makeDirectories, readLink } from './name-calls.ts';
import { incompatibleOptions, invalidReturnValue, systemError } from './node-errors.ts';

type Filter = (source: string, destination: string) => unknown;

interface CpOptions {
  readonly dereference: boolean;
  readonly errorOnExist: boolean;
  readonly force: boolean;
  readonly preserveTimestamps: boolean;
  readonly recursive: boolean;
  readonly verbatimSymlinks: boolean;
  readonly filter: Filter | undefined;
  readonly mode: number;
}

const DEFAULTS: CpOptions = {
  dereference: false,
  errorOnExist: false,
  force: true,
  preserveTimestamps: false,
  recursive: false,
  verbatimSymlinks: false,
  filter: undefined,
  mode: 0,
};
const BOOLEANS = [
  'dereference',
  'errorOnExist',
  'force',
  'preserveTimestamps',
  'recursive',
  'verbatimSymlinks',
] as const;

function parseCpOptions(options: unknown): CpOptions {
  if (options === undefined) return DEFAULTS;
  validateObject(options, 'options');
  const parsed: CpOptions = { ...DEFAULTS, ...options };
  for (const name of BOOLEANS) validateBoolean(parsed[name], `options.${name}`);
  const mode = parsed.mode ?? 0;
  validateInteger(mode, 'mode', 0, 7);
  if (parsed.dereference && parsed.verbatimSymlinks) throw incompatibleOptions('dereference', 'verbatimSymlinks');
  if (parsed.filter !== undefined) validateFunction(parsed.filter, 'options.filter');
  return { ...parsed, mode };
}

/** The whole copy is one transaction. */
export function cpSync(fs: FsContext, from: unknown, to: unknown, options?: unknown): void {
  copyAtOnce(fs, from, to, options, true);
}

function copyAtOnce(fs: FsContext, from: unknown, to: unknown, options: unknown, isSync: boolean): void {
  const parsed = parseCpOptions(options);
  const source = parsePath(from, 'src');
  const target = parsePath(to, 'dest');
  fs.transact(['cp', source, target], () => {
    const steps = copyRoot({ fs, options: parsed, isSync }, source, target);
    for (let step = steps.next(); !step.done;) {
      if (isPromise(step.value)) throw invalidReturnValue('boolean', 'filter', step.value);
      step = steps.next(Boolean(step.value));
    }
  });
}

/** One transaction too, unless there is a filter, which may wait for something: then each step is its own. */
export function cpForPromise(fs: FsContext, from: unknown, to: unknown, options?: unknown): Promise<void> | undefined {
  const parsed = parseCpOptions(options);
  if (parsed.filter !== undefined) {
    return finishCopy(copyRoot({ fs, options: parsed, isSync: false }, parsePath(from, 'src'), parsePath(to, 'dest')));
  }
  copyAtOnce(fs, from, to, options, false);
  return undefined;
}

async function finishCopy(steps: Steps): Promise<void> {
  for (let step = steps.next(); !step.done;) step = steps.next(Boolean(await step.value));
}

interface Copy {
  readonly fs: FsContext;
  readonly options: CpOptions;
  /** Node's sync and other forms differ in two details. */
  readonly isSync: boolean;
}

/** What the algorithm needs of a node; null where there is none. */
interface Node {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
}

type Steps = Generator<unknown, void, boolean>;

function* copyRoot(copy: Copy, source: string, target: string): Steps {
  const checked = yield* checkPaths(copy, source, target);
  if (checked === null) return;
  checkParents(copy, source, checked.from, target);
  const parent = posix.dirname(target);
  if (nodeAt(copy.fs, parent, true, true) === null) makeDirectories(copy.fs, parent, 0o777);
  yield* copyNode(copy, source, target, checked.to);
}

/** Null: the filter wants it left out. */
function* checkPaths(
  copy: Copy,
  source: string,
  target: string,
): Generator<unknown, { from: Node; to: Node | null } | null, boolean> {
  const { options } = copy;
  if (options.filter && !(yield options.filter(source, target))) return null;
  const from = nodeAt(copy.fs, source, options.dereference, false) as Node;
  const to = nodeAt(copy.fs, target, options.dereference, true);
  if (to !== null) {
    if (isSame(from, to)) throw refused('ERR_FS_CP_EINVAL', EINVAL, 'src and dest cannot be the same', target);
    if (isDirectory(from) && !isDirectory(to)) {
      const message = `cannot overwrite non-directory ${shownPath(target)} with directory ${shownPath(source)}`;
      throw refused('ERR_FS_CP_DIR_TO_NON_DIR', EISDIR, message, target);
    }
    if (!isDirectory(from) && isDirectory(to)) {
      const message = `cannot overwrite directory ${shownPath(target)} with non-directory ${shownPath(source)}`;
      throw refused('ERR_FS_CP_NON_DIR_TO_DIR', ENOTDIR, message, target);
    }
  }
  if (isDirectory(from) && isBelow(copy.fs, source, target)) throw intoItself(source, target, target);
  return { from, to };
}

/** The source must be none of the directories above the target. */
function checkParents(copy: Copy, source: string, from: Node, target: string): void {
  const cwd = copy.fs.cwdPath();
  const sourceParent = posix.resolve(cwd, posix.dirname(source));
  let at = target;
  for (;;) {
    const parent = posix.resolve(cwd, posix.dirname(at));
    if (parent === sourceParent || parent === '/') return;
    const node = nodeAt(copy.fs, parent, true, true);
    if (node === null) return;
    if (isSame(from, node)) throw intoItself(source, at, at);
    at = parent;
  }
}

function* copyNode(copy: Copy, source: string, target: string, to: Node | null): Steps {
  const from = nodeAt(copy.fs, source, copy.options.dereference, false) as Node;
  switch (from.mode & S_IFMT) {
    case S_IFDIR:
      if (!copy.options.recursive) {
        const message = `${shownPath(source)} is a directory (not copied)`;
        throw systemError('ERR_FS_EISDIR', {
          ...infoOf(copy.isSync ? EINVAL : EISDIR, message, source),
          code: 'EISDIR',
        });
      }
      yield* copyDirectory(copy, source, target, from, to);
      return;
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
      copyOver(copy, source, target, from, to);
      return;
    case S_IFLNK:
      copyLink(copy, source, target, to);
      return;
    case S_IFSOCK:
      throw refused('ERR_FS_CP_SOCKET', EINVAL, `cannot copy a socket file: ${shownPath(target)}`, target);
    case S_IFIFO:
      throw refused('ERR_FS_CP_FIFO_PIPE', EINVAL, `cannot copy a FIFO pipe: ${shownPath(target)}`, target);
    default:
      throw refused('ERR_FS_CP_UNKNOWN', EINVAL, `cannot copy an unknown file type: ${shownPath(target)}`, target);
  }
}

function* copyDirectory(copy: Copy, source: string, target: string, from: Node, to: Node | null): Steps {
  const { fs } = copy;
  if (to === null) check(mkdir(fs.caller, fs.cwd, target, 0o777), 'mkdir', target);
  for (const name of readNames(fs, source)) {
    const item = posix.join(source, name);
    const copied = posix.join(target, name);
    const checked = yield* checkPaths(copy, item, copied);
    if (checked !== null) yield* copyNode(copy, item, copied, checked.to);
  }
  if (to === null) check(chmod(fs.caller, fs.cwd, target, from.mode, true), 'chmod', target);
}

function copyOver(copy: Copy, source: string, target: string, from: Node, to: Node | null): void {
  const { fs, options } = copy;
  if (to !== null) {
    if (!options.force) {
      if (options.errorOnExist) {
        throw refused('ERR_FS_CP_EEXIST', EEXIST, `${shownPath(target)} already exists`, target);
      }
      return;
    }
    check(unlink(fs.caller, fs.cwd, target), 'unlink', target);
  }
  copyFile(fs, source, target, options.mode);
  if (options.preserveTimestamps) {
    check(stat(fs.caller, fs.cwd, source, true, fs.stat), 'stat', source);
    const { atimeNs, mtimeNs } = fs.stat;
    check(utimens(fs.caller, fs.cwd, target, wholeMs(atimeNs), wholeMs(mtimeNs), true), 'utime', target);
  }
  check(chmod(fs.caller, fs.cwd, target, from.mode, true), 'chmod', target);
}

/** Node carries the times over as Dates, which hold milliseconds, rounded. */
const wholeMs = (ns: bigint): bigint => {
  const rest = ((ns % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return rest >= 500_000n ? ns - rest + 1_000_000n : ns - rest;
};

function copyLink(copy: Copy, source: string, target: string, to: Node | null): void {
  const { fs, options } = copy;
  const cwd = fs.cwdPath();
  let leadsTo = readLink(fs, source);
  if (!options.verbatimSymlinks && !posix.isAbsolute(leadsTo)) {
    leadsTo = posix.resolve(cwd, posix.dirname(source), leadsTo);
  }
  if (to !== null && (to.mode & S_IFMT) === S_IFLNK) {
    let before = readLink(fs, target);
    if (!posix.isAbsolute(before)) before = posix.resolve(cwd, posix.dirname(target), before);
    if (isBelow(fs, leadsTo, before)) throw intoItself(leadsTo, before, target);
    const behind = nodeAt(fs, copy.isSync ? target : source, true, false) as Node;
    if (isDirectory(behind) && isBelow(fs, before, leadsTo)) {
      const message = `cannot overwrite ${shownPath(before)} with ${shownPath(leadsTo)}`;
      throw refused('ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', EINVAL, message, target);
    }
    check(unlink(fs.caller, fs.cwd, target), 'unlink', target);
  }
  check(symlink(fs.caller, leadsTo, fs.cwd, target), 'symlink', leadsTo, target);
}

function nodeAt(fs: FsContext, path: string, follow: boolean, mayMiss: boolean): Node | null {
  const out: NodeStat = fs.stat;
  const error = stat(fs.caller, fs.cwd, path, follow, out);
  if (error === ENOENT && mayMiss) return null;
  check(error, follow ? 'stat' : 'lstat', path);
  return { dev: out.dev, ino: out.ino, mode: out.mode };
}

const isDirectory = (node: Node): boolean => (node.mode & S_IFMT) === S_IFDIR;
const isSame = (one: Node, other: Node): boolean => one.ino === other.ino && one.dev === other.dev;

/** Whether a path is the directory, or lies in it, by their texts. */
function isBelow(fs: FsContext, directory: string, path: string): boolean {
  const cwd = fs.cwdPath();
  const above = posix.resolve(cwd, directory);
  const below = posix.resolve(cwd, path);
  return above === '/' || below === above || below.startsWith(joinPath(above, ''));
}

const intoItself = (source: string, target: string, path: string): Error =>
  refused(
    'ERR_FS_CP_EINVAL',
    EINVAL,
    `cannot copy ${shownPath(source)} to a subdirectory of self ${shownPath(target)}`,
    path,
  );

const refused = (code: string, errno: number, message: string, path: string): Error =>
  systemError(code, infoOf(errno, message, path));

const CODES = new Map([
  [EEXIST, 'EEXIST'],
  [EINVAL, 'EINVAL'],
  [EISDIR, 'EISDIR'],
  [ENOTDIR, 'ENOTDIR'],
]);

const infoOf = (errno: number, message: string, path: string) => ({
  message,
  path: shownPath(path),
  syscall: 'cp',
  errno: -errno,
  code: CODES.get(errno) ?? 'EINVAL',
});
