/**
 * Arguments as node:fs takes them: checked in its order and refused with its codes (ERR_INVALID_ARG_TYPE,
 * ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE), and turned into what the engine takes.
 */

import { fileURLToPath, type URL } from 'node:url';
import { decodeName, encodeName } from '../../events/name.ts';
import {
  fdOutOfRange,
  invalidArgType,
  invalidArgValue,
  modeNotInteger,
  modeOutOfRange,
  outOfRange,
} from './node-errors.ts';

/** Largest read or write in one call, and largest file that readFile gives in one piece, as in Node. */
export const IO_BYTES_MAX = 2 ** 31 - 1;
const OWNER_MAX = 2 ** 32 - 1;

/**
 * A path as events/name.ts spells it.
 *
 * A string that holds lone surrogates stands for the bytes that Node or the engine would encode it to.
 */
export function parsePath(value: unknown, name = 'path'): string {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw hasNul(name, value);
    return value.isWellFormed() ? value : decodeName(encodeName(value));
  }
  return parseOtherPath(value, name);
}

function parseOtherPath(value: unknown, name: string): string {
  if (value instanceof Uint8Array) {
    if (value.includes(0)) throw hasNul(name, value);
    return decodeName(value);
  }
  if (isUrl(value)) return parsePath(fileURLToPath(value), name);
  throw invalidArgType(name, ['string', 'Buffer', 'URL'], value);
}

const hasNul = (name: string, value: unknown): Error =>
  invalidArgValue(name, value, 'must be a string, Uint8Array, or URL without null bytes');

function isUrl(value: unknown): value is URL {
  const url = value as { href?: unknown; protocol?: unknown; auth?: unknown; path?: unknown } | null | undefined;
  return Boolean(url?.href && url.protocol && url.auth === undefined && url.path === undefined);
}

/** A path for people and for errors: bytes that are not UTF-8 as U+FFFD, as Node shows them. */
export function shownPath(path: string): string {
  return path.isWellFormed() ? path : encodeName(path).toString('utf8');
}

/** A name or path in the encoding that a caller asked for; no encoding or UTF-8: as it is. */
export function encodeResult(name: string, encoding: unknown): string | Buffer {
  if (encoding === undefined || encoding === null || encoding === 'utf8' || encoding === 'utf-8') return name;
  const bytes = encodeName(name);
  if (encoding === 'buffer') return bytes;
  return isUtf8(encoding) ? name : bytes.toString(encoding as BufferEncoding);
}

const isUtf8 = (encoding: unknown): boolean => {
  const name = String(encoding).toLowerCase();
  return name === '' || name === 'utf8' || name === 'utf-8';
};

export function validateFd(fd: unknown): number {
  if (typeof fd === 'number' && fd >= 0 && (fd | 0) === fd) return fd;
  if (Object.is(fd, -0)) return 0;
  validateInt32(fd, 'fd', 0);
  return fd;
}

/** A descriptor as Node's native side takes it, which writes large numbers without separators. */
export function nativeFd(fd: unknown): number {
  if (typeof fd === 'number' && Number.isInteger(fd) && fd > 2 ** 31 - 1) throw fdOutOfRange(fd);
  return validateFd(fd);
}

/** Whether a path argument is a descriptor, where both are taken (readFile, writeFile, appendFile). */
export const isDescriptor = (value: unknown): value is number => typeof value === 'number' && value === (value | 0);

export function parseMode(value: unknown, name: string, fallback?: number): number {
  const mode = value ?? fallback;
  if (typeof mode === 'string') {
    if (!/^[0-7]+$/.test(mode)) {
      throw invalidArgValue(name, mode, 'must be a 32-bit unsigned integer or an octal string');
    }
    return Number.parseInt(mode, 8);
  }
  validateUint32(mode, name);
  return mode;
}

/** The mode of access and copyFile: three bits. */
export function parseBits(mode: unknown): number {
  if (mode === undefined || mode === null) return 0;
  if (typeof mode !== 'number') throw modeNotInteger();
  const bits = Math.trunc(mode);
  if (bits < 0 || bits > 7 || Number.isNaN(mode)) throw modeOutOfRange();
  return bits;
}

export function validateOwner(id: unknown, name: string): number {
  validateInteger(id, name, -1, OWNER_MAX);
  return id;
}

