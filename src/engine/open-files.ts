/** Open file descriptions: what open(2) made, shared by every descriptor that was dup-ed from it. */

import type { Ino } from '../events/event.ts';
import type { Identity } from './identity.ts';
import type { Mount, Namespace } from './namespace.ts';

export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_ACCMODE = 0o3;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_SYNC = 0o4010000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;

/** One name of a directory, as a handle saw it. */
export interface DirectoryEntry {
  readonly name: string;
  readonly ino: Ino;
  /** Format bits of its mode. */
  readonly format: number;
}

export class OpenFile {
  readonly namespace: Namespace;
  readonly mount: Mount;
  /** Copy-up that breaks a hard link moves the file to its new node. */
  ino: Ino;
  flags: number;
  position = 0;
  /** The name that it was opened by; 0 and '' without one. */
  readonly parent: Ino;
  readonly name: string;
  /** The path as the caller gave it, for errors and causes. */
  path: string;
  /** Of the caller that opened it: what is done through it is judged by that. */
  readonly identity: Identity | null;
  isClosed = false;
  /** Of a directory: what the handle saw when reading began; kept until the next rewind. */
  entries: readonly DirectoryEntry[] | null = null;
  /** Descriptors that stand for this description. */
  references = 1;

  constructor(parts: {
    namespace: Namespace;
    mount: Mount;
    ino: Ino;
    flags: number;
    parent: Ino;
    name: string;
    path: string;
    /** Default: root. */
    identity?: Identity | null;
  }) {
    this.namespace = parts.namespace;
    this.mount = parts.mount;
    this.ino = parts.ino;
    this.flags = parts.flags;
    this.parent = parts.parent;
    this.name = parts.name;
    this.path = parts.path;
    this.identity = parts.identity ?? null;
  }

  get canRead(): boolean {
    const mode = this.flags & O_ACCMODE;
    return !(this.flags & O_PATH) && (mode === O_RDONLY || mode === O_RDWR);
  }

  get canWrite(): boolean {
    const mode = this.flags & O_ACCMODE;
    return !(this.flags & O_PATH) && (mode === O_WRONLY || mode === O_RDWR);
  }
}
