/** One file system call as both sides of the oracle understand it; the fields are those of oracle.py. */

/**
 * Which container makes the call: 0, or 1 for a second one over the same layers. Open files are named by slots of the
 * container: opening into a slot that is taken closes what was there.
 */
export interface InContainer {
  readonly in: 0 | 1;
}

/** A user without capabilities. */
export interface KernelUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** `as`: who makes it; default root. */
export type KernelCall = InContainer & FileCall & { readonly as?: KernelUser | null };

export type FileCall =
  | { op: 'open'; slot: number; path: string; flags: number; mode: number }
  | { op: 'close'; slot: number }
  | { op: 'read'; slot: number; length: number; position: number | null }
  | { op: 'write'; slot: number; data: string; position: number | null }
  | { op: 'seek'; slot: number; offset: number; whence: number }
  /** All names that an open directory shows; `rewind` reads it anew. */
  | { op: 'listdir'; slot: number; rewind: boolean }
  | { op: 'ftruncate'; slot: number; size: number }
  | { op: 'fallocate'; slot: number; mode: number; offset: number; length: number }
  | { op: 'fstat'; slot: number }
  | { op: 'fchmod'; slot: number; mode: number }
  | { op: 'fchown'; slot: number; uid: number; gid: number }
  | { op: 'futimes'; slot: number; atime: number; mtime: number }
  | { op: 'fsetxattr'; slot: number; name: string; value: string; flags: number }
  | { op: 'copy'; from: number; to: number; fromPosition: number; toPosition: number; length: number }
  /** linkat with AT_EMPTY_PATH: gives an open file a name. */
  | { op: 'linkfile'; slot: number; path: string }
  | { op: 'truncate'; path: string; size: number }
  | { op: 'mkdir'; path: string; mode: number }
  | { op: 'rmdir' | 'unlink' | 'readlink' | 'readdir'; path: string }
  | { op: 'symlink'; target: string; path: string }
  | { op: 'link'; from: string; to: string }
  | { op: 'rename'; from: string; to: string; flags: number }
  | { op: 'mknod'; path: string; mode: number; major: number; minor: number }
  | { op: 'chmod'; path: string; mode: number }
  | { op: 'chown'; path: string; uid: number; gid: number; follow: boolean }
  | { op: 'utimes'; path: string; atime: number; mtime: number; follow: boolean }
  | { op: 'setxattr'; path: string; name: string; value: string; flags: number }
  | { op: 'removexattr' | 'getxattr'; path: string; name: string }
  | { op: 'stat'; path: string; follow: boolean }
  | { op: 'access'; path: string; mode: number }
  /** Takes the mount down and mounts it again: open files are closed, nothing else changes. */
  | { op: 'remount' };

/** What a call gave: a value, or the code of its refusal. */
export interface Reply {
  readonly value?: unknown;
  readonly error?: string;
}

/** One object of a tree, as oracle.py lists it; inode numbers and times as texts of digits. */
export interface Row {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly ino: string;
  readonly mtimeNs: string;
  readonly size?: number;
  readonly blocks?: number;
  readonly crc32?: number;
  readonly target?: string;
  readonly rdev?: string;
  /** Values in hex. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** A container's trees: what its processes see, and what its upperdir holds. */
export interface Trees {
  readonly merged: readonly Row[];
  readonly upper: readonly Row[];
}
