/**
 * The calls that come in three forms (sync, callback, promise), and what the forms are made from.
 *
 * `sync` is the call; `later` takes its place in the other two forms where Node's differ. `writes`: an awaited call has
 * reached the operating system, so its promise or callback waits for the log's flush.
 */

import * as attributes from './attribute-calls.ts';
import * as content from './content-calls.ts';
import type { FsContext } from './context.ts';
import { cpForPromise, cpSync } from './cp.ts';
import { opendirForPromise, opendirSync } from './dir.ts';
import * as directory from './directory-calls.ts';
import * as names from './name-calls.ts';
import * as open from './open-calls.ts';
import { realpathSync } from './realpath.ts';
import { rmdirSync, rmForPromise, rmSync } from './rm.ts';
import * as stat from './stat-calls.ts';

export type Call = (fs: FsContext, ...args: unknown[]) => unknown;

export interface CallForms {
  readonly sync: Call;
  readonly later?: Call;
  readonly writes: boolean;
  /** Its options may have an AbortSignal, which refuses it as long as it has not answered. */
  readonly takesSignal?: true;
  /** libuv's name of the call. */
  readonly syscall: string;
}

/** `sync` functions declare the arguments that they look at; every one of them is `unknown` or an options object. */
const forms = (sync: unknown, syscall: string, writes: boolean, later?: unknown): CallForms =>
  later === undefined
    ? { sync: sync as Call, syscall, writes }
    : { sync: sync as Call, syscall, writes, later: later as Call };
const reading = (sync: unknown, syscall: string, later?: unknown): CallForms => forms(sync, syscall, false, later);
const writing = (sync: unknown, syscall: string, later?: unknown): CallForms => forms(sync, syscall, true, later);
const abortable = (call: CallForms): CallForms => ({ ...call, takesSignal: true });

/** Calls on paths. */
export const PATH_CALLS = {
  access: reading(stat.accessSync, 'access'),
  appendFile: abortable(writing(content.appendFileSync, 'open')),
  chmod: writing(attributes.chmodSync, 'chmod'),
  chown: writing(attributes.chownSync, 'chown'),
  copyFile: writing(content.copyFileSync, 'copyfile'),
  cp: writing(cpSync, 'cp', cpForPromise),
  lchown: writing(attributes.lchownSync, 'lchown'),
  link: writing(names.linkSync, 'link'),
  lstat: reading(stat.lstatSync, 'lstat'),
  lutimes: writing(attributes.lutimesSync, 'lutime'),
  mkdir: writing(names.mkdirSync, 'mkdir'),
  mkdtemp: writing(names.mkdtempSync, 'mkdtemp'),
  opendir: reading(opendirSync, 'opendir', opendirForPromise),
  readdir: reading(directory.readdirSync, 'scandir'),
  readFile: abortable(reading(content.readFileSync, 'open')),
  readlink: reading(names.readlinkSync, 'readlink'),
  realpath: reading(realpathSync, 'lstat'),
  rename: writing(names.renameSync, 'rename'),
  rm: writing(rmSync, 'rm', rmForPromise),
  rmdir: writing(rmdirSync, 'rmdir'),
  stat: reading(stat.statSync, 'stat'),
  statfs: reading(stat.statfsSync, 'statfs'),
  symlink: writing(names.symlinkSync, 'symlink'),
  truncate: writing(content.truncateSync, 'open'),
  unlink: writing(names.unlinkSync, 'unlink'),
  utimes: writing(attributes.utimesSync, 'utime'),
  writeFile: abortable(writing(content.writeFileSync, 'open')),
} as const satisfies Record<string, CallForms>;

/** Calls on descriptors; `open` writes where its flags make or cut a file. */
export const DESCRIPTOR_CALLS = {
  close: writing(open.closeSync, 'close'),
  fchmod: writing(attributes.fchmodSync, 'fchmod'),
  fchown: writing(attributes.fchownSync, 'fchown'),
  fdatasync: writing(open.fdatasyncSync, 'fdatasync'),
  fstat: reading(stat.fstatSync, 'fstat'),
  fsync: writing(open.fsyncSync, 'fsync'),
  ftruncate: writing(open.ftruncateSync, 'ftruncate'),
  futimes: writing(attributes.futimesSync, 'futime'),
  open: writing(open.openSync, 'open'),
  read: reading(open.readSync, 'read'),
  readv: reading(open.readvSync, 'read'),
  write: writing(open.writeSync, 'write'),
  writev: writing(open.writevSync, 'write'),
} as const satisfies Record<string, CallForms>;

/**
 * The AbortSignal among a call's arguments. What it was to stop has happened at once, so an abort while the call is on has it
 * answer with an error, and takes nothing back; nor does Node take back what it has written by then.
 */
export function signalOf({ takesSignal }: CallForms, args: readonly unknown[]): AbortSignal | null {
  if (takesSignal !== true) return null;
  const { signal } = (args.at(-1) ?? {}) as { signal?: unknown };
  return signal instanceof AbortSignal ? signal : null;
}

export type PathCallName = keyof typeof PATH_CALLS;
export type DescriptorCallName = keyof typeof DESCRIPTOR_CALLS;
