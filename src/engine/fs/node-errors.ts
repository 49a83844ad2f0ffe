/**
 * Errors about arguments, and the composed errors of `rm` and `cp`: codes, classes and texts as node:fs has them
 * (lib/internal/errors.js of Node 20). They say that a call was made wrongly; a call that the file system refused is an
 * `fsError` of errno.ts.
 */

import { inspect } from 'node:util';

/** An error with a `code` of Node's, such as `ERR_INVALID_ARG_TYPE`. */
export interface NodeError extends Error {
  readonly code: string;
}

function nodeError(make: new (message: string) => Error, code: string, message: string): NodeError {
  const error = new make(message);
  // Shown in the stack only, as Node does it: `name` stays that of the class.
  error.stack = String(error.stack).replace(error.name, `${error.name} [${code}]`);
  return Object.assign(error, { code });
}

const TYPES = new Set(['string', 'function', 'number', 'object', 'Function', 'Object', 'boolean', 'bigint', 'symbol']);
const CLASS_NAME = /^([A-Z][a-z0-9]*)+$/;

export function invalidArgType(name: string, expected: readonly string[], actual: unknown): NodeError {
  const types: string[] = [];
  const instances: string[] = [];
  const other: string[] = [];
  for (const value of expected) {
    if (TYPES.has(value)) types.push(value.toLowerCase());
    else if (CLASS_NAME.test(value)) instances.push(value);
    else other.push(value);
  }
  const parts: string[] = [];
  if (types.length > 0) parts.push(`${types.length > 1 ? 'one of type' : 'of type'} ${either(types)}`);
  if (instances.length > 0) parts.push(`an instance of ${either(instances)}`);
  if (other.length > 1) parts.push(`one of ${either(other)}`);
  else if (other.length === 1) parts.push(other[0].toLowerCase() === other[0] ? other[0] : `an ${other[0]}`);
  const message = `The "${name}" ${kindOfName(name)} must be ${parts.join(' or ')}. Received ${describe(actual)}`;
  return nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', message);
}

export function invalidArgValue(name: string, value: unknown, reason = 'is invalid'): NodeError {
  let shown = inspect(value);
  if (shown.length > 128) shown = `${shown.slice(0, 128)}...`;
  return nodeError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `The ${kindOfName(name)} '${name}' ${reason}. Received ${shown}`,
  );
}

