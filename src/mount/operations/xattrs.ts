/** Operations on extended attributes: SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR. */

import { fchmod } from '../../engine/calls/attributes.ts';
import { fgetxattr, flistxattr, fremovexattr, fsetxattr } from '../../engine/calls/xattrs.ts';
import { EINVAL, ERANGE } from '../../engine/errno.ts';
import { PERMISSION_BITS, S_ISGID } from '../../events/mode.ts';
import { encodeName } from '../../events/name.ts';
import { FUSE_SETXATTR_ACL_KILL_SGID, GETXATTR, LISTXATTR, REMOVEXATTR, SETXATTR } from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';

/** fuse_setxattr_in with FUSE_SETXATTR_EXT. */
const SETXATTR_IN_BYTES = 16;

function setAttribute(session: Session): number {
  const { request } = session;
  const inode = session.node();
  if (inode === undefined) return GONE;
  const [size, flags, setFlags] = [request.u32(0), request.u32(4), request.u32(8)];
  const start = request.endOfName(SETXATTR_IN_BYTES) + 1;
  if (start + size > request.length) return EINVAL;
  const name = request.name(SETXATTR_IN_BYTES);
  const value = request.bytes.subarray(start, start + size);
  const path = session.pathOfTarget();
  return session.transact(['setxattr', path, name, size], () =>
    session.withNodeFile(path, (file) => {
      const error = fsetxattr(file, name, value, flags);
      if (error !== 0 || !(setFlags & FUSE_SETXATTR_ACL_KILL_SGID)) return error;
      const { mode } = file.mount.overlay.tree.at(file.ino);
      return mode & S_ISGID ? fchmod(file, mode & PERMISSION_BITS & ~S_ISGID) : 0;
    }),
  );
}

function getAttribute(session: Session): number {
  const { request } = session;
  if (session.node() === undefined) return GONE;
  const value = fgetxattr(session.nodeFile(), request.name(8));
  return typeof value === 'number' ? value : writeValue(session, value);
}

function listAttributes(session: Session): number {
  if (session.node() === undefined) return GONE;
  const names = flistxattr(session.nodeFile());
  if (typeof names === 'number') return names;
  // The kernel refuses users their values, and leaves their names to the file system.
  const shown = session.request.uid === 0 ? names : names.filter((name) => !name.startsWith('trusted.'));
  return writeValue(session, Buffer.concat(shown.flatMap((name) => [encodeName(name), Buffer.alloc(1)])));
}

/** The value, or only its length when the kernel asks with a size of 0. */
function writeValue({ request, reply }: Session, value: Uint8Array): number {
  const size = request.u32(0);
  if (size === 0) {
    reply.u64(0, value.length);
    return 8;
  }
  if (value.length > size) return ERANGE;
  reply.put(0, value);
  return value.length;
}

function removeAttribute(session: Session): number {
  if (session.node() === undefined) return GONE;
  const name = session.request.name(0);
  const path = session.pathOfTarget();
  return session.transact(['removexattr', path, name], () => fremovexattr(session.nodeFile(path), name));
}

export const XATTRS: Operations = [
  [SETXATTR, setAttribute],
  [GETXATTR, getAttribute],
  [LISTXATTR, listAttributes],
  [REMOVEXATTR, removeAttribute],
];
