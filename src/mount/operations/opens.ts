/** Operations that open and close files: OPEN, CREATE, TMPFILE, RELEASE, FLUSH. */

import { close, flagsText, open, openNode } from '../../engine/calls/open.ts';
import { ENOSYS } from '../../engine/errno.ts';
import { O_ACCMODE, O_CREAT, O_EXCL, O_NOFOLLOW, O_TMPFILE, type OpenFile } from '../../engine/open-files.ts';
import type { Location } from '../../engine/namespace.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import {
  CREATE,
  ENTRY_OUT_BYTES,
  FLUSH,
  FOPEN_KEEP_CACHE,
  OPEN,
  OPEN_OUT_BYTES,
  RELEASE,
  TMPFILE,
} from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';

/** Opens a node that is there. The kernel has resolved the path, tested the permissions, truncates, and knows where O_APPEND writes. */
export function openFile(session: Session): number {
  const { request, target } = session;
  if (session.node() === undefined) return GONE;
  const file = openNode(session.caller, target, request.u32(0) & O_ACCMODE, session.pathOfTarget());
  if (typeof file === 'number') return file;
  return writeOpenOut(session, 0, session.hold(file));
}

function create(session: Session): number {
  const { request } = session;
  const directory = session.directory(request.nodeId);
  if (directory === null) return GONE;
  const name = request.name(16);
  const flags = (request.u32(0) & (O_ACCMODE | O_EXCL)) | O_CREAT | O_NOFOLLOW;
  const file = openNew(session, directory, name, flags, session.pathIn(directory, name));
  if (typeof file === 'number') return file;
  const entry = session.writeEntry(directory, name);
  return entry < 0 ? entry : writeOpenOut(session, ENTRY_OUT_BYTES, session.hold(file));
}

function createNameless(session: Session): number {
  const { request } = session;
  const directory = session.directory(request.nodeId);
  if (directory === null) return GONE;
  const flags = (request.u32(0) & O_ACCMODE) | O_TMPFILE;
  const file = openNew(session, directory, '.', flags, session.paths.directory(directory.mount, directory.ino));
  if (typeof file === 'number') return file;
  const { mount, ino } = file;
  session.writeNode(mount, ino, mount.overlay.tree.at(ino), 0, '');
  return writeOpenOut(session, ENTRY_OUT_BYTES, session.hold(file));
}

/** @param path - As people read it: by name alone the cause would not say where. */
function openNew(session: Session, directory: Location, name: string, flags: number, path: string): OpenFile | number {
  const { request } = session;
  const mode = request.u32(4);
  let file: OpenFile | number = 0;
  session.transact(['open', path, flagsText(flags), `0${(mode & PERMISSION_BITS).toString(8)}`], () => {
    file = open(session.asCaller(request.u32(8)), directory, name, flags, mode);
    return 0;
  });
  if (typeof file === 'object') (file as OpenFile).path = path;
  return file;
}

/** fuse_open_out behind what else is answered. Returns the length of the whole. */
export function writeOpenOut({ reply }: Session, at: number, handle: number, flags = FOPEN_KEEP_CACHE): number {
  reply.u64(at, handle);
  reply.u32(at + 8, flags);
  reply.u32(at + 12, 0);
  return at + OPEN_OUT_BYTES;
}

/**
 * Closes a file or directory; the last close lets a node without a name go, and gives the kernel the last page of what was
 * written.
 *
 * @param hasContent - The store has the content, not the host.
 */
export function release(session: Session, hasContent = true): number {
  const { request, written, lastPage } = session;
  const file = session.letGo(request.u64(0));
  if (file === null) return 0;
  const { mount, ino, namespace } = file;
  const inode = mount.overlay.tree.get(ino);
  const { head } = session;
  close(file);
  const left = mount.overlay.tree.get(ino);
  if (inode !== undefined && left === undefined) session.keepGone(request.nodeId, file, inode, head);
  const isLast = written.delete(file) && !namespace.files.isOpen(mount.subject, ino);
  if (isLast && hasContent && left !== undefined && left.nlink > 0)
    lastPage.fill(request.nodeId, left, namespace.chunks);
  return 0;
}

/** Nothing waits for a close: once told, the kernel does not ask again. */
const flush = (): number => ENOSYS;

export const OPENS: Operations = [
  [OPEN, openFile],
  [CREATE, create],
  [TMPFILE, createNameless],
  [RELEASE, release],
  [FLUSH, flush],
];
