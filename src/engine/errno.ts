/**
 * Error numbers: one table of codes, numbers and texts.
 *
 * Inside the engine a refused call answers with the negative number, as in the kernel; only the façade turns it into an
 * Error, in exactly node:fs's shape. Numbers are Linux's (asm-generic/errno-base.h, errno.h), texts are libuv's.
 */

export const EPERM = -1;
export const ENOENT = -2;
export const EIO = -5;
export const ENXIO = -6;
export const E2BIG = -7;
export const EBADF = -9;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EBUSY = -16;
export const EEXIST = -17;
export const EXDEV = -18;
export const ENODEV = -19;
export const ENOTDIR = -20;
export const EISDIR = -21;
export const EINVAL = -22;
export const ENFILE = -23;
export const EMFILE = -24;
export const ETXTBSY = -26;
export const EFBIG = -27;
export const ENOSPC = -28;
export const ESPIPE = -29;
export const EROFS = -30;
export const EMLINK = -31;
export const ERANGE = -34;
export const ENAMETOOLONG = -36;
export const ENOSYS = -38;
export const ENOTEMPTY = -39;
export const ELOOP = -40;
export const ENODATA = -61;
export const EOVERFLOW = -75;
export const EOPNOTSUPP = -95;
export const ESTALE = -116;
export const EDQUOT = -122;

const TABLE: ReadonlyMap<number, readonly [code: string, text: string]> = new Map([
  [EPERM, ['EPERM', 'operation not permitted']],
  [ENOENT, ['ENOENT', 'no such file or directory']],
  [EIO, ['EIO', 'i/o error']],
  [ENXIO, ['ENXIO', 'no such device or address']],
  [E2BIG, ['E2BIG', 'argument list too long']],
  [EBADF, ['EBADF', 'bad file descriptor']],
  [EAGAIN, ['EAGAIN', 'resource temporarily unavailable']],
  [ENOMEM, ['ENOMEM', 'not enough memory']],
  [EACCES, ['EACCES', 'permission denied']],
  [EBUSY, ['EBUSY', 'resource busy or locked']],
  [EEXIST, ['EEXIST', 'file already exists']],
  [EXDEV, ['EXDEV', 'cross-device link not permitted']],
  [ENODEV, ['ENODEV', 'no such device']],
  [ENOTDIR, ['ENOTDIR', 'not a directory']],
  [EISDIR, ['EISDIR', 'illegal operation on a directory']],
  [EINVAL, ['EINVAL', 'invalid argument']],
  [ENFILE, ['ENFILE', 'file table overflow']],
  [EMFILE, ['EMFILE', 'too many open files']],
  [ETXTBSY, ['ETXTBSY', 'text file is busy']],
  [EFBIG, ['EFBIG', 'file too large']],
  [ENOSPC, ['ENOSPC', 'no space left on device']],
  [ESPIPE, ['ESPIPE', 'invalid seek']],
  [EROFS, ['EROFS', 'read-only file system']],
  [EMLINK, ['EMLINK', 'too many links']],
  [ERANGE, ['ERANGE', 'result too large']],
  [ENAMETOOLONG, ['ENAMETOOLONG', 'name too long']],
  [ENOSYS, ['ENOSYS', 'function not implemented']],
  [ENOTEMPTY, ['ENOTEMPTY', 'directory not empty']],
  [ELOOP, ['ELOOP', 'too many symbolic links encountered']],
  [ENODATA, ['ENODATA', 'no data available']],
  [EOVERFLOW, ['EOVERFLOW', 'value too large for defined data type']],
  [EOPNOTSUPP, ['ENOTSUP', 'operation not supported on socket']],
  [ESTALE, ['ESTALE', 'stale file handle']],
  [EDQUOT, ['EDQUOT', 'disk quota exceeded']],
]);

/** The code of a negative error number, such as `ENOENT`. */
export function errnoCode(errno: number): string {
  return TABLE.get(errno)?.[0] ?? `E${-errno}`;
}

/** The error of a refused call, as node:fs makes it. */
export interface FsError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  readonly path?: string | Buffer;
  readonly dest?: string | Buffer;
}

/** The Error of a refused call, and of nothing else. */
export const isFsError = (error: unknown): error is FsError =>
  error instanceof Error && 'syscall' in error && typeof (error as FsError).errno === 'number';

/**
 * Makes the Error for a refused call.
 *
 * @param errno - Negative.
 * @param syscall - libuv's name of the call (`scandir` for readdir).
 */
export function fsError(errno: number, syscall: string, path?: string, dest?: string): FsError {
  const [code, text] = TABLE.get(errno) ?? [`E${-errno}`, 'unknown error'];
  let message = `${code}: ${text}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  const error = new Error(message) as Error & { -readonly [K in keyof FsError]: FsError[K] };
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}
