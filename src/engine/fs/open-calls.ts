/** Descriptors: open, close, and what works on an open file's bytes. */

import { read, write } from '../calls/data.ts';
import { close, open } from '../calls/open.ts';
import { fsync } from '../calls/sync.ts';
import { ftruncate } from '../calls/space.ts';
import { EBADF, EINVAL, fsError } from '../errno.ts';
import type { OpenFile } from '../open-files.ts';
import {
  bytesOf,
  isView,
  nativeFd,
  parseMode,
  parsePath,
  parsePosition,
  validateFd,
  validateInt32,
  validateInteger,
  validateObject,
  validateViews,
} from './arguments.ts';
import { check, type FsContext, refusal } from './context.ts';
import { parseFlags } from './flags.ts';
import { invalidArgType, invalidArgValue, outOfRange } from './node-errors.ts';

export function openSync(fs: FsContext, path: unknown, flags?: unknown, mode?: unknown): number {
  return openPath(fs, parsePath(path), parseFlags(flags), parseMode(mode, 'mode', 0o666));
}

/** Opens a path and gives it a descriptor. */
export function openPath(fs: FsContext, path: string, flags: number, mode: number): number {
  const file = openFile(fs, path, flags, mode);
  const fd = fs.descriptors.add(file);
  if (fd < 0) {
    close(file);
    throw refusal(fd, 'open', path);
  }
  return fd;
}

/** Opens a path without a descriptor, for a call that closes it itself. */
export function openFile(fs: FsContext, path: string, flags: number, mode: number): OpenFile {
  const file = open(fs.caller, fs.caller.cwd, path, flags, mode);
  if (typeof file === 'number') throw refusal(file, 'open', path);
  return file;
}

export function closeSync(fs: FsContext, fd: unknown): void {
  const file = fs.descriptors.remove(nativeFd(fd));
  if (file === null) throw fsError(EBADF, 'close');
  check(close(file), 'close');
}

interface Stretch {
  offset?: unknown;
  length?: unknown;
  position?: unknown;
}

/** Takes `(buffer, offset, length, position)` and `(buffer, { offset, length, position })`. */
export function readSync(
  fs: FsContext,
  fd: unknown,
  buffer: unknown,
  offsetOrOptions?: unknown,
  length?: unknown,
  position?: unknown,
): number {
  validateFd(fd);
  if (!isView(buffer)) throw invalidArgType('buffer', ['Buffer', 'TypedArray', 'DataView'], buffer);
  let offset = offsetOrOptions;
  if (length === undefined && position === undefined && typeof offset !== 'object') {
    if (offset !== undefined) throw invalidArgType('options', ['Object'], offset);
    offset = null;
  }
  if (typeof offset === 'object') {
    if (offset !== null) validateObject(offset, 'options');
    const stretch = (offset ?? {}) as Stretch;
    ({ offset = 0, position = null } = stretch);
    length = stretch.length ?? buffer.byteLength - Number(offset);
  }
  if (offset === undefined) offset = 0;
  validateInteger(offset, 'offset', 0);
  const wanted = Number(length) | 0;
  if (wanted === 0) return 0;
  if (buffer.byteLength === 0) throw invalidArgValue('buffer', buffer, 'is empty and cannot be written');
  if (wanted < 0) throw outOfRange('length', '>= 0', wanted);
  if (offset + wanted > buffer.byteLength) throw outOfRange('length', `<= ${buffer.byteLength - offset}`, wanted);
  const at = parsePosition(position);
  const got = read(fs.file(fd, 'read'), bytesOf(buffer), offset, wanted, at);
  check(got, 'read');
  return got;
}