export function outOfRange(name: string, range: string, value: unknown): NodeError {
  let received: string;
  if (Number.isInteger(value) && Math.abs(value as number) > 2 ** 32) received = grouped(String(value));
  else if (typeof value === 'bigint') {
    received = `${value > 2n ** 32n || value < -(2n ** 32n) ? grouped(String(value)) : String(value)}n`;
  } else received = inspect(value);
  return nodeError(
    RangeError,
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${range}. Received ${received}`,
  );
}

/** What Node's native side says about the mode of access and copyFile. */
export const modeNotInteger = (): NodeError =>
  nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'mode must be int32 or null/undefined');
export const modeOutOfRange = (): NodeError =>
  nodeError(RangeError, 'ERR_OUT_OF_RANGE', 'mode is out of range: >= 0 && <= 7');

export const fdOutOfRange = (fd: number): NodeError =>
  nodeError(
    RangeError,
    'ERR_OUT_OF_RANGE',
    `The value of "fd" is out of range. It must be >= 0 && <= 2147483647. Received ${fd}`,
  );

export const invalidSymlinkType = (type: string): NodeError =>
  nodeError(
    Error,
    'ERR_FS_INVALID_SYMLINK_TYPE',
    `Symlink type must be one of "dir", "file", or "junction". Received "${type}"`,
  );
export const incompatibleOptions = (one: string, other: string): NodeError =>
  nodeError(
    TypeError,
    'ERR_INCOMPATIBLE_OPTION_PAIR',
    `Option "${one}" cannot be used in combination with option "${other}"`,
  );
export const invalidReturnValue = (expected: string, name: string, value: unknown): NodeError =>
  nodeError(
    TypeError,
    'ERR_INVALID_RETURN_VALUE',
    `Expected ${expected} to be returned from the "${name}" function but got ${describe(value)}.`,
  );
export const fileTooLarge = (size: number): NodeError =>
  nodeError(RangeError, 'ERR_FS_FILE_TOO_LARGE', `File size (${size}) is greater than 2 GiB`);
export const dirClosed = (): NodeError => nodeError(Error, 'ERR_DIR_CLOSED', 'Directory handle was closed');
export const invalidState = (what: string): NodeError =>
  nodeError(Error, 'ERR_INVALID_STATE', `Invalid state: ${what}`);
export const notImplemented = (what: string): NodeError =>
  nodeError(Error, 'ERR_METHOD_NOT_IMPLEMENTED', `The ${what} method is not implemented`);

/** openAsBlob of what cannot be opened: Node does not say why. */
export const unopenedBlob = (): NodeError =>
  nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', 'Unable to open file as blob');

/** The error of an aborted call; `cause` is the signal's reason. */
export function abortError(signal: AbortSignal): NodeError {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

const SYSTEM_TEXTS: ReadonlyMap<string, string> = new Map([
  ['ERR_FS_EISDIR', 'Path is a directory'],
  ['ERR_FS_CP_DIR_TO_NON_DIR', 'Cannot overwrite non-directory with directory'],
  ['ERR_FS_CP_EEXIST', 'Target already exists'],
  ['ERR_FS_CP_EINVAL', 'Invalid src or dest'],
  ['ERR_FS_CP_FIFO_PIPE', 'Cannot copy a FIFO pipe'],
  ['ERR_FS_CP_NON_DIR_TO_DIR', 'Cannot overwrite directory with non-directory'],
  ['ERR_FS_CP_SOCKET', 'Cannot copy a socket file'],
  ['ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', 'Cannot overwrite symlink in subdirectory of self'],
  ['ERR_FS_CP_UNKNOWN', 'Cannot copy an unknown file type'],
]);

/** What a {@link systemError} is about; `errno` is positive here, as in Node. */
export interface SystemErrorInfo {
  code: string;
  message: string;
  path: string;
  syscall: string;
  errno: number;
}

/** An error that `rm` or `cp` makes itself, without asking the file system. */
export function systemError(code: string, info: SystemErrorInfo): NodeError {
  const text = SYSTEM_TEXTS.get(code) ?? code;
  const error = new Error(`${text}: ${info.syscall} returned ${info.code} (${info.message}) ${info.path}`);
  error.stack = String(error.stack).replace('Error', `SystemError [${code}]`);
  Object.defineProperty(error, 'name', { value: 'SystemError', writable: true, configurable: true });
  return Object.assign(error, { code, info, errno: info.errno, syscall: info.syscall, path: info.path });
}

const kindOfName = (name: string): string => (name.includes('.') ? 'property' : 'argument');

/** `a`, `a or b`, `a, b, or c`. */
function either(words: readonly string[]): string {
  if (words.length < 3) return words.join(' or ');
  return `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'bigint':
      return `type bigint (${value}n)`;
    case 'number':
      return `type number (${Object.is(value, -0) ? '-0' : value})`;
    case 'boolean':
      return `type boolean (${value})`;
    case 'symbol':
      return `type symbol (${String(value)})`;
    case 'function':
      return `function ${value.name}`;
    case 'string': {
      const shown = value.length > 28 ? `${value.slice(0, 25)}...` : value;
      return `type string (${shown.includes("'") ? JSON.stringify(shown) : `'${shown}'`})`;
    }
    default: {
      const { constructor } = value as { constructor?: { name?: string } };
      return constructor && 'name' in constructor
        ? `an instance of ${constructor.name}`
        : inspect(value, { depth: -1 });
    }
  }
}

/** `1234567` as `1_234_567`. */
function grouped(digits: string): string {
  let rest = '';
  let index = digits.length;
  const start = digits.startsWith('-') ? 1 : 0;
  for (; index >= start + 4; index -= 3) rest = `_${digits.slice(index - 3, index)}${rest}`;
  return `${digits.slice(0, index)}${rest}`;
}
