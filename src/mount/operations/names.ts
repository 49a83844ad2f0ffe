/** Operations that make, move and remove names: MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME, RENAME2. */

import { linkFile, mkdir, mknod, rename, rmdir, symlink, unlink } from '../../engine/calls/names.ts';
import type { Location } from '../../engine/namespace.ts';
import { deviceMajor, deviceMinor, PERMISSION_BITS, S_IFMT } from '../../events/mode.ts';
import type { Cause } from '../../events/event.ts';
import { LINK, MKDIR, MKNOD, RENAME, RENAME2, RMDIR, SYMLINK, UNLINK } from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';

function makeNode(session: Session): number {
  const { request } = session;
  const [mode, rdev, umask] = [request.u32(0), request.u32(4), request.u32(8)];
  const shown = `0${(mode & (S_IFMT | PERMISSION_BITS)).toString(8)}`;
  return make(session, request.name(16), (directory, name, path) => [
    ['mknod', path, shown, deviceMajor(rdev), deviceMinor(rdev)],
    () => mknod(session.asCaller(umask), directory, name, mode, rdev),
  ]);
}

function makeDirectory(session: Session): number {
  const { request } = session;
  const [mode, umask] = [request.u32(0), request.u32(4)];
  return make(session, request.name(8), (directory, name, path) => [
    ['mkdir', path],
    () => mkdir(session.asCaller(umask), directory, name, mode),
  ]);
}

function makeSymlink(session: Session): number {
  const target = session.request.secondName(0);
  return make(session, session.request.name(0), (directory, name, path) => [
    ['symlink', target, path],
    () => symlink(session.asCaller(0), target, directory, name),
  ]);
}

function make(
  session: Session,
  name: string,
  plan: (directory: Location, name: string, path: string) => [cause: Cause, call: () => number],
): number {
  const directory = session.directory(session.request.nodeId);
  if (directory === null) return GONE;
  const [cause, call] = plan(directory, name, session.pathIn(directory, name));
  const error = session.transact(cause, call);
  return error === 0 ? session.writeEntry(directory, name) : error;
}

function link(session: Session): number {
  const { request } = session;
  const directory = session.directory(request.nodeId);
  if (directory === null || !session.nodes.find(request.u64(0), session.target)) return GONE;
  const name = request.name(8);
  const from = session.pathOfTarget();
  const file = session.nodeFile(from);
  const cause: Cause = ['link', from, session.pathIn(directory, name)];
  const error = session.transact(cause, () => linkFile(session.caller, file, directory, name));
  return error === 0 ? session.writeEntry(directory, name) : error;
}

function removeFile(session: Session): number {
  return remove(session, 'unlink', unlink);
}

function removeDirectory(session: Session): number {
  return remove(session, 'rmdir', rmdir);
}

function remove(session: Session, call: string, run: typeof unlink): number {
  const directory = session.directory(session.request.nodeId);
  if (directory === null) return GONE;
  const name = session.request.name(0);
  const keep = watchRemoval(session, directory, name);
  const cause: Cause = [call, session.pathIn(directory, name)];
  const error = session.transact(cause, () => run(session.caller, directory, name));
  if (error === 0) keep();
  return error;
}

/** What stands under a name before it is removed; keeps it for the kernel when it has left the tree. */
function watchRemoval(session: Session, { mount, ino: parent }: Location, name: string): () => void {
  const { tree } = mount.overlay;
  const ino = tree.lookup(parent, name);
  const inode = ino === 0 ? undefined : tree.get(ino);
  if (inode === undefined) return () => {};
  const id = session.nodes.idOf(mount, ino, inode, parent, name, false);
  const { head } = session;
  return () => {
    if (tree.get(ino) === undefined) session.keepGone(id, { mount, ino }, inode, head);
  };
}

function renamePlain(session: Session): number {
  return move(session, 0, session.request.name(8), session.request.secondName(8));
}

function renameWithFlags(session: Session): number {
  const { request } = session;
  return move(session, request.u32(8), request.name(16), request.secondName(16));
}

const FLAG_NAMES = ['RENAME_NOREPLACE', 'RENAME_EXCHANGE', 'RENAME_WHITEOUT'];

function move(session: Session, flags: number, name: string, newName: string): number {
  const from = session.directory(session.request.nodeId);
  const to = session.directory(session.request.u64(0));
  if (from === null || to === null) return GONE;
  const keep = watchRemoval(session, to, newName);
  const words = FLAG_NAMES.filter((_, bit) => flags & (1 << bit));
  const cause: Cause = ['rename', session.pathIn(from, name), session.pathIn(to, newName), ...words];
  const error = session.transact(cause, () => rename(session.caller, from, name, to, newName, flags));
  if (error === 0) keep();
  return error;
}

export const NAMES: Operations = [
  [MKNOD, makeNode],
  [MKDIR, makeDirectory],
  [SYMLINK, makeSymlink],
  [LINK, link],
  [UNLINK, removeFile],
  [RMDIR, removeDirectory],
  [RENAME, renamePlain],
  [RENAME2, renameWithFlags],
];
