/**
 * Streams: Node's own ReadStream and WriteStream, over the façade's calls.
 *
 * Node lets a caller bring `open`, `read`, `write` and `close` (the `fs` option), so start, end, highWaterMark, encoding,
 * autoClose, emitClose and signal are exactly Node's.
 */

import * as nodeFs from 'node:fs';
import type { ReadStream, WriteStream } from 'node:fs';
import type { FsContext } from './context.ts';
import { callbackOf } from './callbacks.ts';
import { DESCRIPTOR_CALLS } from './call-table.ts';
import { shownPath, parsePath } from './arguments.ts';
import { notImplemented } from './node-errors.ts';

/** What a stream needs of a FileHandle. */
export interface StreamedHandle {
  readonly fd: number;
  close(): Promise<void>;
  addReference(): void;
  release(): void;
  once(event: 'close', listener: () => void): unknown;
}

type Callback = (error: Error | null) => void;
type Calls = Record<string, unknown>;

/** The declared types know neither a missing path nor the `fs` option of the constructors. */
type StreamClass<T> = new (path: unknown, options: object) => T;
const ReadStreamClass = nodeFs.ReadStream as unknown as StreamClass<ReadStream>;
const WriteStreamClass = nodeFs.WriteStream as unknown as StreamClass<WriteStream>;

/** The calls of one façade, as Node's streams want them. */
export function streamCalls(fs: FsContext): Calls {
  const { open, close, read, write, writev, fsync } = DESCRIPTOR_CALLS;
  return {
    open: callbackOf(fs, open),
    close: callbackOf(fs, close),
    read: callbackOf(fs, read, 1),
    write: callbackOf(fs, write, 1),
    writev: callbackOf(fs, writev, 1),
    fsync: callbackOf(fs, fsync),
  };
}

export function createReadStream(fs: FsContext, path: unknown, options?: unknown): ReadStream {
  const { fd, ...rest } = optionsOf(options);
  if (isHandle(fd)) return readStreamOf(fs, fd, rest);
  if (fd !== undefined && fd !== null) return new ReadStreamClass(undefined, { ...rest, fd, fs: streamCalls(fs) });
  return new ReadStreamClass(streamPath(path), { ...rest, fs: streamCalls(fs) });
}

export function createWriteStream(fs: FsContext, path: unknown, options?: unknown): WriteStream {
  const { fd, ...rest } = optionsOf(options);
  if (isHandle(fd)) return writeStreamOf(fs, fd, rest);
  if (fd !== undefined && fd !== null) {
    return new WriteStreamClass(undefined, { ...rest, fd, fs: streamCalls(fs) });
  }
  return new WriteStreamClass(streamPath(path), { ...rest, fs: streamCalls(fs) });
}

/**
 * The classes of streams as programs use them: with or without `new` they make a stream over the façade, never one of the
 * host's files, and every stream of the façade is an instance of them.
 */
export function streamClasses(fs: FsContext): Record<string, unknown> {
  const ReadStream = classOf((path, options) => createReadStream(fs, path, options), nodeFs.ReadStream);
  const WriteStream = classOf((path, options) => createWriteStream(fs, path, options), nodeFs.WriteStream);
  return { ReadStream, WriteStream, FileReadStream: ReadStream, FileWriteStream: WriteStream };
}

function classOf(
  make: (path: unknown, options: unknown) => object,
  like: { prototype: object; name: string },
): unknown {
  // An arrow function cannot be called with `new`; what this returns takes the place of the new object.
  const made = function (path: unknown, options: unknown): object {
    return make(path, options);
  };
  made.prototype = like.prototype;
  return Object.defineProperty(made, 'name', { value: like.name });
}

export function readStreamOf(fs: FsContext, handle: StreamedHandle, options: unknown): ReadStream {
  return onHandle(fs, ReadStreamClass, handle, options);
}

export function writeStreamOf(fs: FsContext, handle: StreamedHandle, options: unknown): WriteStream {
  return onHandle(fs, WriteStreamClass, handle, options);
}

/** The stream holds a reference on the handle; closing either closes both. */
function onHandle<T extends ReadStream | WriteStream>(
  fs: FsContext,
  make: StreamClass<T>,
  handle: StreamedHandle,
  options: unknown,
): T {
  const close = (_fd: number, callback: Callback): void => {
    handle.release();
    void handle.close().then(
      () => process.nextTick(callback, null),
      (error: Error) => process.nextTick(callback, error),
    );
  };
  const open = (): never => {
    throw notImplemented('open()');
  };
  const calls = { ...streamCalls(fs), open, close };
  handle.addReference();
  const stream = new make(undefined, { ...optionsOf(options), fd: handle.fd, fs: calls });
  handle.once('close', () => stream.close());
  return stream;
}

const isHandle = (value: unknown): value is StreamedHandle =>
  typeof value === 'object' && value !== null && 'addReference' in value && 'release' in value;

interface StreamOptions extends Record<string, unknown> {
  fd?: unknown;
}

function optionsOf(options: unknown): StreamOptions {
  if (typeof options === 'string') return { encoding: options };
  return (options ?? {}) as StreamOptions;
}

/** `stream.path` is what the caller gave; a URL becomes its path. */
const streamPath = (path: unknown): unknown =>
  typeof path === 'string' || path instanceof Uint8Array ? path : shownPath(parsePath(path));
