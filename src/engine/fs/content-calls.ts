/** Whole files: readFile, writeFile, appendFile, truncate, copyFile. */

import { isFileMode, PERMISSION_BITS } from '../../events/mode.ts';
import type { Cause } from '../../events/event.ts';
import { readContent } from '../../projections/tree/content.ts';
import { fchmod } from '../calls/attributes.ts';
import { copyFileRange, read, write } from '../calls/data.ts';
import { unlink } from '../calls/names.ts';
import { close, open } from '../calls/open.ts';
import { ftruncate } from '../calls/space.ts';
import { fstat, lookup } from '../calls/stat.ts';
import { fsync } from '../calls/sync.ts';
import { writeFile } from '../calls/write-file.ts';
import { EISDIR, ENXIO } from '../errno.ts';
import { Found } from '../lookup.ts';
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY, type OpenFile } from '../open-files.ts';
import {
  bytesOf,
  IO_BYTES_MAX,
  isDescriptor,
  isView,
  parseBits,
  parseMode,
  parseOptions,
  parsePath,
  validateBoolean,
  validateInteger,
} from './arguments.ts';
import { constants } from './constants.ts';
import { check, type FsContext, refusal } from './context.ts';
import { parseFlags } from './flags.ts';
import { fileTooLarge, invalidArgType } from './node-errors.ts';
import { ftruncateSync, openFile } from './open-calls.ts';

const found = new Found();

const READ_DEFAULTS = { flag: 'r' };
const WRITE_DEFAULTS = { encoding: 'utf8', mode: 0o666, flag: 'w', flush: false };
const APPEND_DEFAULTS = { encoding: 'utf8', mode: 0o666, flag: 'a' };

export function readFileSync(fs: FsContext, path: unknown, options?: unknown): string | Buffer {
  const isText = options === 'utf8' || options === 'utf-8';
  if (isText && typeof path === 'string') return readWhole(fs, parsePath(path), O_RDONLY).toString();
  const { encoding, flag } = parseOptions(options, READ_DEFAULTS);
  const bytes = isDescriptor(path)
    ? readRest(fs.file(path, isUtf8(encoding) ? 'read' : 'fstat'))
    : readWhole(fs, parsePath(path), flag === 'r' ? O_RDONLY : parseFlags(flag));
  return encoding ? bytes.toString(encoding as BufferEncoding) : bytes;
}

const isUtf8 = (encoding: unknown): boolean => encoding === 'utf8' || encoding === 'utf-8';

/** A plain reading open has no effect where none is refused, so root's content is read without one. */
export function readWhole(fs: FsContext, path: string, flags: number): Buffer {
  if (flags !== O_RDONLY || fs.caller.identity !== null) {
    const file = openFile(fs, path, flags, 0o666);
    try {
      return readRest(file);
    } finally {
      close(file);
    }
  }
  const error = lookup(fs.caller, fs.caller.cwd, path, true, found);
  if (error !== 0) throw refusal(error, 'open', path);
  const inode = found.mount.overlay.tree.at(found.ino);
  if (!isFileMode(inode.mode)) throw inode.dir === null ? refusal(ENXIO, 'open', path) : refusal(EISDIR, 'read');
  const { size } = inode;
  if (size > IO_BYTES_MAX) throw fileTooLarge(size);
  const bytes = Buffer.allocUnsafe(size);
  readContent(inode.content, fs.caller.namespace.chunks, 0, bytes, 0, size);
  return bytes;
}

/** Everything from an open file's position on; moves it to the end. */
export function readRest(file: OpenFile): Buffer {
  const inode = file.mount.overlay.tree.get(file.ino);
  const rest = inode === undefined || inode.dir !== null ? 1 : Math.max(0, inode.size - file.position);
  if (rest > IO_BYTES_MAX) throw fileTooLarge(rest);
  const bytes = Buffer.allocUnsafe(rest);
  const got = read(file, bytes, 0, rest, null);
  check(got, 'read');
  return got < rest ? bytes.subarray(0, got) : bytes;
}

/** One transaction: open, write and close; the bytes are copied once, into their chunks. */
export function writeFileSync(fs: FsContext, path: unknown, data: unknown, options?: unknown): void {
  const { encoding, mode, flag, flush } = parseOptions(options, WRITE_DEFAULTS);
  if (flush !== undefined && flush !== null) validateBoolean(flush, 'options.flush');
  writeWhole(fs, 'writeFile', path, dataBytes(data, encoding), flag || 'w', mode, flush === true);
}

