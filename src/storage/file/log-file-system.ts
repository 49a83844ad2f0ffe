import * as fs from 'node:fs';

/**
 * What the log asks of a file system: the seam where tests record calls and let them fail.
 *
 * Each call behaves as its namesake in node:fs, and throws what that throws. `writeSync` may write less than asked.
 */
export interface LogFileSystem {
  openSync(path: string, flags: 'r' | 'r+' | 'wx+'): number;
  closeSync(fd: number): void;
  readSync(fd: number, buffer: Buffer, offset: number, length: number, position: number): number;
  writeSync(fd: number, buffer: Buffer, offset: number, length: number, position: number): number;
  fdatasyncSync(fd: number): void;
  fdatasync(fd: number, done: (error: Error | null) => void): void;
  /** Of files whose length changed, and of directories. */
  fsyncSync(fd: number): void;
  ftruncateSync(fd: number, length: number): void;
  /** `fstat` st_size. */
  sizeSync(fd: number): number;
  readFileSync(path: string): Buffer;
  readdirSync(path: string): string[];
  /** With parents; an existing directory is no error. */
  mkdirSync(path: string): void;
  renameSync(from: string, to: string): void;
  linkSync(from: string, to: string): void;
  unlinkSync(path: string): void;
}

/** What reading segments takes of it. */
export type LogReader = Pick<LogFileSystem, 'openSync' | 'closeSync' | 'readSync' | 'sizeSync'>;

export const nodeFileSystem: LogFileSystem = {
  openSync: (path, flags) => fs.openSync(path, flags),
  closeSync: fs.closeSync,
  readSync: fs.readSync,
  writeSync: fs.writeSync,
  fdatasyncSync: fs.fdatasyncSync,
  fdatasync: fs.fdatasync,
  fsyncSync: fs.fsyncSync,
  ftruncateSync: fs.ftruncateSync,
  sizeSync: (fd) => fs.fstatSync(fd).size,
  readFileSync: (path) => fs.readFileSync(path),
  readdirSync: (path) => fs.readdirSync(path),
  mkdirSync: (path) => {
    fs.mkdirSync(path, { recursive: true });
  },
  renameSync: fs.renameSync,
  linkSync: fs.linkSync,
  unlinkSync: fs.unlinkSync,
};

/** Writes all bytes, going on after short writes. */
export function writeFully(files: LogFileSystem, fd: number, bytes: Buffer, length: number, position: number): void {
  let written = 0;
  while (written < length) {
    const count = files.writeSync(fd, bytes, written, length - written, position + written);
    // POSIX lets write return 0 for a regular file only when 0 bytes were asked for; without this the loop could spin.
    if (count <= 0) throw new Error('write returned 0');
    written += count;
  }
}

/** Reads up to `length` bytes into the front of `buffer`, fewer only at the end of the file. */
export function readFully(files: LogReader, fd: number, buffer: Buffer, length: number, position: number): number {
  return readInto(files, fd, buffer, 0, length, position);
}

/** As {@link readFully}, to `offset` of the buffer. */
export function readInto(
  files: LogReader,
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
): number {
  let read = 0;
  while (read < length) {
    const count = files.readSync(fd, buffer, offset + read, length - read, position + read);
    if (count === 0) break;
    read += count;
  }
  return read;
}

/** Makes new names in a directory durable. */
export function syncDirectory(files: LogFileSystem, path: string): void {
  if (process.platform === 'win32') return; // directories cannot be opened there
  const fd = files.openSync(path, 'r');
  try {
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
}

export const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;