/** -1 for null and undefined, which both stand for the file's own position. */
export function parsePosition(position: unknown): number | null {
  if (position === undefined || position === null) return null;
  if (typeof position === 'number') {
    validateInteger(position, 'position', -1);
    return position < 0 ? null : position;
  }
  if (typeof position === 'bigint') {
    const max = 2n ** 63n - 1n;
    if (position < -max - 1n || position > max) {
      throw outOfRange('position', `>= ${-max - 1n} && <= ${max}`, position);
    }
    return position < 0n ? null : Number(position);
  }
  throw invalidArgType('position', ['integer', 'bigint'], position);
}

/** A time as Node takes it, in nanoseconds. Node's own conversion goes through seconds as a double; so does this one. */
export function parseTime(time: unknown, name = 'time'): bigint {
  let seconds: number;
  if (typeof time === 'number' && Number.isFinite(time)) seconds = time < 0 ? Date.now() / 1000 : time;
  else if (time instanceof Date) seconds = time.getTime() / 1000;
  else if (typeof time === 'string' && time.trim() !== '' && !Number.isNaN(Number(time))) seconds = Number(time);
  else throw invalidArgType(name, ['Date', 'Time in seconds'], time);
  return secondsToNs(seconds);
}

/** As libuv makes a timespec of a double: nanoseconds cut off, then cut to microseconds. */
function secondsToNs(seconds: number): bigint {
  if (!Number.isFinite(seconds)) return 0n;
  const whole = Math.trunc(seconds);
  const nanos = Math.trunc((seconds - whole) * 1e9);
  return BigInt(whole) * 1_000_000_000n + BigInt(nanos - (nanos % 1000));
}

export const isView = (value: unknown): value is NodeJS.ArrayBufferView => ArrayBuffer.isView(value);

/** The bytes of a view, without copying. */
export function bytesOf(view: NodeJS.ArrayBufferView): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

export function validateViews(buffers: unknown): NodeJS.ArrayBufferView[] {
  if (!Array.isArray(buffers) || !buffers.every(isView))
    throw invalidArgType('buffers', ['ArrayBufferView[]'], buffers);
  return buffers;
}

export function validateInteger(
  value: unknown,
  name: string,
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, ['number'], value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
}

export function validateInt32(value: unknown, name: string, min = -(2 ** 31)): asserts value is number {
  validateInteger(value, name, min, 2 ** 31 - 1);
}

export function validateUint32(value: unknown, name: string): asserts value is number {
  validateInteger(value, name, 0, 2 ** 32 - 1);
}

export function validateBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, ['boolean'], value);
}

export function validateFunction(value: unknown, name: string): asserts value is (...args: never[]) => unknown {
  if (typeof value !== 'function') throw invalidArgType(name, ['Function'], value);
}

export function validateObject(value: unknown, name: string): asserts value is Record<string, unknown> {
  if (value === null || Array.isArray(value) || typeof value !== 'object')
    throw invalidArgType(name, ['Object'], value);
}

export function validateAbortSignal(signal: unknown, name: string): void {
  if (signal !== undefined && (signal === null || typeof signal !== 'object' || !('aborted' in signal))) {
    throw invalidArgType(name, ['AbortSignal'], signal);
  }
}

/** Options that may be given as a string, the encoding. */
export interface CallOptions {
  readonly encoding?: unknown;
  readonly flag?: unknown;
  readonly mode?: unknown;
  readonly flush?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly withFileTypes?: unknown;
  readonly recursive?: unknown;
  readonly persistent?: unknown;
  readonly bufferSize?: unknown;
}

const NO_OPTIONS: CallOptions = {};

/** The options of a call; null, undefined and a function (a callback in its place) stand for none. */
export function parseOptions(options: unknown, defaults: CallOptions = NO_OPTIONS): CallOptions {
  if (options === undefined || options === null || typeof options === 'function') return defaults;
  let parsed: CallOptions;
  if (typeof options === 'string') parsed = { ...defaults, encoding: options };
  else if (typeof options === 'object') parsed = options;
  else throw invalidArgType('options', ['string', 'Object'], options);
  const { encoding, signal } = parsed;
  if (encoding && encoding !== 'buffer' && !Buffer.isEncoding(encoding as string)) {
    throw invalidArgValue('encoding', encoding, 'is invalid encoding');
  }
  if (signal !== undefined) validateAbortSignal(signal, 'options.signal');
  return parsed;
}
