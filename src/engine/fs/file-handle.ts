/** What `promises.open` gives: a descriptor with methods, closed when the last call on it has ended. */

import { EventEmitter } from 'node:events';
import type { ReadStream, WriteStream } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { ReadableStream } from 'node:stream/web';
import * as attributes from './attribute-calls.ts';
import { isView, parseOptions, validateBoolean, validateObject } from './arguments.ts';
import { dataBytes, readRest, writeAll } from './content-calls.ts';
import { asFsError, type FsContext } from './context.ts';
import { abortError, invalidArgValue, invalidState } from './node-errors.ts';
import * as open from './open-calls.ts';
import { fstatSync } from './stat-calls.ts';
import { readStreamOf, writeStreamOf } from './streams.ts';

/** Size of the buffer that `read()` makes where none is given. */
const READ_BYTES = 16_384;

interface ReadOptions {
  buffer?: unknown;
  offset?: number | null;
  length?: number | null;
  position?: number | bigint | null;
}

export class FileHandle extends EventEmitter {
  readonly #fs: FsContext;
  #fd: number;
  /** The handle itself, and calls and streams that are under way. */
  #references = 1;
  #closing: Promise<void> | null = null;
  #released: (() => void) | null = null;
  #isLocked = false;

  constructor(fs: FsContext, fd: number) {
    super();
    this.#fs = fs;
    this.#fd = fd;
  }

  /** -1 when closed. */
  get fd(): number {
    return this.#fd;
  }

  async read(
    bufferOrOptions?: unknown,
    offsetOrOptions?: number | ReadOptions | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: unknown }> {
    return this.#call('read', false, (fd) => {
      let options: ReadOptions = { buffer: bufferOrOptions, length: length ?? null, position: position ?? null };
      if (offsetOrOptions !== null && typeof offsetOrOptions === 'object') {
        options = { buffer: bufferOrOptions, ...offsetOrOptions };
      } else options.offset = offsetOrOptions ?? null;
      if (!isView(bufferOrOptions)) {
        if (bufferOrOptions !== undefined && bufferOrOptions !== null) validateObject(bufferOrOptions, 'options');
        options = { buffer: Buffer.alloc(READ_BYTES), ...bufferOrOptions };
      }
      const { buffer } = options;
      const offset = options.offset ?? 0;
      if (isView(buffer) && offset <= buffer.byteLength) options.length ??= buffer.byteLength - offset;
      if (options.length !== 0 && isView(buffer) && buffer.byteLength === 0) {
        throw invalidArgValue('buffer', buffer, 'is empty and cannot be written');
      }
      const at =
        Number.isSafeInteger(options.position) || typeof options.position === 'bigint' ? options.position : null;
      return { bytesRead: open.readSync(this.#fs, fd, buffer, offset, options.length, at), buffer };
    });
  }