export function appendFileSync(fs: FsContext, path: unknown, data: unknown, options?: unknown): void {
  const { encoding, mode, flag, flush } = parseOptions(options, APPEND_DEFAULTS);
  if (flush !== undefined && flush !== null) validateBoolean(flush, 'options.flush');
  writeWhole(fs, 'appendFile', path, dataBytes(data, encoding), flag || 'a', mode, flush === true);
}

function writeWhole(
  fs: FsContext,
  operation: 'writeFile' | 'appendFile',
  target: unknown,
  bytes: Uint8Array,
  flag: unknown,
  mode: unknown,
  flush: boolean,
): void {
  if (isDescriptor(target)) {
    const file = fs.file(target, 'write');
    writeAll(file, bytes);
    if (flush) check(fsync(file), 'fsync');
    return;
  }
  const path = parsePath(target);
  const flags = flag === 'w' ? O_TRUNC_CREATE : parseFlags(flag);
  const permissions = parseMode(mode, 'mode', 0o666);
  const { caller } = fs;
  const cause: Cause = [operation, path];
  if (flags === O_TRUNC_CREATE && caller.namespace.engine !== null && caller.identity === null) {
    const error = writeFile(caller, caller.cwd, path, bytes, permissions, cause);
    if (error !== 0) throw refusal(error, 'open', path);
  } else writeOpened(fs, cause, path, flags, permissions, bytes);
  if (flush) caller.namespace.engine?.log.syncSync();
}

function writeOpened(
  fs: FsContext,
  cause: Cause,
  path: string,
  flags: number,
  permissions: number,
  bytes: Uint8Array,
): void {
  fs.transact(cause, () => {
    const file = openFile(fs, path, flags, permissions);
    try {
      writeAll(file, bytes);
    } finally {
      close(file);
    }
  });
}

const O_TRUNC_CREATE = parseFlags('w');

export function writeAll(file: OpenFile, bytes: Uint8Array): void {
  if (bytes.length > 0) check(write(file, bytes, 0, bytes.length, null), 'write');
}

/** The bytes of a view, or of a string in an encoding. */
export function dataBytes(data: unknown, encoding: unknown): Uint8Array {
  if (isView(data)) return bytesOf(data);
  if (typeof data !== 'string') throw invalidArgType('data', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
  return Buffer.from(data, (encoding || 'utf8') as BufferEncoding);
}

export function truncateSync(fs: FsContext, path: unknown, length: unknown = 0): void {
  if (typeof path === 'number') {
    ftruncateSync(fs, path, length);
    return;
  }
  const target = parsePath(path);
  fs.transact(['truncate', target, typeof length === 'number' ? length : 0], () => {
    const file = openFile(fs, target, O_RDWR, 0);
    try {
      validateInteger(length, 'len');
      check(ftruncate(file, Math.max(0, length)), 'ftruncate');
    } finally {
      close(file);
    }
  });
}

export function copyFileSync(fs: FsContext, from: unknown, to: unknown, mode?: unknown): void {
  const source = parsePath(from, 'src');
  const target = parsePath(to, 'dest');
  copyFile(fs, source, target, parseBits(mode));
}

/**
 * Copies a file as libuv does, but shares its chunks: every copy is a clone, so COPYFILE_FICLONE_FORCE succeeds.
 * A target that was made for a copy which then fails is removed again.
 */
export function copyFile(fs: FsContext, source: string, target: string, mode: number): void {
  const cause: Cause = mode === 0 ? ['copyFile', source, target] : ['copyFile', source, target, mode];
  const error = fs.transact(cause, () => copyOpened(fs, source, target, mode));
  check(error, 'copyfile', source, target);
}

function copyOpened(fs: FsContext, source: string, target: string, mode: number): number {
  const { caller, stat } = fs;
  const from = open(caller, caller.cwd, source, O_RDONLY, 0);
  if (typeof from === 'number') return from;
  try {
    let error = fstat(from, stat);
    if (error < 0) return error;
    const { size } = stat;
    const permissions = stat.mode & PERMISSION_BITS;
    const exclusive = (mode & constants.COPYFILE_EXCL) !== 0;
    const to = open(caller, caller.cwd, target, O_WRONLY | O_CREAT | (exclusive ? O_EXCL : 0), permissions);
    if (typeof to === 'number') return to;
    try {
      if (to.mount === from.mount && to.ino === from.ino) return 0;
      error = exclusive ? 0 : ftruncate(to, 0);
      if (error === 0) error = fchmod(to, permissions);
      if (error === 0) error = Math.min(0, copyFileRange(from, 0, to, 0, size));
    } finally {
      close(to);
    }
    if (error < 0) unlink(caller, caller.cwd, target);
    return error;
  } finally {
    close(from);
  }
}
