/** Operations on content: READ, WRITE, LSEEK, FALLOCATE, COPY_FILE_RANGE, FSYNC, SYNCFS. */

import { copyFileRange, read, seek, write } from '../../engine/calls/data.ts';
import { fallocate } from '../../engine/calls/space.ts';
import { fsync } from '../../engine/calls/sync.ts';
import { EBADF, EINVAL } from '../../engine/errno.ts';
import { killPrivileges } from '../privileges.ts';
import {
  COPY_FILE_RANGE,
  COPY_FILE_RANGE_64,
  FALLOCATE,
  FSYNC,
  FUSE_WRITE_KILL_SUIDGID,
  IN_HEADER_BYTES,
  LSEEK,
  MAX_WRITE_BYTES,
  OUT_HEADER_BYTES,
  READ,
  SYNCFS,
  WRITE,
} from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';

/** open(2) O_DSYNC, which O_SYNC contains. */
const O_DSYNC = 0o10000;
/** Length of fuse_write_in; the data stands behind it. */
const WRITE_IN_BYTES = 40;

function readFile(session: Session): number {
  const { request, reply } = session;
  const file = session.fileOf(request.u64(0));
  if (file === null) return GONE;
  const length = Math.min(request.u32(16), MAX_WRITE_BYTES);
  return read(file, reply.bytes, OUT_HEADER_BYTES, length, request.u64(8));
}

function writeFile(session: Session): number {
  const { request, reply } = session;
  const file = session.fileOf(request.u64(0));
  if (file === null) return GONE;
  const length = request.u32(16);
  if (!request.has(WRITE_IN_BYTES + length)) return EINVAL;
  const written = write(file, request.bytes, IN_HEADER_BYTES + WRITE_IN_BYTES, length, request.u64(8));
  if (written < 0) return written;
  session.written.add(file);
  const error = killPrivileges(request, file, (request.u32(20) & FUSE_WRITE_KILL_SUIDGID) !== 0);
  if (error !== 0) return error;
  if (request.u32(32) & O_DSYNC) {
    const failed = fsync(file);
    if (failed !== 0) return failed;
  }
  reply.u64(0, written);
  return 8;
}

function seekFile(session: Session): number {
  const { request, reply } = session;
  const file = session.fileOf(request.u64(0));
  if (file === null) return GONE;
  const position = seek(file, request.s64(8), request.u32(16));
  if (position < 0) return position;
  reply.u64(0, position);
  return 8;
}

function allocate(session: Session): number {
  const { request } = session;
  const file = session.fileOf(request.u64(0));
  if (file === null) return GONE;
  const error = fallocate(file, request.u32(24), request.u64(8), request.u64(16));
  return error === 0 ? killPrivileges(request, file, request.uid !== 0) : error;
}

function copyRange(session: Session): number {
  const { request, reply } = session;
  const from = session.handles.get(request.u64(0));
  const to = session.handles.get(request.u64(24));
  if (from === null || to === null) return EBADF;
  if (request.u64(48) !== 0) return EINVAL;
  // More than 1 GiB at once would keep everybody waiting; the caller goes on where this ends.
  const length = Math.min(request.u64(40), 1 << 30);
  const copied = copyFileRange(from, request.u64(8), to, request.u64(32), length);
  if (copied < 0) return copied;
  const error = killPrivileges(request, to, request.uid !== 0);
  if (error !== 0) return error;
  reply.u64(0, copied);
  return 8;
}

function syncFile(session: Session): number {
  const file = session.fileOf(session.request.u64(0));
  return file === null ? GONE : fsync(file);
}

function syncAll(session: Session): number {
  const { engine } = session.namespace;
  if (engine !== null && !engine.log.readOnly) engine.log.syncSync();
  return 0;
}

export const CONTENT: Operations = [
  [READ, readFile],
  [WRITE, writeFile],
  [LSEEK, seekFile],
  [FALLOCATE, allocate],
  [COPY_FILE_RANGE, copyRange],
  [COPY_FILE_RANGE_64, copyRange],
  [FSYNC, syncFile],
  [SYNCFS, syncAll],
];
