/** Operations on the connection and the file system as a whole: INIT, DESTROY, INTERRUPT, STATFS, IOCTL. */

import { FsStat, statfs } from '../../engine/calls/stat.ts';
import {
  DESTROY,
  FUSE_MAJOR,
  FUSE_MINOR,
  FUSE_MINOR_MIN,
  INIT,
  INTERRUPT,
  IOCTL,
  MAX_WRITE_BYTES,
  STATFS,
  WANTED_FLAGS,
  WANTED_FLAGS2,
} from '../protocol.ts';
import { GONE, NO_REPLY, type Operations, type Session } from '../session.ts';
import { writeStatfsOut } from '../statfs-out.ts';

const INIT_OUT_BYTES = 64;
const PAGE_BYTES = 4096;
/** EPROTO: a kernel older than what is written here. */
const EPROTO = -71;
/** ENOTTY: no ioctl means anything here. */
const ENOTTY = -25;

function initialize(session: Session): number {
  const { request, reply } = session;
  const [major, minor, readAhead, flags] = [request.u32(0), request.u32(4), request.u32(8), request.u32(12)];
  reply.clear(0, INIT_OUT_BYTES);
  reply.u32(0, FUSE_MAJOR);
  reply.u32(4, FUSE_MINOR);
  // A newer major version asks again with ours (fuse.h, "negotiation").
  if (major > FUSE_MAJOR) return INIT_OUT_BYTES;
  if (major < FUSE_MAJOR || minor < FUSE_MINOR_MIN) return EPROTO;
  reply.u32(8, readAhead);
  reply.u32(12, flags & WANTED_FLAGS);
  reply.u16(16, BACKGROUND_MAX);
  reply.u16(18, CONGESTION_THRESHOLD);
  reply.u32(20, MAX_WRITE_BYTES);
  reply.u32(24, 1); // times to the nanosecond
  reply.u16(28, MAX_WRITE_BYTES / PAGE_BYTES);
  reply.u32(32, request.has(20) ? request.u32(16) & WANTED_FLAGS2 : 0);
  return INIT_OUT_BYTES;
}

/** Requests that may wait in the kernel: readahead and direct writes. */
const BACKGROUND_MAX = 64;
const CONGESTION_THRESHOLD = 48;

const fsStat = new FsStat();

function stat(session: Session): number {
  const { request, reply } = session;
  const place = session.directory(request.nodeId);
  if (place === null) return GONE;
  const root = { mount: place.mount, ino: place.mount.top };
  const error = statfs(session.caller, root, '.', fsStat);
  return error === 0 ? writeStatfsOut(reply, fsStat) : error;
}

export const CONNECTION: Operations = [
  [INIT, initialize],
  [STATFS, stat],
  [INTERRUPT, () => NO_REPLY], // requests are done before an interrupt could reach them
  [DESTROY, () => 0],
  [IOCTL, () => ENOTTY],
];
