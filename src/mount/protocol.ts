/** The kernel's FUSE protocol, version 7 (linux/fuse.h): numbers that both sides agree on. */

export const FUSE_MAJOR = 7;
/** The newest minor version that this server speaks; the kernel uses the older one of both. */
export const FUSE_MINOR = 45;
/** Below it, structures are shorter than those written here (7.23: Linux 3.15). */
export const FUSE_MINOR_MIN = 31;

export const IN_HEADER_BYTES = 40;
export const OUT_HEADER_BYTES = 16;
export const ENTRY_OUT_BYTES = 128;
export const ATTR_OUT_BYTES = 104;
export const OPEN_OUT_BYTES = 16;
/** fuse_dirent in front of its name: ino u64, off u64, namelen u32, type u32. */
export const DIRENT_BYTES = 24;

/** Largest write in one request. */
export const MAX_WRITE_BYTES = 1 << 20;
/** What a read of the device must have room for: a write, its header and arguments. */
export const REQUEST_BYTES_MAX = MAX_WRITE_BYTES + 4096;

/** enum fuse_opcode */
export const LOOKUP = 1;
export const FORGET = 2;
export const GETATTR = 3;
export const SETATTR = 4;
export const READLINK = 5;
export const SYMLINK = 6;
export const MKNOD = 8;
export const MKDIR = 9;
export const UNLINK = 10;
export const RMDIR = 11;
export const RENAME = 12;
export const LINK = 13;
export const OPEN = 14;
export const READ = 15;
export const WRITE = 16;
export const STATFS = 17;
export const RELEASE = 18;
export const FSYNC = 20;
export const SETXATTR = 21;
export const GETXATTR = 22;
export const LISTXATTR = 23;
export const REMOVEXATTR = 24;
export const FLUSH = 25;
export const INIT = 26;
export const OPENDIR = 27;
export const READDIR = 28;
export const RELEASEDIR = 29;
export const FSYNCDIR = 30;
export const CREATE = 35;
export const INTERRUPT = 36;
export const DESTROY = 38;
export const IOCTL = 39;
export const BATCH_FORGET = 42;
export const FALLOCATE = 43;
export const READDIRPLUS = 44;
export const RENAME2 = 45;
export const LSEEK = 46;
export const COPY_FILE_RANGE = 47;
export const SYNCFS = 50;
export const TMPFILE = 51;
export const STATX = 52;
export const COPY_FILE_RANGE_64 = 53;
/** Larger than every opcode that this server answers. */
export const OPCODES = 64;

/** Flags of INIT. Those above 32 bits travel in `flags2`. */
const FUSE_ASYNC_READ = 1 << 0;
const FUSE_EXPORT_SUPPORT = 1 << 4;
const FUSE_BIG_WRITES = 1 << 5;
const FUSE_DONT_MASK = 1 << 6;
const FUSE_DO_READDIRPLUS = 1 << 13;
const FUSE_READDIRPLUS_AUTO = 1 << 14;
const FUSE_ASYNC_DIO = 1 << 15;
const FUSE_PARALLEL_DIROPS = 1 << 18;
const FUSE_POSIX_ACL = 1 << 20;
const FUSE_MAX_PAGES = 1 << 22;
const FUSE_CACHE_SYMLINKS = 1 << 23;
const FUSE_EXPLICIT_INVAL_DATA = 1 << 25;
const FUSE_HANDLE_KILLPRIV_V2 = 1 << 28;
export const FUSE_SETXATTR_EXT = 1 << 29;
export const FUSE_INIT_EXT = 1 << 30;
/** flags2, bits 36 and 39 of the whole. */
const FUSE_DIRECT_IO_ALLOW_MMAP = 1 << 4;
const FUSE_HAS_RESEND = 1 << 7;

/**
 * What this server asks for. Locks stay with the kernel (no POSIX_LOCKS, no FLOCK_LOCKS): all clients are on this machine.
 * Nobody else changes the tree, so data in the page cache stays until the server says otherwise (EXPLICIT_INVAL_DATA).
 *
 * Not FUSE_ATOMIC_O_TRUNC, which would save O_TRUNC a request: the kernel refuses the open of a program that runs (ETXTBSY) only
 * when OPEN is done, and would have had its file emptied.
 */
export const WANTED_FLAGS =
  FUSE_ASYNC_READ |
  FUSE_EXPORT_SUPPORT |
  FUSE_BIG_WRITES |
  FUSE_DONT_MASK |
  FUSE_DO_READDIRPLUS |
  FUSE_READDIRPLUS_AUTO |
  FUSE_ASYNC_DIO |
  FUSE_PARALLEL_DIROPS |
  FUSE_POSIX_ACL |
  FUSE_MAX_PAGES |
  FUSE_CACHE_SYMLINKS |
  FUSE_EXPLICIT_INVAL_DATA |
  FUSE_HANDLE_KILLPRIV_V2 |
  FUSE_SETXATTR_EXT |
  FUSE_INIT_EXT;
export const WANTED_FLAGS2 = FUSE_DIRECT_IO_ALLOW_MMAP | FUSE_HAS_RESEND;

/** `valid` of SETATTR. */
export const FATTR_MODE = 1 << 0;
export const FATTR_UID = 1 << 1;
export const FATTR_GID = 1 << 2;
export const FATTR_SIZE = 1 << 3;
export const FATTR_ATIME = 1 << 4;
export const FATTR_MTIME = 1 << 5;
export const FATTR_FH = 1 << 6;
export const FATTR_ATIME_NOW = 1 << 7;
export const FATTR_MTIME_NOW = 1 << 8;
export const FATTR_KILL_SUIDGID = 1 << 11;

/** `getattr_flags`: the handle is valid. */
export const FUSE_GETATTR_FH = 1 << 0;
/** `write_flags`: the writer may not keep setuid and setgid. */
export const FUSE_WRITE_KILL_SUIDGID = 1 << 2;
/** `setxattr_flags`: an ACL that is set takes setgid away. */
export const FUSE_SETXATTR_ACL_KILL_SGID = 1 << 0;

/** `open_flags` of the answer to OPEN: cached pages stay; entries of a directory may be cached. */
export const FOPEN_KEEP_CACHE = 1 << 1;
export const FOPEN_CACHE_DIR = 1 << 3;

/** enum fuse_notify_code, written with `unique` 0. */
export const FUSE_NOTIFY_INVAL_INODE = 2;
export const FUSE_NOTIFY_INVAL_ENTRY = 3;
export const FUSE_NOTIFY_STORE = 4;
export const FUSE_NOTIFY_RESEND = 7;
/** Bit 63 of `unique`, in its upper half: the kernel sends a request again that another server had read. */
export const FUSE_UNIQUE_RESEND_HIGH = 0x8000_0000;

/**
 * How long the kernel may trust what it was told, in seconds: this server is the only one that changes anything, and says so
 * when it does behind the kernel's back.
 */
export const VALID_SECONDS = 86_400;
