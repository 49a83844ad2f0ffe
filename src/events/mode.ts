/** Bits of `st_mode` and the kinds of node (POSIX sys/stat.h, Linux values). */

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;

/** Permission, setuid, setgid and sticky bits. */
export const PERMISSION_BITS = 0o7777;

export type NodeKind = 'file' | 'dir' | 'symlink' | 'fifo' | 'chr' | 'blk' | 'sock';

/** The kind that a mode's format bits name. A mode without a known format is a file, as everywhere in this code base. */
export function kindOf(mode: number): NodeKind {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return 'dir';
    case S_IFLNK:
      return 'symlink';
    case S_IFIFO:
      return 'fifo';
    case S_IFCHR:
      return 'chr';
    case S_IFBLK:
      return 'blk';
    case S_IFSOCK:
      return 'sock';
    default:
      return 'file';
  }
}

/** The format bits of a kind. */
export function formatBits(kind: NodeKind): number {
  switch (kind) {
    case 'file':
      return S_IFREG;
    case 'dir':
      return S_IFDIR;
    case 'symlink':
      return S_IFLNK;
    case 'fifo':
      return S_IFIFO;
    case 'chr':
      return S_IFCHR;
    case 'blk':
      return S_IFBLK;
    case 'sock':
      return S_IFSOCK;
  }
}

export const isDirectoryMode = (mode: number): boolean => (mode & S_IFMT) === S_IFDIR;
export const isFileMode = (mode: number): boolean => (mode & S_IFMT) === S_IFREG;
export const isSymlinkMode = (mode: number): boolean => (mode & S_IFMT) === S_IFLNK;

/** Builds a device number as Linux's `makedev` does (12 bits major, 20 bits minor, in a number below 2^32). */
export function makeDevice(major: number, minor: number): number {
  return (((major & 0xfff) << 8) | (minor & 0xff) | ((minor & 0xfff00) << 12)) >>> 0;
}

export const deviceMajor = (rdev: number): number => (rdev >>> 8) & 0xfff;
export const deviceMinor = (rdev: number): number => (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