/** Takes a view with `(offset, length, position)` or an options object, or a string with `(position, encoding)`. */
export function writeSync(
  fs: FsContext,
  fd: unknown,
  data: unknown,
  offsetOrOptions?: unknown,
  lengthOrEncoding?: unknown,
  position?: unknown,
): number {
  validateFd(fd);
  if (!isView(data)) return writeString(fs, fd, data, offsetOrOptions, lengthOrEncoding);
  let offset = offsetOrOptions;
  let length = lengthOrEncoding;
  if (typeof offset === 'object') ({ offset = 0, length, position } = (offset ?? {}) as Stretch);
  if (offset === undefined || offset === null) offset = 0;
  validateInteger(offset, 'offset', 0);
  const bytes = typeof length === 'number' ? length : data.byteLength - offset;
  if (offset > data.byteLength) throw outOfRange('offset', `<= ${data.byteLength}`, offset);
  if (bytes > data.byteLength - offset) throw outOfRange('length', `<= ${data.byteLength - offset}`, bytes);
  if (bytes < 0) throw outOfRange('length', '>= 0', bytes);
  validateInt32(bytes, 'length', 0);
  const written = write(fs.file(fd, 'write'), bytesOf(data), offset, bytes, writePosition(position));
  check(written, 'write');
  return written;
}

function writeString(fs: FsContext, fd: unknown, data: unknown, position: unknown, encoding: unknown): number {
  if (typeof data !== 'string') {
    throw invalidArgType('buffer', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
  }
  const bytes = Buffer.from(data, encodingOf(data, encoding));
  const written = write(fs.file(fd, 'write'), bytes, 0, bytes.length, writePosition(position));
  check(written, 'write');
  return written;
}

/** Node takes any unknown name for UTF-8 here. */
function encodingOf(data: string, encoding: unknown): BufferEncoding {
  if (typeof encoding !== 'string' || !Buffer.isEncoding(encoding)) return 'utf8';
  if (encoding.toLowerCase() === 'hex' && data.length % 2 !== 0) {
    throw invalidArgValue('encoding', encoding, `is invalid for data of length ${data.length}`);
  }
  return encoding;
}

/** Anything but a number stands for the file's own position; so does a negative one. */
function writePosition(position: unknown): number | null {
  if (typeof position === 'bigint') return position < 0n ? null : Number(position);
  return typeof position === 'number' && position >= 0 ? position : null;
}

export function readvSync(fs: FsContext, fd: unknown, buffers: unknown, position?: unknown): number {
  validateFd(fd);
  const views = validateViews(buffers);
  const file = fs.file(fd, 'read');
  // readv(2) wants one buffer at least.
  if (views.length === 0) throw fsError(EINVAL, 'read');
  let at = writePosition(position);
  let total = 0;
  for (const view of views) {
    const got = read(file, bytesOf(view), 0, view.byteLength, at);
    check(got, 'read');
    total += got;
    if (at !== null) at += got;
    if (got < view.byteLength) break;
  }
  return total;
}

/** All buffers become one transaction. */
export function writevSync(fs: FsContext, fd: unknown, buffers: unknown, position?: unknown): number {
  validateFd(fd);
  const views = validateViews(buffers);
  if (views.length === 0) return 0;
  const file = fs.file(fd, 'write');
  return fs.transact(['writev', file.path], () => {
    let at = writePosition(position);
    let total = 0;
    for (const view of views) {
      const written = write(file, bytesOf(view), 0, view.byteLength, at);
      check(written, 'write');
      total += written;
      if (at !== null) at += written;
    }
    return total;
  });
}

export function ftruncateSync(fs: FsContext, fd: unknown, length: unknown = 0): void {
  validateInteger(length, 'len');
  check(ftruncate(fs.file(fd, 'ftruncate'), Math.max(0, length)), 'ftruncate');
}

export function fsyncSync(fs: FsContext, fd: unknown): void {
  check(fsync(fs.file(fd, 'fsync')), 'fsync');
}

export function fdatasyncSync(fs: FsContext, fd: unknown): void {
  check(fsync(fs.file(fd, 'fdatasync')), 'fdatasync');
}
