/** Operations on attributes: GETATTR, SETATTR, STATX. */

import { fchmod, fchown, futimens, type TimeArgument } from '../../engine/calls/attributes.ts';
import { nodeOf } from '../../engine/calls/data.ts';
import { ftruncate } from '../../engine/calls/space.ts';
import { blockCount, DIRECTORY_BYTES, linkCount } from '../../engine/calls/stat.ts';
import type { OpenFile } from '../../engine/open-files.ts';
import type { Cause } from '../../events/event.ts';
import { deviceMajor, deviceMinor, PERMISSION_BITS } from '../../events/mode.ts';
import { BLOCK_BYTES } from '../../projections/tree/page.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { writeAttrOut } from '../attributes.ts';
import { clearBits, killPrivileges, lostSetId } from '../privileges.ts';
import {
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_FH,
  FATTR_GID,
  FATTR_KILL_SUIDGID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
  FUSE_GETATTR_FH,
  GETATTR,
  SETATTR,
  STATX,
  VALID_SECONDS,
} from '../protocol.ts';
import type { Request } from '../request.ts';
import { GONE, type Operations, type Session } from '../session.ts';
import { joinTime, nanoseconds, seconds, splitTime } from '../time.ts';

function getattr(session: Session): number {
  const { request } = session;
  const handle = request.u32(0) & FUSE_GETATTR_FH ? request.u64(8) : 0;
  const found = present(session, handle);
  if (found === undefined) return goneAttributes(session);
  return writeAttrOut(session.reply, session.nodes.shownOf(session.target.mount, session.target.ino), found);
}

/** The request's node, through its open file where the kernel names one. */
function present(session: Session, handle: number): Inode | undefined {
  const inode = session.node();
  const file = handle === 0 ? null : session.handles.get(handle);
  if (file === null) return inode;
  session.target.mount = file.mount;
  session.target.ino = file.ino;
  return file.mount.overlay.tree.get(file.ino);
}

function goneAttributes(session: Session): number {
  const { nodes, request, target } = session;
  const removed = nodes.removed(request.nodeId);
  if (removed === undefined) return GONE;
  return writeAttrOut(session.reply, nodes.shownOf(target.mount, target.ino), removed, 0);
}

function setattr(session: Session): number {
  const { request } = session;
  if (session.node() === undefined) return GONE;
  const valid = request.u32(0);
  const path = session.pathOfTarget();
  const opened = valid & FATTR_FH ? session.handles.get(request.u64(8)) : null;
  const error = session.transact(causeOf(session, valid, path), () =>
    opened?.canWrite === true
      ? apply(session, valid, opened)
      : session.withNodeFile(path, (file) => apply(session, valid, file)),
  );
  if (error !== 0) return error;
  const inode = session.node(); // again: a copy-up may have moved the name to another one
  if (inode === undefined) return GONE;
  return writeAttrOut(session.reply, session.nodes.shownOf(session.target.mount, session.target.ino), inode);
}

/** In the kernel's order of notify_change: size, owner, mode, times. */
function apply(session: Session, valid: number, file: OpenFile): number {
  const { request } = session;
  let error = 0;
  if (valid & FATTR_SIZE) {
    error = ftruncate(file, request.u64(16));
    if (error === 0) error = killPrivileges(request, file, (valid & FATTR_KILL_SUIDGID) !== 0);
  }
  if (error === 0 && isChown(valid)) error = chown(request, valid, file);
  if (error === 0 && valid & FATTR_MODE) error = fchmod(file, request.u32(68) & PERMISSION_BITS);
  if (error === 0 && valid & (FATTR_ATIME | FATTR_MTIME) && !(valid & FATTR_SIZE)) {
    error = futimens(file, timeOf(session, valid, FATTR_ATIME), timeOf(session, valid, FATTR_MTIME));
  }
  return error;
}

/** Which bits go depends on the group that the file had. */
function chown(request: Request, valid: number, file: OpenFile): number {
  const inode = nodeOf(file);
  if (inode === undefined) return GONE;
  const lost = lostSetId(request, inode);
  const error = fchown(file, valid & FATTR_UID ? request.u32(76) : -1, valid & FATTR_GID ? request.u32(80) : -1);
  return error || killPrivileges(request, file, false) || clearBits(file, lost);
}

/**
 * A chown(2) that leaves owner and group comes with nothing set, and so does what the kernel sends in front of a write that takes
 * setuid and setgid away. Which of them it is can't be told, so the first is not refused to users either.
 */
const isChown = (valid: number): boolean =>
  (valid & (FATTR_UID | FATTR_GID)) !== 0 || !(valid & (FATTR_SIZE | FATTR_MODE | FATTR_ATIME | FATTR_MTIME));

function timeOf(session: Session, valid: number, which: number): TimeArgument {
  if (!(valid & which)) return 'omit';
  if (valid & (which === FATTR_ATIME ? FATTR_ATIME_NOW : FATTR_MTIME_NOW)) return 'now';
  const { request } = session;
  return which === FATTR_ATIME
    ? joinTime(request.s64(32), request.u32(56))
    : joinTime(request.s64(40), request.u32(60));
}

/** The call that a program has made, as far as its request tells. */
function causeOf(session: Session, valid: number, path: string): Cause {
  const { request } = session;
  if (valid & FATTR_SIZE) return ['truncate', path, request.u64(16)];
  if (isChown(valid)) {
    return ['chown', path, valid & FATTR_UID ? request.u32(76) : -1, valid & FATTR_GID ? request.u32(80) : -1];
  }
  if (valid & FATTR_MODE) return ['chmod', path, `0${(request.u32(68) & PERMISSION_BITS).toString(8)}`];
  const [atime, mtime] = [timeOf(session, valid, FATTR_ATIME), timeOf(session, valid, FATTR_MTIME)];
  return ['utimensat', path, String(atime), String(mtime)];
}

/** STATX_BASIC_STATS and STATX_BTIME (linux/stat.h). */
const STATX_MASK = 0xfff;
const STATX_OUT_BYTES = 288;
const STATX_AT = 32;

function statx(session: Session): number {
  const { request, reply, nodes, target } = session;
  const inode = present(session, request.u32(0) & FUSE_GETATTR_FH ? request.u64(8) : 0);
  if (inode === undefined) return GONE;
  reply.clear(0, STATX_OUT_BYTES);
  reply.u64(0, VALID_SECONDS);
  const at = STATX_AT;
  reply.u32(at, STATX_MASK);
  reply.u32(at + 4, BLOCK_BYTES);
  reply.u32(at + 16, linkCount(inode));
  reply.u32(at + 20, inode.uid);
  reply.u32(at + 24, inode.gid);
  reply.u16(at + 28, inode.mode);
  reply.ino(at + 32, nodes.shownOf(target.mount, target.ino));
  reply.u64(at + 40, inode.dir === null ? inode.size : DIRECTORY_BYTES);
  reply.u64(at + 48, blockCount(inode));
  const times = [inode.atimeNs, inode.btimeNs, inode.ctimeNs, inode.mtimeNs];
  for (const [index, timeNs] of times.entries()) {
    splitTime(timeNs);
    reply.u64(at + 64 + 16 * index, seconds);
    reply.u32(at + 72 + 16 * index, nanoseconds);
  }
  reply.u32(at + 128, deviceMajor(inode.rdev));
  reply.u32(at + 132, deviceMinor(inode.rdev));
  return STATX_OUT_BYTES;
}

export const ATTRIBUTES: Operations = [
  [GETATTR, getattr],
  [SETATTR, setattr],
  [STATX, statx],
];
