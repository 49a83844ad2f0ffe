import { kindOf, isFileMode, makeDevice } from '../../events/mode.ts';
import { compareNames } from '../../events/name.ts';
import { chmod, chown, fchmod, fchown, futimens, utimens } from '../../engine/calls/attributes.ts';
import { copyFileRange, read, seek, SEEK_SET, write } from '../../engine/calls/data.ts';
import { readdir } from '../../engine/calls/directory.ts';
import { link, linkFile, mkdir, mknod, rename, rmdir, symlink, unlink } from '../../engine/calls/names.ts';
import { close, open } from '../../engine/calls/open.ts';
import { fallocate, ftruncate, truncate } from '../../engine/calls/space.ts';
import { access, fstat, NodeStat, readlink, stat } from '../../engine/calls/stat.ts';
import { fsetxattr, getxattr, removexattr, setxattr } from '../../engine/calls/xattrs.ts';
import type { Caller } from '../../engine/caller.ts';
import { ENOTEMPTY, errnoCode } from '../../engine/errno.ts';
import { type DirectoryEntry, O_DIRECTORY, O_PATH, type OpenFile } from '../../engine/open-files.ts';
import type { AttributeBlocks } from './attribute-blocks.ts';
import type { KernelCall, Reply } from './kernel-call.ts';
import type { ImpureMarks } from './impure-marks.ts';
import { leaveRefusedRename } from './refused-rename.ts';

/** A slot without an open file. */
class NoSuchSlot extends Error {}

/** Runs the calls of the oracle on a container of the engine. */
export class EngineContainer {
  readonly caller: Caller;
  readonly #files = new Map<number, OpenFile>();
  readonly #stat = new NodeStat();
  readonly #blocks: AttributeBlocks;
  readonly #impure: ImpureMarks;

  constructor(caller: Caller, blocks: AttributeBlocks, impure: ImpureMarks) {
    this.caller = caller;
    this.#blocks = blocks;
    this.#impure = impure;
  }

  run(call: KernelCall): Reply {
    try {
      const value = this.#run(call);
      if (typeof value === 'number' && value < 0) return { error: errnoCode(value) };
      return { value: value ?? null };
    } catch (error) {
      if (error instanceof NoSuchSlot) return { error: 'EBADF' };
      throw error;
    }
  }

