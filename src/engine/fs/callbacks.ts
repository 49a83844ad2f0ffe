/**
 * Callback forms, derived from the sync calls: arguments that are wrong throw at once, a refusal goes to the callback, and
 * every callback runs on a later tick; after a call that writes, behind the log's flush.
 */

import { promisify } from 'node:util';
import { isView, validateFunction, validateObject } from './arguments.ts';
import { type CallForms, DESCRIPTOR_CALLS, PATH_CALLS, signalOf } from './call-table.ts';
import { asFsError, type FsContext } from './context.ts';
import { abortError } from './node-errors.ts';
import { readSync } from './open-calls.ts';
import { realpathNativeSync } from './realpath.ts';
import { existsSync } from './stat-calls.ts';

type Callback = (error: unknown, ...results: unknown[]) => void;
type CallbackCall = (...args: unknown[]) => void;

const ARGUMENT_ERRORS = new Set([
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_OUT_OF_RANGE',
  'ERR_INVALID_URL_SCHEME',
  'ERR_INVALID_FILE_URL_HOST',
  'ERR_INVALID_FILE_URL_PATH',
  'ERR_FS_INVALID_SYMLINK_TYPE',
  'ERR_INCOMPATIBLE_OPTION_PAIR',
]);

const isArgumentError = (error: unknown): boolean =>
  error instanceof Error && ARGUMENT_ERRORS.has((error as Error & { code?: string }).code ?? '');

/** All callback calls of the façade. */
export function callbackCalls(fs: FsContext): Record<string, CallbackCall> {
  const calls: Record<string, CallbackCall> = {};
  for (const [name, call] of Object.entries<CallForms>(PATH_CALLS)) calls[name] = callbackOf(fs, call);
  for (const [name, call] of Object.entries<CallForms>(DESCRIPTOR_CALLS)) calls[name] = callbackOf(fs, call);
  const { write, writev, readv } = DESCRIPTOR_CALLS;
  calls.read = named(readCall(fs), 'bytesRead', 'buffer');
  calls.readv = named(callbackOf(fs, readv, 1), 'bytesRead', 'buffers');
  calls.write = named(callbackOf(fs, write, 1), 'bytesWritten', 'buffer');
  calls.writev = named(callbackOf(fs, writev, 1), 'bytesWritten', 'buffers');
  calls.exists = existsCall(fs);
  calls.realpath = Object.assign(calls.realpath, {
    native: callbackOf(fs, { ...PATH_CALLS.realpath, sync: realpathNativeSync }),
  });
  return calls;
}

/** @param echo - Index of an argument that the callback gets behind the result: the buffer of a read or write. */
export function callbackOf(fs: FsContext, call: CallForms, echo = -1): CallbackCall {
  const run = call.later ?? call.sync;
  return (...args) => {
    const answered = takeCallback(args);
    const signal = signalOf(call, args);
    const callback = signal === null ? answered : unlessAborted(signal, answered);
    if (signal?.aborted) {
      process.nextTick(callback, null);
      return;
    }
    let result: unknown;
    try {
      result = run(fs, ...args);
    } catch (error) {
      if (isArgumentError(error)) throw error;
      process.nextTick(callback, asFsError(error, call.syscall, args[0]));
      return;
    }
    const results = echo >= 0 ? [result, args[echo]] : result === undefined ? [] : [result];
    answer(fs, call, callback, result, results, args[0]);
  };
}

/** When the callback's turn comes, a signal that was aborted by then is the answer. */
const unlessAborted =
  (signal: AbortSignal, callback: Callback): Callback =>
  (error, ...results) =>
    signal.aborted && !error ? callback(abortError(signal)) : callback(error, ...results);

function answer(
  fs: FsContext,
  call: CallForms,
  callback: Callback,
  result: unknown,
  results: unknown[],
  path: unknown,
): void {
  if (!call.writes) {
    process.nextTick(callback, null, ...results);
    return;
  }
  // Out of the promise's chain, so that what a callback throws is an uncaught exception, as everywhere in Node.
  Promise.resolve(result)
    .then(() => fs.flush(call.syscall, path))
    .then(
      () => process.nextTick(callback, null, ...(result instanceof Promise ? [] : results)),
      (error: unknown) => process.nextTick(callback, asFsError(error, call.syscall, path)),
    );
}

/** Takes the callback, the last argument that is a function, and what stands behind it off the arguments. */
function takeCallback(args: unknown[]): Callback {
  const index = args.findLastIndex((argument) => typeof argument === 'function');
  const callback = args[index];
  validateFunction(callback, 'cb');
  args.length = index;
  return callback as Callback;
}

/** Every form of `fs.read`: the buffer and the options may be missing. */
function readCall(fs: FsContext): CallbackCall {
  return (...args) => {
    const callback = takeCallback(args);
    const [fd] = args;
    let [, buffer, offset, length, position] = args;
    if (args.length <= 2 && !isView(buffer)) {
      const options = (buffer ?? {}) as Record<string, unknown>;
      validateObject(options, 'options');
      ({ buffer = Buffer.alloc(16_384), offset, length, position } = options);
      offset = { offset: offset ?? 0, position, ...(length === undefined ? {} : { length }) };
    }
    let bytesRead: number;
    try {
      bytesRead = readSync(fs, fd, buffer, offset, length, position);
    } catch (error) {
      if (isArgumentError(error)) throw error;
      process.nextTick(callback, error, 0, buffer);
      return;
    }
    process.nextTick(callback, null, bytesRead, buffer);
  };
}

function existsCall(fs: FsContext): CallbackCall {
  const exists: CallbackCall = (path, callback) => {
    validateFunction(callback, 'cb');
    process.nextTick(callback, existsSync(fs, path));
  };
  return Object.assign(exists, { [promisify.custom]: async (path: unknown) => existsSync(fs, path) });
}

/** `util.promisify` of a call with two results resolves to an object of them. */
function named(call: CallbackCall, first: string, second: string): CallbackCall {
  const promised = (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      call(...args, (error: Error | null, one: unknown, two: unknown) => {
        if (error) reject(error);
        else resolve({ [first]: one, [second]: two });
      });
    });
  return Object.assign(call, { [promisify.custom]: promised });
}
