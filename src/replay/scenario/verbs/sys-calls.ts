/** The calls of `sys`: how each is written, and what of the engine it is. */

import { storeError } from '../../../events/log-error.ts';
import { makeDevice } from '../../../events/mode.ts';
import { compareNames, encodeName } from '../../../events/name.ts';
import * as attributes from '../../../engine/calls/attributes.ts';
import * as data from '../../../engine/calls/data.ts';
import { readdir } from '../../../engine/calls/directory.ts';
import * as names from '../../../engine/calls/names.ts';
import { close, open } from '../../../engine/calls/open.ts';
import * as space from '../../../engine/calls/space.ts';
import * as stats from '../../../engine/calls/stat.ts';
import * as xattrs from '../../../engine/calls/xattrs.ts';
import { EBADF } from '../../../engine/errno.ts';
import { O_DIRECTORY, type OpenFile } from '../../../engine/open-files.ts';
import type { Shell } from './shell.ts';
import type { SysArguments } from './sys-arguments.ts';
import { shownBytes, shownStat } from './sys-shown.ts';
import { fillPieces } from './write-verbs.ts';

/** A number below 0 refuses; one from 0 on is printed; a text is printed; null says nothing. */
export type Answer = number | string | null;
type SysCall = (shell: Shell, args: SysArguments) => Answer;

const silent = (result: number): Answer => (result < 0 ? result : null);

/** Runs a call on the file of a descriptor; EBADF where nothing is open. */
function onFile(shell: Shell, args: SysArguments, call: (file: OpenFile) => Answer): Answer {
  const file = shell.files.get(args.descriptor());
  return file === undefined ? EBADF : call(file);
}

function openCall(shell: Shell, args: SysArguments): Answer {
  const descriptor = args.descriptor();
  const path = args.text();
  const flags = args.openFlags();
  const file = open(shell.caller, shell.caller.cwd, path, flags, args.hasMore ? args.mode() : 0);
  if (typeof file === 'number') return file;
  closeDescriptor(shell, descriptor);
  shell.files.set(descriptor, file);
  return null;
}

function closeDescriptor(shell: Shell, descriptor: number): number {
  const file = shell.files.get(descriptor);
  if (file === undefined) return EBADF;
  shell.files.delete(descriptor);
  return close(file);
}

function read(file: OpenFile, length: number, position: number | null): Answer {
  if (length > READ_BYTES_MAX) {
    throw storeError('ERR_INVALID_ARGUMENT', `sys read: at most ${READ_BYTES_MAX} bytes at a time`);
  }
  const buffer = Buffer.alloc(length);
  const count = data.read(file, buffer, 0, length, position);
  return count < 0 ? count : shownBytes(buffer.subarray(0, count));
}

const READ_BYTES_MAX = 2 ** 26;

/** TEXT, and how many times it is written in a row. */
function write(file: OpenFile, args: SysArguments, position: number | null): Answer {
  const text = encodeName(args.text());
  const bytes = args.hasMore ? Buffer.concat([...fillPieces(args.count() * text.length, text)]) : text;
  return data.write(file, bytes, 0, bytes.length, position);
}

function stat(shell: Shell, args: SysArguments, follow: boolean): Answer {
  const out = new stats.NodeStat();
  return stats.stat(shell.caller, shell.caller.cwd, args.text(), follow, out) || shownStat(out);
}

function list(shell: Shell, args: SysArguments): Answer {
  const file = open(shell.caller, shell.caller.cwd, args.text(), O_DIRECTORY, 0);
  if (typeof file === 'number') return file;
  const answer = namesOf(file);
  close(file);
  return answer;
}

function namesOf(file: OpenFile): Answer {
  const entries = readdir(file);
  if (typeof entries === 'number') return entries;
  return JSON.stringify(entries.map(({ name }) => name).sort(compareNames));
}

function xattrValue(value: Uint8Array | number): Answer {
  return typeof value === 'number' ? value : shownBytes(value);
}

export const SYS_CALLS: ReadonlyMap<string, readonly [form: string, call: SysCall]> = new Map<
  string,
  [string, SysCall]
