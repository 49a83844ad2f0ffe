/** fs.promises: each call runs its sync core at once and resolves when what it wrote is with the operating system. */

import { parseMode, parseOptions, parsePath, validateBoolean } from './arguments.ts';
import { type CallForms, PATH_CALLS, signalOf } from './call-table.ts';
import { constants } from './constants.ts';
import { asFsError, type FsContext } from './context.ts';
import { readdirForPromise } from './directory-calls.ts';
import { FileHandle, isIterable } from './file-handle.ts';
import { parseFlags } from './flags.ts';
import { abortError, invalidArgType, notImplemented } from './node-errors.ts';
import { openPath } from './open-calls.ts';
import { realpathNativeSync } from './realpath.ts';
import { watchChanges } from './watch.ts';

type PromiseCall = (...args: unknown[]) => unknown;

export function createPromises(fs: FsContext): Record<string, unknown> {
  const calls: Record<string, unknown> = { constants };
  for (const [name, call] of Object.entries<CallForms>(PATH_CALLS)) calls[name] = promiseOf(fs, call);
  calls.readdir = promiseOf(fs, { ...PATH_CALLS.readdir, later: readdirForPromise });
  calls.realpath = promiseOf(fs, { ...PATH_CALLS.realpath, later: realpathNativeSync });
  calls.open = async (path: unknown, flags?: unknown, mode?: unknown) => openHandle(fs, path, flags, mode);
  calls.readFile = onHandle(calls.readFile as PromiseCall, 'readFile');
  calls.writeFile = inPieces(fs, onHandle(calls.writeFile as PromiseCall, 'writeFile'), 'w');
  calls.appendFile = inPieces(fs, onHandle(calls.appendFile as PromiseCall, 'appendFile'), 'a');
  calls.watch = (path: unknown, options?: unknown) => watchChanges(fs, path, options);
  calls.lchmod = async () => {
    throw notImplemented('lchmod()');
  };
  return calls;
}

function promiseOf(fs: FsContext, call: CallForms): PromiseCall {
  const run = call.later ?? call.sync;
  return async (...args) => {
    const signal = signalOf(call, args);
    if (signal?.aborted) throw abortError(signal);
    try {
      const result = await run(fs, ...args);
      if (call.writes) await fs.flush(call.syscall, args[0]);
      if (signal?.aborted) throw abortError(signal);
      return result;
    } catch (error) {
      throw asFsError(error, call.syscall, args[0]);
    }
  };
}

async function openHandle(fs: FsContext, path: unknown, flags: unknown, mode: unknown): Promise<FileHandle> {
  const name = parsePath(path);
  const number = parseFlags(flags);
  try {
    const fd = openPath(fs, name, number, parseMode(mode, 'mode', 0o666));
    if (number !== 0) await fs.flush('open', path);
    return new FileHandle(fs, fd);
  } catch (error) {
    throw asFsError(error, 'open', path);
  }
}

/** readFile, writeFile and appendFile take a FileHandle in place of a path. */
function onHandle(call: PromiseCall, method: 'readFile' | 'writeFile' | 'appendFile'): PromiseCall {
  return async (target, ...args) => {
    if (target instanceof FileHandle) return (target[method] as PromiseCall)(...args);
    // A descriptor is no path here, unlike in the other forms.
    if (typeof target === 'number') throw invalidArgType('path', ['string', 'Buffer', 'URL'], target);
    return call(target, ...args);
  };
}

/** Data that comes in pieces is written as it comes: one transaction a piece. */
function inPieces(fs: FsContext, call: PromiseCall, defaultFlag: string): PromiseCall {
  return async (target, data, options) => {
    if (!isIterable(data) || target instanceof FileHandle) return call(target, data, options);
    const { encoding, mode, flag, flush, signal } = parseOptions(options, { encoding: 'utf8', mode: 0o666 });
    if (flush !== undefined && flush !== null) validateBoolean(flush, 'options.flush');
    if (signal?.aborted) throw abortError(signal);
    const handle = await openHandle(fs, target, flag || defaultFlag, mode);
    try {
      await handle.writeFile(data, { encoding, signal });
      if (flush === true) await handle.sync();
    } finally {
      await handle.close();
    }
    return undefined;
  };
}