  closeAll(): void {
    for (const file of this.#files.values()) close(file);
    this.#files.clear();
  }

  #run(call: KernelCall): unknown {
    const { caller } = this;
    const at = caller.cwd;
    switch (call.op) {
      case 'remount':
        return this.closeAll();
      case 'open':
        return this.#open(call);
      case 'close': {
        close(this.#file(call.slot));
        this.#files.delete(call.slot);
        return null;
      }
      case 'read': {
        const buffer = Buffer.alloc(call.length);
        const got = read(this.#file(call.slot), buffer, 0, call.length, call.position);
        return got < 0 ? got : buffer.subarray(0, got).toString('latin1');
      }
      case 'write': {
        const data = Buffer.from(call.data, 'latin1');
        return write(this.#file(call.slot), data, 0, data.length, call.position);
      }
      case 'seek': {
        const file = this.#file(call.slot);
        return file.mount.overlay.tree.get(file.ino)?.dir ? null : seek(file, call.offset, call.whence);
      }
      case 'listdir': {
        const file = this.#file(call.slot);
        if (call.rewind && file.mount.overlay.tree.get(file.ino)?.dir) seek(file, 0, SEEK_SET);
        return namesOf(readdir(file));
      }
      case 'ftruncate':
        return nothing(ftruncate(this.#file(call.slot), call.size));
      case 'fallocate':
        return nothing(fallocate(this.#file(call.slot), call.mode, call.offset, call.length));
      case 'fstat': {
        const file = this.#file(call.slot);
        const error = fstat(file, this.#stat);
        return error < 0 ? error : this.#statOf((file.flags & O_PATH) === 0);
      }
      case 'fchmod':
        return nothing(fchmod(this.#file(call.slot), call.mode));
      case 'fchown':
        return nothing(fchown(this.#file(call.slot), call.uid, call.gid));
      case 'futimes':
        return nothing(futimens(this.#file(call.slot), BigInt(call.atime), BigInt(call.mtime)));
      case 'fsetxattr':
        return nothing(fsetxattr(this.#file(call.slot), call.name, Buffer.from(call.value, 'latin1'), call.flags));
      case 'copy': {
        const { fromPosition, toPosition, length } = call;
        return copyFileRange(this.#file(call.from), fromPosition, this.#file(call.to), toPosition, length);
      }
      case 'linkfile':
        return nothing(linkFile(caller, this.#file(call.slot), at, call.path));
      case 'truncate':
        return nothing(truncate(caller, at, call.path, call.size));
      case 'mkdir':
        return nothing(mkdir(caller, at, call.path, call.mode));
      case 'rmdir':
        return nothing(rmdir(caller, at, call.path));
      case 'unlink':
        return nothing(unlink(caller, at, call.path));
      case 'symlink':
        return nothing(symlink(caller, call.target, at, call.path));
      case 'readlink':
        return readlink(caller, at, call.path);
      case 'link':
        return nothing(link(caller, at, call.from, at, call.to, false));
      case 'rename': {
        const result = rename(caller, at, call.from, at, call.to, call.flags);
        if (result === ENOTEMPTY) leaveRefusedRename(caller, call.from, call.to, this.#impure);
        return nothing(result);
      }
      case 'mknod':
        return nothing(mknod(caller, at, call.path, call.mode, makeDevice(call.major, call.minor)));
      case 'chmod':
        return nothing(chmod(caller, at, call.path, call.mode, true));
      case 'chown':
        return nothing(chown(caller, at, call.path, call.uid, call.gid, call.follow));
      case 'utimes':
        return nothing(utimens(caller, at, call.path, BigInt(call.atime), BigInt(call.mtime), call.follow));
      case 'setxattr':
        return nothing(
          setxattr(caller, at, call.path, call.name, Buffer.from(call.value, 'latin1'), call.flags, false),
        );
      case 'removexattr':
        return nothing(removexattr(caller, at, call.path, call.name, false));
      case 'getxattr': {
        const value = getxattr(caller, at, call.path, call.name, false);
        return typeof value === 'number' ? value : Buffer.from(value).toString('latin1');
      }
      case 'stat': {
        const error = stat(caller, at, call.path, call.follow, this.#stat);
        return error < 0 ? error : this.#statOf();
      }
      case 'readdir': {
        const directory = open(caller, at, call.path, O_DIRECTORY, 0);
        if (typeof directory === 'number') return directory;
        const entries = readdir(directory);
        close(directory);
        return namesOf(entries);
      }
      case 'access':
        return access(caller, at, call.path, call.mode) === 0;
    }
  }

  #open(call: Extract<KernelCall, { op: 'open' }>): number | null {
    const file = open(this.caller, this.caller.cwd, call.path, call.flags, call.mode);
    if (typeof file === 'number') return file;
    const before = this.#files.get(call.slot);
    if (before !== undefined) close(before);
    this.#files.set(call.slot, file);
    return null;
  }

  #file(slot: number): OpenFile {
    const file = this.#files.get(slot);
    if (file === undefined) throw new NoSuchSlot();
    return file;
  }

  #statOf(canListXattrs = true): object {
    const stat = this.#stat;
    const inode = this.caller.namespace.root.overlay.tree.get(stat.ino);
    const hasXattrs = (inode?.xattrs.length ?? 0) > 0;
    const isUnknown = inode?.marks || this.#blocks.has(stat.ino);
    return {
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      nlink: stat.nlink,
      size: kindOf(stat.mode) === 'dir' ? 0 : stat.size,
      blocks: !isFileMode(stat.mode) || !canListXattrs || hasXattrs ? 0 : isUnknown ? null : stat.blocks,
    };
  }
}

const nothing = (result: number): number | null => (result < 0 ? result : null);

const namesOf = (entries: readonly DirectoryEntry[] | number): string[] | number =>
  typeof entries === 'number' ? entries : entries.map((entry) => entry.name).sort(compareNames);
