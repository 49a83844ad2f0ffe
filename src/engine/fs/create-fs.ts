/**
 * The façade: an object with node:fs's calls over a caller's namespace, live or past.
 *
 * The sync form is the engine's own; the others run it at once and answer later. So two calls never interleave, and a
 * call that was started has happened, whether it is awaited or not.
 */

import type { Caller } from '../caller.ts';
import { type Call, type CallForms, DESCRIPTOR_CALLS, PATH_CALLS } from './call-table.ts';
import { openAsBlob } from './blob.ts';
import { callbackCalls } from './callbacks.ts';
import { constants } from './constants.ts';
import { readFileSync, writeFileSync } from './content-calls.ts';
import { asFsError, FsContext } from './context.ts';
import { readdirSync } from './directory-calls.ts';
import { Dir } from './dir.ts';
import { Dirent } from './dirent.ts';
import { createLinuxFs } from './linux.ts';
import { unlinkSync } from './name-calls.ts';
import type { OverlogFs } from './overlog-fs.ts';
import { createPromises } from './promises.ts';
import { realpathNativeSync } from './realpath.ts';
import { existsSync, lstatSync, statSync } from './stat-calls.ts';
import { BigIntStats, Stats } from './stats.ts';
import { createReadStream, createWriteStream, streamClasses } from './streams.ts';
import { watch } from './watch.ts';
import { StatWatchers } from './watch-file.ts';

export type { OverlogFs } from './overlog-fs.ts';

/** Makes the node:fs-shaped view of what a caller sees. Each façade has its own descriptors. */
export function createFs(caller: Caller): OverlogFs {
  const fs = new FsContext(caller);
  const api: Record<string, unknown> = {
    constants,
    F_OK: 0,
    R_OK: 4,
    W_OK: 2,
    X_OK: 1,
    Dir,
    Dirent,
    Stats,
    BigIntStats,
    ...streamClasses(fs),
  };
  for (const [name, call] of Object.entries<CallForms>({ ...PATH_CALLS, ...DESCRIPTOR_CALLS })) {
    api[`${name}Sync`] = call.writes ? writingSync(fs, call) : readingSync(fs, call.sync);
  }
  addHotCalls(api, fs);
  api.realpathSync = Object.assign(readingSync(fs, PATH_CALLS.realpath.sync), {
    native: readingSync(fs, realpathNativeSync as Call),
  });
  Object.assign(api, callbackCalls(fs));
  const statWatchers = new StatWatchers(fs);
  Object.assign(api, {
    createReadStream: (path: unknown, options?: unknown) => createReadStream(fs, path, options),
    createWriteStream: (path: unknown, options?: unknown) => createWriteStream(fs, path, options),
    watch: (path: unknown, options?: unknown, listener?: unknown) => watch(fs, path, options, listener),
    watchFile: (path: unknown, options: unknown, listener?: unknown) => statWatchers.watch(path, options, listener),
    unwatchFile: (path: unknown, listener?: unknown) => statWatchers.unwatch(path, listener),
    openAsBlob: (path: unknown, options?: unknown) => openAsBlob(fs, path, options),
    promises: createPromises(fs),
    linux: createLinuxFs(fs),
  });
  return api as unknown as OverlogFs;
}

/** Of these calls a thousand may stand between a user and an answer; a closure each keeps them direct. */
function addHotCalls(api: Record<string, unknown>, fs: FsContext): void {
  api.statSync = (path: unknown, options?: object) => statSync(fs, path, options);
  api.lstatSync = (path: unknown, options?: object) => lstatSync(fs, path, options);
  api.existsSync = (path: unknown) => existsSync(fs, path);
  api.readFileSync = (path: unknown, options?: unknown) => readFileSync(fs, path, options);
  api.readdirSync = (path: unknown, options?: unknown) => readdirSync(fs, path, options);
  api.writeFileSync = (path: unknown, data: unknown, options?: unknown) => {
    try {
      writeFileSync(fs, path, data, options);
    } catch (error) {
      throw asFsError(error, 'open', path);
    }
  };
  api.unlinkSync = (path: unknown) => {
    try {
      unlinkSync(fs, path);
    } catch (error) {
      throw asFsError(error, 'unlink', path);
    }
  };
}

const readingSync =
  (fs: FsContext, call: Call) =>
  (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): unknown =>
    call(fs, a, b, c, d, e);

/** A store that failed, or takes no writes, refuses as a file system does. */
function writingSync(fs: FsContext, { sync, syscall }: CallForms) {
  return (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): unknown => {
    try {
      return sync(fs, a, b, c, d, e);
    } catch (error) {
      throw asFsError(error, syscall, a);
    }
  };
}