  async readv(buffers: unknown, position?: unknown): Promise<{ bytesRead: number; buffers: unknown }> {
    return this.#call('readv', false, (fd) => ({
      bytesRead: open.readvSync(this.#fs, fd, buffers, position),
      buffers,
    }));
  }

  async write(
    data: unknown,
    offset?: unknown,
    length?: unknown,
    position?: unknown,
  ): Promise<{ bytesWritten: number; buffer: unknown }> {
    return this.#call('write', true, (fd) => {
      const isEmpty = isView(data) && data.byteLength === 0;
      const bytesWritten = isEmpty ? 0 : open.writeSync(this.#fs, fd, data, offset, length, position);
      return { bytesWritten, buffer: data };
    });
  }

  async writev(buffers: unknown, position?: unknown): Promise<{ bytesWritten: number; buffers: unknown }> {
    return this.#call('writev', true, (fd) => ({
      bytesWritten: open.writevSync(this.#fs, fd, buffers, position),
      buffers,
    }));
  }

  /** From the current position to the end. */
  async readFile(options?: unknown): Promise<string | Buffer> {
    return this.#call('readFile', false, (fd) => {
      const { encoding, signal } = parseOptions(options, { flag: 'r' });
      if (signal?.aborted) throw abortError(signal);
      const bytes = readRest(this.#fs.file(fd, 'read'));
      return encoding ? bytes.toString(encoding as BufferEncoding) : bytes;
    });
  }

  /** From the current position on; what lay behind stays. */
  async writeFile(data: unknown, options?: unknown): Promise<void> {
    const { encoding, signal, flush } = parseOptions(options, { encoding: 'utf8' });
    if (flush !== undefined && flush !== null) validateBoolean(flush, 'options.flush');
    if (!isIterable(data)) {
      await this.#call('writeFile', true, (fd) => {
        const bytes = dataBytes(data, encoding);
        if (signal?.aborted) throw abortError(signal);
        writeAll(this.#fs.file(fd, 'write'), bytes);
      });
      return;
    }
    if (signal?.aborted) throw abortError(signal);
    for await (const piece of data) {
      if (signal?.aborted) throw abortError(signal);
      const bytes = isView(piece) ? piece : Buffer.from(piece as string, (encoding || 'utf8') as BufferEncoding);
      await this.write(bytes);
    }
  }

  async appendFile(data: unknown, options?: unknown): Promise<void> {
    return this.writeFile(data, options);
  }

  async stat(options?: { bigint?: boolean }): Promise<ReturnType<typeof fstatSync>> {
    return this.#call('fstat', false, (fd) => fstatSync(this.#fs, fd, options));
  }

  async truncate(length: number = 0): Promise<void> {
    return this.#call('ftruncate', true, (fd) => open.ftruncateSync(this.#fs, fd, length));
  }

  async chmod(mode: unknown): Promise<void> {
    return this.#call('fchmod', true, (fd) => attributes.fchmodSync(this.#fs, fd, mode));
  }

  async chown(uid: unknown, gid: unknown): Promise<void> {
    return this.#call('fchown', true, (fd) => attributes.fchownSync(this.#fs, fd, uid, gid));
  }

  async utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#call('futimes', true, (fd) => attributes.futimesSync(this.#fs, fd, atime, mtime));
  }

  async sync(): Promise<void> {
    return this.#call('fsync', true, (fd) => open.fsyncSync(this.#fs, fd));
  }

  async datasync(): Promise<void> {
    return this.#call('fdatasync', true, (fd) => open.fdatasyncSync(this.#fs, fd));
  }

  readLines(options?: object): Interface {
    return createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
  }

  createReadStream(options?: object): ReadStream {
    return readStreamOf(this.#fs, this, options);
  }

  createWriteStream(options?: object): WriteStream {
    return writeStreamOf(this.#fs, this, options);
  }

  /** Chunks are ArrayBuffers; with `type: 'bytes'` it is a byte stream of Uint8Arrays. Closing the handle ends it. */
  readableWebStream(options: { type?: 'bytes' } = {}): ReadableStream {
    if (this.#fd === -1) throw invalidState('The FileHandle is closed');
    if (this.#closing !== null) throw invalidState('The FileHandle is closing');
    if (this.#isLocked) throw invalidState('The FileHandle is locked');
    this.#isLocked = true;
    this.addReference();
    let isDone = false;
    const finish = (): void => {
      if (!isDone) this.release();
      isDone = true;
    };
    const readable = options.type === 'bytes' ? this.#byteStream(finish) : this.#bufferStream(finish);
    this.once('close', () => {
      readable.cancel().catch(finish);
    });
    return readable;
  }

  #bufferStream(finish: () => void): ReadableStream {
    return new ReadableStream({
      pull: async (controller) => {
        const { bytesRead, buffer } = await this.read(new Uint8Array(READ_BYTES * 4));
        if (bytesRead > 0) controller.enqueue((buffer as Uint8Array<ArrayBuffer>).buffer.slice(0, bytesRead));
        else {
          finish();
          controller.close();
        }
      },
      cancel: finish,
    });
  }

  #byteStream(finish: () => void): ReadableStream {
    return new ReadableStream({
      type: 'bytes',
      autoAllocateChunkSize: READ_BYTES,
      pull: async (controller) => {
        const request = controller.byobRequest;
        const view = request?.view;
        if (!request || !view) return;
        const { bytesRead } = await this.read(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
        if (bytesRead === 0) {
          finish();
          controller.close();
        }
        request.respond(bytesRead);
      },
      cancel: finish,
    });
  }

  /** Resolves when calls and streams that are under way have ended and the descriptor is free. */
  close = async (): Promise<void> => {
    if (this.#closing !== null) return this.#closing;
    if (this.#fd === -1) return undefined;
    this.#closing = new Promise((resolve) => {
      this.#released = resolve;
    });
    const closing = this.#closing;
    this.release();
    this.emit('close');
    await closing;
    this.#closing = null;
    return this.#fs.flush('close');
  };

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Of a stream on the handle: keeps the descriptor open until {@link FileHandle.release}. */
  addReference(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references > 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    try {
      if (fd !== -1) open.closeSync(this.#fs, fd);
    } finally {
      this.#released?.();
    }
  }

  /** Runs a sync call; after one that writes the log is flushed. */
  async #call<T>(name: string, writes: boolean, call: (fd: number) => T): Promise<T> {
    if (this.#fd === -1) {
      throw Object.assign(new Error('file closed'), { code: 'EBADF', syscall: name });
    }
    this.addReference();
    try {
      const result = call(this.#fd);
      if (writes) await this.#fs.flush(name);
      return result;
    } catch (error) {
      throw asFsError(error, name);
    } finally {
      this.release();
    }
  }
}

/** Data that comes in pieces: a stream, a generator, an array of buffers. */
export function isIterable(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  if (data === null || typeof data !== 'object' || isView(data)) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}
