/**
 * One call on a file system as data, so that it can be generated, shrunk, printed, and played on several sides: a
 * container, a volume, and the model.
 *
 * A side answers with an {@link Outcome}: what the call gave, in a form that two sides can be compared in, or the code of
 * its refusal. Open files are named by slots, numbers that the caller chooses: opening into a slot that is taken closes what
 * was there.
 */

import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import type { SubjectId } from '../events/event.ts';
import { kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { compareNames } from '../events/name.ts';

export type FileCall =
  /** `flags` are those of open(2); `mode` before the umask. */
  | {
      readonly call: 'open';
      readonly slot: number;
      readonly path: string;
      readonly flags: number;
      readonly mode: number;
    }
  /** O_TMPFILE: a file without a name in a directory. */
  | { readonly call: 'openTemporary'; readonly slot: number; readonly path: string }
  /** `getdents`: the names that an open directory shows; a seek to 0 reads it anew. */
  | { readonly call: 'close' | 'fstat' | 'getdents'; readonly slot: number }
  | { readonly call: 'read'; readonly slot: number; readonly length: number; readonly position: number | null }
  | { readonly call: 'write'; readonly slot: number; readonly data: string; readonly position: number | null }
  /** `whence`: SEEK_SET 0, CUR 1, END 2. */
  | { readonly call: 'seek'; readonly slot: number; readonly offset: number; readonly whence: number }
  | { readonly call: 'ftruncate'; readonly slot: number; readonly size: number }
  /** `mode`: KEEP_SIZE 1, PUNCH_HOLE 2, ZERO_RANGE 16. */
  | {
      readonly call: 'fallocate';
      readonly slot: number;
      readonly mode: number;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly call: 'fchmod'; readonly slot: number; readonly mode: number }
  | {
      readonly call: 'copy';
      readonly from: number;
      readonly to: number;
      readonly fromPosition: number;
      readonly toPosition: number;
      readonly length: number;
    }
  | { readonly call: 'linkDescriptor'; readonly slot: number; readonly path: string }
  | { readonly call: 'truncate'; readonly path: string; readonly size: number }
  | { readonly call: 'writeFile' | 'appendFile'; readonly path: string; readonly data: string }
  | { readonly call: 'mkdir' | 'chmod'; readonly path: string; readonly mode: number }
  | { readonly call: 'rmdir' | 'unlink' | 'readlink' | 'readdir' | 'readFile'; readonly path: string }
  /** rm -r, one transaction. */
  | { readonly call: 'removeAll'; readonly path: string }
  | { readonly call: 'symlink'; readonly target: string; readonly path: string }
  | { readonly call: 'link'; readonly from: string; readonly to: string }
  /** `flags`: RENAME_NOREPLACE 1, RENAME_EXCHANGE 2. */
  | { readonly call: 'rename'; readonly from: string; readonly to: string; readonly flags: number }
  /** `mode` with format bits. */
  | { readonly call: 'mknod'; readonly path: string; readonly mode: number; readonly rdev: number }
  | {
      readonly call: 'chown';
      readonly path: string;
      readonly uid: number;
      readonly gid: number;
      readonly follow: boolean;
    }
  /** Seconds since 1970. */
  | {
      readonly call: 'utimes';
      readonly path: string;
      readonly atime: number;
      readonly mtime: number;
      readonly follow: boolean;
    }
  /** Links are not followed. `flags`: XATTR_CREATE 1, XATTR_REPLACE 2. */
  | {
      readonly call: 'setxattr';
      readonly path: string;
      readonly name: string;
      readonly value: string;
      readonly flags: number;
    }
  | { readonly call: 'removexattr' | 'getxattr'; readonly path: string; readonly name: string }
  | { readonly call: 'stat'; readonly path: string; readonly follow: boolean }
  | { readonly call: 'access'; readonly path: string; readonly mode: number };

/** What a call gave, or the code of its refusal (`ENOENT`). */
export type Outcome = { readonly value: unknown } | { readonly error: string };

/** What stat and fstat answer with. Sizes of directories are no matter of a file system's meaning and left out. */
export interface StatOutcome {
  readonly kind: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number | null;
}

/** Calls that only look. They never change anything, not even a log. */
export function isLooking(call: FileCall): boolean {
  switch (call.call) {
    case 'fstat':
    case 'getdents':
    case 'read':
    case 'seek':
    case 'readlink':
    case 'readdir':
    case 'readFile':
    case 'getxattr':
    case 'stat':
    case 'access':
      return true;
    default:
      return false;
  }
}

/** An open file: its descriptor, the façade that it was opened by, and the trees that this façade reaches. */
export interface OpenSlot {
  readonly fs: OverlogFs;
  readonly fd: number;
  readonly subjects: readonly SubjectId[];
}

/** Open files by slot. */
export class FileSlots {
  readonly #files = new Map<number, OpenSlot>();

  get(slot: number): OpenSlot | undefined {
    return this.#files.get(slot);
  }

  put(slot: number, file: OpenSlot): void {
    this.close(slot);
    this.#files.set(slot, file);
  }

  /** In the order of the slots. */
  closeAll(): void {
    for (const slot of [...this.#files.keys()].sort((a, b) => a - b)) this.close(slot);
  }

  close(slot: number): boolean {
    const file = this.#files.get(slot);
    if (file === undefined) return false;
    this.#files.delete(slot);
    file.fs.closeSync(file.fd);
    return true;
  }
}

/**
 * Plays a call on a façade. Anything thrown that is not the refusal of a call goes on up.
 *
 * @param subjects - Noted with files that it opens.
 */
export function runFileCall(
  fs: OverlogFs,
  slots: FileSlots,
  call: FileCall,
  subjects: readonly SubjectId[] = [],
): Outcome {
  try {
    return { value: valueOf(fs, slots, call, subjects) ?? null };
  } catch (error) {
    const { code, errno } = error as { code?: unknown; errno?: unknown };
    if (typeof code !== 'string' || (typeof errno !== 'number' && !code.startsWith('ERR_FS_'))) throw error;
    return { error: code };
  }
}

const NO_SLOT = Object.assign(new Error('EBADF: nothing is open in this slot'), { code: 'EBADF', errno: -9 });

function valueOf(fs: OverlogFs, slots: FileSlots, call: FileCall, subjects: readonly SubjectId[]): unknown {
  const opened = (slot: number): OpenSlot => {
    const file = slots.get(slot);
    if (file === undefined) throw NO_SLOT;
    return file;
  };
  switch (call.call) {
    case 'open':
      return slots.put(call.slot, { fs, fd: fs.openSync(call.path, call.flags, call.mode), subjects });
    case 'openTemporary':
      return slots.put(call.slot, { fs, fd: fs.linux.openTemporarySync(call.path), subjects });
    case 'close':
      if (!slots.close(call.slot)) throw NO_SLOT;
      return null;
    case 'fstat': {
      const file = opened(call.slot);
      return statOutcome(file.fs.fstatSync(file.fd));
    }
    case 'read': {
      const file = opened(call.slot);
      const buffer = Buffer.alloc(call.length);
      const got = file.fs.readSync(file.fd, buffer, 0, call.length, call.position);
      return buffer.toString('latin1', 0, got);
    }
    case 'write': {
      const file = opened(call.slot);
      return file.fs.writeSync(file.fd, Buffer.from(call.data, 'latin1'), 0, call.data.length, call.position);
    }
    case 'seek': {
      const file = opened(call.slot);
      return file.fs.linux.lseekSync(file.fd, call.offset, call.whence);
    }
    case 'getdents': {
      const file = opened(call.slot);
      return file.fs.linux.getdentsSync(file.fd);
    }
    case 'ftruncate': {
      const file = opened(call.slot);
      return file.fs.ftruncateSync(file.fd, call.size);
    }
    case 'fallocate': {
      const file = opened(call.slot);
      return file.fs.linux.fallocateSync(file.fd, call.mode, call.offset, call.length);
    }
    case 'fchmod': {
      const file = opened(call.slot);
      return file.fs.fchmodSync(file.fd, call.mode);
    }
    case 'copy': {
      const from = opened(call.from);
      const to = opened(call.to);
      return from.fs === to.fs
        ? from.fs.linux.copyFileRangeSync(from.fd, call.fromPosition, to.fd, call.toPosition, call.length)
        : null;
    }
    case 'linkDescriptor': {
      const file = opened(call.slot);
      return file.fs.linux.linkDescriptorSync(file.fd, call.path);
    }
    case 'truncate':
      return fs.linux.truncateSync(call.path, call.size);
    case 'writeFile':
      return fs.writeFileSync(call.path, Buffer.from(call.data, 'latin1'));
    case 'appendFile':
      return fs.appendFileSync(call.path, Buffer.from(call.data, 'latin1'));
    case 'readFile':
      return fs.readFileSync(call.path, 'latin1');
    case 'mkdir':
      return fs.mkdirSync(call.path, call.mode) ?? null;
    case 'chmod':
      return fs.chmodSync(call.path, call.mode);
    case 'rmdir':
      return fs.rmdirSync(call.path);
    case 'unlink':
      return fs.unlinkSync(call.path);
    case 'readlink':
      return fs.readlinkSync(call.path);
    case 'readdir':
      return fs.readdirSync(call.path).sort(compareNames);
    case 'removeAll':
      return fs.rmSync(call.path, { recursive: true });
    case 'symlink':
      return fs.symlinkSync(call.target, call.path);
    case 'link':
      return fs.linkSync(call.from, call.to);
    case 'rename':
      return fs.linux.renameat2Sync(call.from, call.to, call.flags);
    case 'mknod':
      return fs.linux.mknodSync(call.path, call.mode, call.rdev);
    case 'chown':
      return call.follow ? fs.chownSync(call.path, call.uid, call.gid) : fs.lchownSync(call.path, call.uid, call.gid);
    case 'utimes':
      return fs.linux.utimensSync(call.path, BigInt(call.atime) * SECOND, BigInt(call.mtime) * SECOND, {
        follow: call.follow,
      });
    case 'setxattr':
      return fs.linux.setxattrSync(call.path, call.name, Buffer.from(call.value, 'latin1'), {
        follow: false,
        flags: call.flags,
      });
    case 'removexattr':
      return fs.linux.removexattrSync(call.path, call.name, { follow: false });
    case 'getxattr':
      return fs.linux.getxattrSync(call.path, call.name, { follow: false }).toString('latin1');
    case 'stat':
      return statOutcome(call.follow ? fs.statSync(call.path) : fs.lstatSync(call.path));
    case 'access':
      return fs.accessSync(call.path, call.mode);
  }
}

const SECOND = 1_000_000_000n;

interface PlainStats {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number;
}

function statOutcome({ mode, uid, gid, nlink, size }: PlainStats): StatOutcome {
  const kind = kindOf(mode);
  return { kind, mode: mode & PERMISSION_BITS, uid, gid, nlink, size: kind === 'dir' ? null : size };
}
