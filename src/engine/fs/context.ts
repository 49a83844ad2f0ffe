/**
 * What every call of one façade shares: who calls, the descriptors, and how a refusal becomes an Error.
 */

import type { Cause } from '../../events/event.ts';
import { isStoreError } from '../../events/log-error.ts';
import { FsStat, NodeStat } from '../calls/stat.ts';
import type { Caller } from '../caller.ts';
import { EBADF, EIO, EROFS, type FsError, fsError } from '../errno.ts';
import type { Location } from '../namespace.ts';
import type { OpenFile } from '../open-files.ts';
import { nativeFd, shownPath } from './arguments.ts';
import { Descriptors } from './descriptors.ts';

export class FsContext {
  readonly caller: Caller;
  readonly descriptors = new Descriptors();
  /** Filled by calls and read at once: a call never keeps them. */
  readonly stat = new NodeStat();
  readonly fsStat = new FsStat();

  constructor(caller: Caller) {
    this.caller = caller;
  }

  /** Where relative paths start. */
  get cwd(): Location {
    return this.caller.cwd;
  }

  /** The file behind a descriptor argument. */
  file(fd: unknown, syscall: string): OpenFile {
    const file = this.descriptors.get(nativeFd(fd));
    if (file === null) throw fsError(EBADF, syscall);
    return file;
  }

  /** Runs a call that consists of several as one transaction. A past moment has none: its calls are refused singly. */
  transact<T>(cause: Cause, call: () => T): T {
    const { engine } = this.caller.namespace;
    return engine === null ? call() : engine.transact(cause, call);
  }

  /** Resolves when everything that this process has written is with the operating system. */
  async flush(syscall: string, path?: unknown): Promise<void> {
    try {
      await this.caller.namespace.engine?.log.flush();
    } catch (error) {
      throw asFsError(error, syscall, path);
    }
  }

  /** The working directory's absolute path. */
  cwdPath(): string {
    let { mount, ino } = this.caller.cwd;
    let path = '';
    for (;;) {
      if (ino === mount.top) {
        if (mount.covers === null) return path === '' ? '/' : path;
        ({ mount, ino } = mount.covers);
        continue;
      }
      const inode = mount.overlay.tree.get(ino);
      if (inode === undefined || inode.parent === 0) return path === '' ? '/' : path;
      path = `/${inode.name}${path}`;
      ino = inode.parent;
    }
  }
}

/** Throws where a call was refused. */
export function check(result: number, syscall: string, path?: string, dest?: string): void {
  if (result < 0) throw refusal(result, syscall, path, dest);
}

/** The Error of a refused call, its paths as people read them. */
export function refusal(errno: number, syscall: string, path?: string, dest?: string): FsError {
  return fsError(
    errno,
    syscall,
    path === undefined ? undefined : shownPath(path),
    dest === undefined ? undefined : shownPath(dest),
  );
}

/**
 * What a file system call makes of an error that it met: a store that failed is EIO, one that takes no writes is EROFS,
 * each with the store's error as its cause. Any other error stays as it is.
 */
export function asFsError(error: unknown, syscall: string, path?: unknown): unknown {
  let errno: number;
  if (isStoreError(error, 'ERR_LOG_READ_ONLY')) errno = EROFS;
  else if (isStoreError(error) && error.code.startsWith('ERR_LOG_')) errno = EIO;
  else return error;
  const refused = fsError(errno, syscall, typeof path === 'string' ? shownPath(path) : undefined);
  return Object.assign(refused, { cause: error });
}
