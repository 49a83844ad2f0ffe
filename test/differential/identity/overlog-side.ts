import { makeDevice, PERMISSION_BITS } from '../../../src/events/mode.ts';
import { compareNames } from '../../../src/events/name.ts';
import { type Caller, userCaller } from '../../../src/engine/caller.ts';
import { truncate } from '../../../src/engine/calls/space.ts';
import { fsError } from '../../../src/engine/errno.ts';
import { createFs } from '../../../src/engine/fs/create-fs.ts';
import type { Namespace } from '../../../src/engine/namespace.ts';
import type { Protections } from '../../../src/engine/identity.ts';
import type { OverlogFs } from '../../../src/index.ts';
import { type UserCall, USERS } from './user-call.ts';

/** What a call gave, in the form that both sides are compared in. */
export type Answer = { readonly value: unknown } | { readonly error: string };

const SLOTS = 8;

/** overlog's side: the façade of each user over one tree. */
export class OverlogSide {
  readonly #callers: readonly Caller[];
  readonly #users: readonly OverlogFs[];
  readonly #open = new Map<number, number>();

  constructor(namespace: Namespace, protections: Protections) {
    this.#callers = USERS.map((user) => userCaller(namespace, { ...(user ?? { uid: 0, gid: 0 }), protections }));
    this.#users = this.#callers.map(createFs);
  }

  run(call: UserCall): Answer {
    try {
      return { value: this.#call(this.#users[call.user], call) ?? null };
    } catch (error) {
      const { code, errno } = error as { code?: string; errno?: number };
      if (code === undefined || errno === undefined) throw error;
      return { error: code };
    }
  }

  closeAll(): void {
    for (const [slot, fd] of this.#open) this.#users[Math.floor(slot / SLOTS)].closeSync(fd);
    this.#open.clear();
  }

  #fd(call: { user: number; slot: number }): number {
    const fd = this.#open.get(call.user * SLOTS + call.slot);
    if (fd === undefined) throw Object.assign(new Error('nothing is open'), { code: 'EBADF', errno: -9 });
    return fd;
  }

  #call(fs: OverlogFs, call: UserCall): unknown {
    const { linux } = fs;
    switch (call.op) {
      case 'open': {
        const fd = fs.openSync(call.path, call.flags, call.mode);
        const slot = call.user * SLOTS + call.slot;
        const before = this.#open.get(slot);
        if (before !== undefined) fs.closeSync(before);
        this.#open.set(slot, fd);
        return null;
      }
      case 'close':
        fs.closeSync(this.#fd(call));
        this.#open.delete(call.user * SLOTS + call.slot);
        return null;
      case 'fstat':
        return shown(fs.fstatSync(this.#fd(call)));
      case 'read': {
        const buffer = Buffer.alloc(call.length);
        return buffer.toString('latin1', 0, fs.readSync(this.#fd(call), buffer, 0, call.length, call.position));
      }
      case 'write': {
        const data = Buffer.from(call.data, 'latin1');
        return fs.writeSync(this.#fd(call), data, 0, data.length, call.position);
      }
      case 'ftruncate':
        return fs.ftruncateSync(this.#fd(call), call.size);
      case 'fallocate':
        return linux.fallocateSync(this.#fd(call), call.mode, call.offset, call.length);
      case 'fchmod':
        return fs.fchmodSync(this.#fd(call), call.mode);
      case 'fchown':
        return fs.fchownSync(this.#fd(call), call.uid, call.gid);
      case 'fsetxattr':
        return linux.setxattrSync(this.#fd(call), call.name, Buffer.from(call.value, 'latin1'), { flags: call.flags });
      case 'truncate': {
        // Of node:fs it is open, which asks for more, and ftruncate.
        const caller = this.#callers[call.user];
        const error = truncate(caller, caller.cwd, call.path, call.size);
        if (error < 0) throw fsError(error, 'truncate', call.path);
        return null;
      }
      case 'mkdir':
        fs.mkdirSync(call.path, call.mode);
        return null;
      case 'rmdir':
        return fs.rmdirSync(call.path);
      case 'unlink':
        return fs.unlinkSync(call.path);
      case 'readlink':
        return fs.readlinkSync(call.path);
      case 'readdir':
        return fs.readdirSync(call.path).sort(compareNames);
      case 'symlink':
        return fs.symlinkSync(call.target, call.path);
      case 'link':
        return fs.linkSync(call.from, call.to);
      case 'rename':
        return linux.renameat2Sync(call.from, call.to, call.flags);
      case 'mknod':
        return linux.mknodSync(call.path, call.mode, makeDevice(call.major, call.minor));
      case 'chmod':
        return fs.chmodSync(call.path, call.mode);
      case 'chown':
        return (call.follow ? fs.chownSync : fs.lchownSync)(call.path, call.uid, call.gid);
      case 'utimes': {
        const time = (ns: number | null) => (ns === null ? 'now' : BigInt(ns));
        return linux.utimensSync(call.path, time(call.atime), time(call.mtime), { follow: call.follow });
      }
      case 'setxattr':
        return linux.setxattrSync(call.path, call.name, Buffer.from(call.value, 'latin1'), {
          follow: false,
          flags: call.flags,
        });
      case 'removexattr':
        return linux.removexattrSync(call.path, call.name, { follow: false });
      case 'getxattr':
        return linux.getxattrSync(call.path, call.name, { follow: false }).toString('latin1');
      case 'listxattr':
        return linux.listxattrSync(call.path, { follow: false }).sort();
      case 'stat':
        return shown(call.follow ? fs.statSync(call.path) : fs.lstatSync(call.path));
      case 'access':
        return isPermitted(fs, call.path, call.mode);
    }
  }
}

/** The other side does not say why. */
function isPermitted(fs: OverlogFs, path: string, mode: number): boolean {
  try {
    fs.accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Of a stat what permissions are about. */
export function shown({ mode, uid, gid }: { mode: number; uid: number; gid: number }): object {
  return { mode: mode & (0o170000 | PERMISSION_BITS), uid, gid };
}