>([
  ['open', ['FD PATH FLAGS [MODE]', openCall]],
  ['close', ['FD', (shell, args) => silent(closeDescriptor(shell, args.descriptor()))]],
  ['read', ['FD LENGTH', (shell, args) => onFile(shell, args, (file) => read(file, args.count(), null))]],
  ['pread', ['FD LENGTH OFFSET', (shell, args) => onFile(shell, args, (f) => read(f, args.count(), args.count()))]],
  ['write', ['FD TEXT [TIMES]', (shell, args) => onFile(shell, args, (file) => write(file, args, null))]],
  ['pwrite', ['FD OFFSET TEXT [TIMES]', (shell, args) => onFile(shell, args, (f) => write(f, args, args.count()))]],
  [
    'lseek',
    ['FD OFFSET SEEK_SET', (shell, args) => onFile(shell, args, (f) => data.seek(f, args.count(), args.whence()))],
  ],
  ['getdents', ['FD', (shell, args) => onFile(shell, args, namesOf)]],
  ['fstat', ['FD', (shell, args) => onFile(shell, args, (file) => fstat(file))]],
  ['ftruncate', ['FD SIZE', (shell, args) => onFile(shell, args, (f) => silent(space.ftruncate(f, args.count())))]],
  [
    'fallocate',
    [
      'FD MODE OFFSET LENGTH',
      (shell, args) =>
        onFile(shell, args, (f) => silent(space.fallocate(f, args.allocateMode(), args.count(), args.count()))),
    ],
  ],
  ['fchmod', ['FD MODE', (shell, args) => onFile(shell, args, (f) => silent(attributes.fchmod(f, args.mode())))]],
  [
    'fchown',
    ['FD UID GID', (shell, args) => onFile(shell, args, (f) => silent(attributes.fchown(f, args.id(), args.id())))],
  ],
  [
    'futimens',
    [
      'FD ATIME MTIME',
      (shell, args) => onFile(shell, args, (f) => silent(attributes.futimens(f, args.time(), args.time()))),
    ],
  ],
  [
    'fsetxattr',
    [
      'FD NAME VALUE [XATTR_CREATE]',
      (shell, args) =>
        onFile(shell, args, (f) => silent(xattrs.fsetxattr(f, args.text(), args.bytes(), args.xattrFlags()))),
    ],
  ],
  ['copy_file_range', ['FD OFFSET FD OFFSET LENGTH', copyFileRange]],
  ['linkat', ['FD PATH', (shell, args) => onFile(shell, args, (f) => silent(linkFile(shell, f, args.text())))]],
  ['truncate', ['PATH SIZE', (shell, args) => at(shell, args, (path) => space.truncate(...path, args.count()))]],
  ['mkdir', ['PATH MODE', (shell, args) => at(shell, args, (path) => names.mkdir(...path, args.mode()))]],
  [
    'mknod',
    [
      'PATH MODE [MAJOR MINOR]',
      (shell, args) =>
        at(shell, args, (path) =>
          names.mknod(...path, args.fullMode(), args.hasMore ? makeDevice(args.count(), args.count()) : 0),
        ),
    ],
  ],
  [
    'symlink',
    ['TARGET PATH', (shell, args) => silent(names.symlink(shell.caller, args.text(), shell.caller.cwd, args.text()))],
  ],
  ['link', ['OLD NEW', (shell, args) => silent(link(shell, args.text(), args.text()))]],
  ['unlink', ['PATH', (shell, args) => at(shell, args, (path) => names.unlink(...path))]],
  ['rmdir', ['PATH', (shell, args) => at(shell, args, (path) => names.rmdir(...path))]],
  [
    'rename',
    [
      'OLD NEW [RENAME_NOREPLACE]',
      (shell, args) => silent(shell.tryRename(args.text(), args.text(), args.renameFlags())),
    ],
  ],
  ['chmod', ['PATH MODE', (shell, args) => at(shell, args, (path) => attributes.chmod(...path, args.mode(), true))]],
  [
    'chown',
    ['PATH UID GID', (shell, args) => at(shell, args, (path) => attributes.chown(...path, args.id(), args.id(), true))],
  ],
  [
    'lchown',
    [
      'PATH UID GID',
      (shell, args) => at(shell, args, (path) => attributes.chown(...path, args.id(), args.id(), false)),
    ],
  ],
  [
    'utimensat',
    [
      'PATH ATIME MTIME [AT_SYMLINK_NOFOLLOW]',
      (shell, args) =>
        at(shell, args, (path) =>
          attributes.utimens(...path, args.time(), args.time(), !args.isNext('AT_SYMLINK_NOFOLLOW')),
        ),
    ],
  ],
  [
    'lsetxattr',
    [
      'PATH NAME VALUE [XATTR_CREATE]',
      (shell, args) =>
        at(shell, args, (path) => xattrs.setxattr(...path, args.text(), args.bytes(), args.xattrFlags(), false)),
    ],
  ],
  [
    'lremovexattr',
    ['PATH NAME', (shell, args) => at(shell, args, (path) => xattrs.removexattr(...path, args.text(), false))],
  ],
  [
    'lgetxattr',
    [
      'PATH NAME',
      (shell, args) => xattrValue(xattrs.getxattr(shell.caller, shell.caller.cwd, args.text(), args.text(), false)),
    ],
  ],
  ['stat', ['PATH', (shell, args) => stat(shell, args, true)]],
  ['lstat', ['PATH', (shell, args) => stat(shell, args, false)]],
  ['readlink', ['PATH', (shell, args) => readlink(shell, args.text())]],
  ['readdir', ['PATH', list]],
  ['access', ['PATH MODE', (shell, args) => at(shell, args, (path) => stats.access(...path, args.count()))]],
]);

type At = [caller: Shell['caller'], start: Shell['caller']['cwd'], path: string];

const at = ({ caller }: Shell, args: SysArguments, call: (path: At) => number): Answer =>
  silent(call([caller, caller.cwd, args.text()]));

const link = ({ caller }: Shell, from: string, to: string): number =>
  names.link(caller, caller.cwd, from, caller.cwd, to, false);

const linkFile = ({ caller }: Shell, file: OpenFile, path: string): number =>
  names.linkFile(caller, file, caller.cwd, path);

function readlink({ caller }: Shell, path: string): Answer {
  const target = stats.readlink(caller, caller.cwd, path);
  return typeof target === 'number' ? target : JSON.stringify(target);
}

function fstat(file: OpenFile): Answer {
  const out = new stats.NodeStat();
  return stats.fstat(file, out) || shownStat(out);
}

function copyFileRange(shell: Shell, args: SysArguments): Answer {
  return onFile(shell, args, (from) => {
    const fromOffset = args.count();
    return onFile(shell, args, (to) => data.copyFileRange(from, fromOffset, to, args.count(), args.count()));
  });
}
