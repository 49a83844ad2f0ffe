/**
 * The façade: an object with node:fs's calls over a caller's namespace, live or past.
 *
 * The sync form is the engine's own; the others run it at once and answer later. So two calls never interleave, and a
 * call that was started has happened, whether it is awaited or not.
 */

import type * as nodeFs from 'node:fs';
import type { Caller } from '../caller.ts';
import { DESCRIPTOR_CALLS, PATH_CALLS, type Call, type CallForms } from './call-table.ts';
import { constants } from './constants.ts';
import { readFileSync } from './content-calls.ts';
import { asFsError, FsContext } from './context.ts';
import { readdirSync } from './directory-calls.ts';
import { Dir } from './dir.ts';
import { Dirent } from './dirent.ts';
import { createLinuxFs } from './linux.ts';
import type { OverlogFs } from './overlog-fs.ts';
import { realpathNativeSync } from './realpath.ts';
import { existsSync, lstatSync, statSync } from './stat-calls.ts';
import { BigIntStats, Stats } from './stats.ts';

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
  };
  for (const [name, call] of Object.entries<CallForms>({ ...PATH_CALLS, ...DESCRIPTOR_CALLS })) {
    api[`${name}Sync`] = call.writes ? writingSync(fs, call) : readingSync(fs, call.sync);
  }
  addHotCalls(api, fs);
  api.realpathSync = Object.assign(readingSync(fs, PATH_CALLS.realpath.sync), {
    native: readingSync(fs, realpathNativeSync as Call),
  });
  api.linux = createLinuxFs(fs);
  return api as unknown as OverlogFs;
}

type Anything = unknown;

/** Of these calls a thousand may stand between a user and an answer; a closure each keeps them direct. */
function addHotCalls(api: Record<string, unknown>, fs: FsContext): void {
  api.statSync = (path: Anything, options?: nodeFs.StatSyncOptions) => statSync(fs, path, options as object);
  api.lstatSync = (path: Anything, options?: nodeFs.StatSyncOptions) => lstatSync(fs, path, options as object);
  api.existsSync = (path: Anything) => existsSync(fs, path);
  api.readFileSync = (path: Anything, options?: Anything) => readFileSync(fs, path, options);
  api.readdirSync = (path: Anything, options?: Anything) => readdirSync(fs, path, options);
}

const readingSync =
  (fs: FsContext, call: Call) =>
  (a?: Anything, b?: Anything, c?: Anything, d?: Anything, e?: Anything): unknown =>
    call(fs, a, b, c, d, e);

/** A store that failed, or takes no writes, refuses as a file system does. */
function writingSync(fs: FsContext, { sync, syscall }: CallForms) {
  return (a?: Anything, b?: Anything, c?: Anything, d?: Anything, e?: Anything): unknown => {
    try {
      return sync(fs, a, b, c, d, e);
    } catch (error) {
      throw asFsError(error, syscall, a);
    }
  };
}
