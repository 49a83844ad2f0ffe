/** Operations on open directories: OPENDIR, READDIR, READDIRPLUS, RELEASEDIR, FSYNCDIR. */

import { readdir } from '../../engine/calls/directory.ts';
import { openNode } from '../../engine/calls/open.ts';
import { fsync } from '../../engine/calls/sync.ts';
import { EBADF } from '../../engine/errno.ts';
import { mountedAt } from '../../engine/lookup.ts';
import { type DirectoryEntry, O_DIRECTORY, type OpenFile } from '../../engine/open-files.ts';
import { S_IFDIR } from '../../events/mode.ts';
import { encodeName, nameBytes } from '../../events/name.ts';
import {
  DIRENT_BYTES,
  ENTRY_OUT_BYTES,
  FOPEN_CACHE_DIR,
  FOPEN_KEEP_CACHE,
  FSYNCDIR,
  MAX_WRITE_BYTES,
  OPENDIR,
  OUT_HEADER_BYTES,
  READDIR,
  READDIRPLUS,
  RELEASEDIR,
} from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';
import { release, writeOpenOut } from './opens.ts';

/** Entries that are in no list: `.` and `..`. */
const DOTS = 2;

function openDirectory(session: Session): number {
  const isThere = session.node() !== undefined;
  if (!isThere && session.nodes.removed(session.request.nodeId) === undefined) return GONE;
  // A removed directory that is somebody's working directory can be opened, and is empty.
  const directory = isThere ? openNode(session.caller, session.target, O_DIRECTORY, '') : session.nodeFile();
  if (typeof directory === 'number') return directory;
  return writeOpenOut(session, 0, session.hold(directory), FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR);
}

const readPlain = (session: Session): number => readEntries(session, 0);
const readPlus = (session: Session): number => readEntries(session, ENTRY_OUT_BYTES);

/**
 * Reads from the list that the handle has taken, so telldir(3) and seekdir(3) hold whatever changes meanwhile; reading from 0
 * takes a new list.
 */
function readEntries(session: Session, prefixBytes: number): number {
  const { request } = session;
  const directory = session.handles.get(request.u64(0));
  if (directory === null) return EBADF;
  if (request.u64(8) === 0) directory.entries = null;
  const isNew = directory.entries === null;
  const entries = readdir(directory);
  if (typeof entries === 'number') return entries;
  const { bytes, next } = writeEntries(session, directory, entries, prefixBytes);
  // Who goes on in a list needs the same list.
  if (isNew && next < entries.length + DOTS) session.journal?.listed(request.u64(0), entries);
  return bytes;
}

/**
 * Fills the answer with as many entries as it takes. The offset of an entry is the place of the next one in the list.
 *
 * @param prefixBytes - Of fuse_entry_out in front of each (READDIRPLUS), or 0.
 * @returns How many bytes that are, and the place of the first entry that did not fit.
 */
export function writeEntries(
  session: Session,
  directory: OpenFile,
  entries: readonly DirectoryEntry[],
  prefixBytes: number,
): { bytes: number; next: number } {
  const { request, known } = session;
  const limit = Math.min(request.u32(16), MAX_WRITE_BYTES);
  const tells = prefixBytes > 0 && !known.isComplete(request.nodeId, entries.length);
  let at = 0;
  let index = request.u64(8);
  for (; index < entries.length + DOTS; index++) {
    const entry = index < DOTS ? dotEntry(directory, index) : entries[index - DOTS];
    const bytes = nameBytes(entry.name);
    const end = at + prefixBytes + Math.ceil((DIRENT_BYTES + bytes) / 8) * 8;
    if (end > limit) break;
    writeEntry(session, directory, entry, { at, prefixBytes, tells, nameBytes: bytes, next: index + 1 });
    at = end;
  }
  return { bytes: at, next: index };
}

function dotEntry({ mount, ino }: OpenFile, index: number): DirectoryEntry {
  if (index === 0) return { name: '.', ino, format: S_IFDIR };
  return { name: '..', ino: mount.overlay.tree.get(ino)?.parent ?? ino, format: S_IFDIR };
}

function writeEntry(
  session: Session,
  directory: OpenFile,
  entry: DirectoryEntry,
  place: { at: number; prefixBytes: number; tells: boolean; nameBytes: number; next: number },
): void {
  const { reply, namespace, nodes } = session;
  const { at, prefixBytes } = place;
  const top = namespace.hasMounts ? mountedAt(namespace, directory.mount, entry.ino) : null;
  const mount = top === null ? directory.mount : top.mount;
  const ino = top === null ? entry.ino : top.ino;
  if (prefixBytes > 0) {
    const inode = place.tells && place.next > DOTS ? mount.overlay.tree.get(ino) : undefined;
    if (inode === undefined) reply.clear(at, prefixBytes);
    else session.writeNode(mount, ino, inode, top === null ? directory.ino : 0, top === null ? entry.name : '', at);
  }
  const dirent = at + prefixBytes;
  reply.ino(dirent, nodes.shownOf(mount, ino));
  reply.u64(dirent + 8, place.next);
  reply.u32(dirent + 16, place.nameBytes);
  reply.u32(dirent + 20, entry.format >>> 12);
  const isAscii = place.nameBytes === entry.name.length;
  if (isAscii) reply.bytes.write(entry.name, OUT_HEADER_BYTES + dirent + DIRENT_BYTES, 'latin1');
  else reply.put(dirent + DIRENT_BYTES, encodeName(entry.name));
}

function syncDirectory(session: Session): number {
  const file = session.fileOf(session.request.u64(0));
  return file === null ? GONE : fsync(file);
}

export const DIRECTORIES: Operations = [
  [OPENDIR, openDirectory],
  [READDIR, readPlain],
  [READDIRPLUS, readPlus],
  [RELEASEDIR, release],
  [FSYNCDIR, syncDirectory],
];
