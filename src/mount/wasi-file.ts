/**
 * A descriptor that can be told not to wait (fcntl(2), O_NONBLOCK), and whose reads give an error number in place of a throw.
 *
 * node:fs can do neither with a descriptor that is open; `node:wasi` can (`fd_fdstat_set_flags` and `fd_read` of WASI preview
 * 1). Its calls are meant for a WebAssembly module and read to the memory of one; this module has a memory and nothing else.
 * That part of Node is experimental: loading it prints a warning, unless Node was started with
 * `--disable-warning=ExperimentalWarning`.
 */

import { REQUEST_BYTES_MAX } from './protocol.ts';
import { NOTHING, UNMOUNTED } from './request-reader.ts';

const [EAGAIN, ECONNABORTED, EINTR, ENODEV, ENOENT] = [6, 13, 27, 43, 44];
const FDFLAGS_NONBLOCK = 4;
/** The module's name for the descriptor. */
const STDIN = 0;
/** One iovec, behind what is read: address u32, length u32. */
const IOVEC_AT = REQUEST_BYTES_MAX;
/** u32, how much was read. */
const LENGTH_AT = IOVEC_AT + 8;
const PAGE_BYTES = 65_536;
const PAGES = Math.ceil((LENGTH_AT + 4) / PAGE_BYTES);

/** A memory of so many pages, exported by the name `memory` (WebAssembly binary format, sections 5 and 7). */
const MODULE = Buffer.concat([
  Buffer.from('0061736d01000000', 'hex'),
  Buffer.of(5, 3, 1, 0, PAGES),
  Buffer.of(7, 10, 1, 6),
  Buffer.from('memory'),
  Buffer.of(2, 0),
]);

/** TypeScript has it among the types of browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } };
  };
};

/** A descriptor that can be read without waiting. */
export interface WaitlessFile {
  /** Where it reads to. */
  readonly bytes: Buffer;
  /** Gives what {@link RequestReader.read} gives; without waiting {@link NOTHING} at once where there is none. */
  read(): number;
  setWaiting(waits: boolean): void;
}

type Call = (...numbers: readonly number[]) => number;

class WasiFile implements WaitlessFile {
  readonly bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #read: Call;
  readonly #setFlags: Call;

  constructor(memory: ArrayBuffer, calls: { readonly [name: string]: Call }) {
    this.bytes = Buffer.from(memory, 0, REQUEST_BYTES_MAX);
    this.#words = new Uint32Array(memory);
    this.#words[(IOVEC_AT >> 2) + 1] = REQUEST_BYTES_MAX;
    this.#read = calls.fd_read;
    this.#setFlags = calls.fd_fdstat_set_flags;
  }

  read(): number {
    const error = this.#read(STDIN, IOVEC_AT, 1, LENGTH_AT);
    if (error === 0) return this.#words[LENGTH_AT >> 2];
    if (error === EAGAIN || error === EINTR || error === ENOENT) return NOTHING;
    if (error === ENODEV || error === ECONNABORTED) return UNMOUNTED;
    throw new Error(`requests can't be read: error ${error} of WASI`);
  }

  setWaiting(waits: boolean): void {
    const error = this.#setFlags(STDIN, waits ? 0 : FDFLAGS_NONBLOCK);
    if (error !== 0) throw new Error(`fcntl failed: error ${error} of WASI`);
  }
}

/** @returns A file that waits; null: this Node can't do that. */
export function openWasiFile(descriptor: number): WaitlessFile | null {
  try {
    const { WASI } = process.getBuiltinModule('node:wasi');
    const wasi = new WASI({ version: 'preview1', stdin: descriptor, stdout: descriptor, stderr: descriptor });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE));
    wasi.initialize(instance);
    const file = new WasiFile(instance.exports.memory.buffer, wasi.wasiImport as Record<string, Call>);
    // A dead server may have left it otherwise.
    file.setWaiting(true);
    return file;
  } catch {
    return null;
  }
}
