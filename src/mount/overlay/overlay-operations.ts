/** Operations of an overlay over plain directories: what is on the host is read and synced there. */

import { fdatasyncSync, fsyncSync, openSync, closeSync, readSync } from 'node:fs';
import { EISDIR, ENOSYS, EBADF, EINVAL } from '../../engine/errno.ts';
import type { OpenFile } from '../../engine/open-files.ts';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { hostRoom } from '../host-room.ts';
import { release } from '../operations/opens.ts';
import {
  COPY_FILE_RANGE,
  COPY_FILE_RANGE_64,
  FSYNC,
  FSYNCDIR,
  MAX_WRITE_BYTES,
  OUT_HEADER_BYTES,
  READ,
  RELEASE,
  SYNCFS,
} from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';
import type { HostFiles } from './host-files.ts';
import type { HostPlaces } from './host-places.ts';

export interface OverlayBacking {
  readonly files: HostFiles;
  readonly places: HostPlaces;
  /** The directory whose file system the mount shows as its own. */
  readonly shown: string;
  /** What is written need not be on the disk. */
  readonly volatile: boolean;
  /** Path of a node of the upper. */
  readonly pathOf: (ino: number) => string;
}

/** fuse_fsync_in: not the attributes. */
const FSYNC_FDATASYNC = 1;

/** Where content and its reading are the store's, and the upper follows what is written. */
export function mirroredOperations(backing: OverlayBacking): Operations {
  return [
    [RELEASE, (session) => releaseFile(session, backing, true)],
    [FSYNC, (session) => syncFile(session, backing)],
    [FSYNCDIR, (session) => syncDirectory(session, backing)],
    ...hostRoom(backing.shown),
  ];
}

export function overlayOperations(backing: OverlayBacking): Operations {
  return [
    [READ, (session) => readFile(session, backing)],
    [RELEASE, (session) => releaseFile(session, backing, false)],
    [FSYNC, (session) => syncFile(session, backing)],
    [FSYNCDIR, (session) => syncDirectory(session, backing)],
    [SYNCFS, () => 0],
    ...hostRoom(backing.shown),
    // The kernel then reads and writes.
    [COPY_FILE_RANGE, () => ENOSYS],
    [COPY_FILE_RANGE_64, () => ENOSYS],
  ];
}

function readFile(session: Session, backing: OverlayBacking): number {
  const { request, reply } = session;
  const file = session.fileOf(request.u64(0));
  if (file === null) return GONE;
  const inode = file.mount.overlay.tree.get(file.ino);
  if (inode === undefined) return GONE;
  if (!file.canRead) return EBADF;
  if (inode.dir !== null) return EISDIR;
  const at = request.u64(8);
  const length = Math.min(request.u32(16), MAX_WRITE_BYTES, inode.size - at);
  if (length <= 0) return 0;
  const descriptor = descriptorOf(file, backing);
  const done = descriptor === null ? 0 : readFully(descriptor, reply.bytes, OUT_HEADER_BYTES, length, at);
  // A lower file that somebody has made shorter: what is missing reads as zeros, as a page of it does.
  reply.bytes.fill(0, OUT_HEADER_BYTES + done, OUT_HEADER_BYTES + length);
  return length;
}

function readFully(descriptor: number, target: Buffer, offset: number, length: number, at: number): number {
  let done = 0;
  while (done < length) {
    const read = readSync(descriptor, target, offset + done, length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

/** Null: the file has no data anywhere. */
function descriptorOf({ ino, mount }: OpenFile, { files, places, pathOf }: OverlayBacking): number | null {
  const inode = mount.overlay.tree.at(ino);
  if (inode.isUpper && !inode.isMetacopy) return files.upper(ino, () => pathOf(ino));
  const path = places.of(inode);
  return path === null ? null : files.lower(ino, path);
}

/** @param hasContent - As of {@link release}. */
function releaseFile(session: Session, { files }: OverlayBacking, hasContent: boolean): number {
  const file = session.handles.get(session.request.u64(0));
  const result = release(session, hasContent);
  if (file !== null && !file.namespace.files.isOpen(file.mount.subject, file.ino)) files.close(file.ino);
  return result;
}

function syncFile(session: Session, backing: OverlayBacking): number {
  const file = session.fileOf(session.request.u64(0));
  if (file === null) return GONE;
  const inode = file.mount.overlay.tree.get(file.ino);
  if (backing.volatile || !inode?.isUpper) return 0;
  // What has its data below has attributes to be kept, and is not opened by its data.
  if (inode.isMetacopy) return syncPath(session, backing.pathOf(file.ino));
  const descriptor = descriptorOf(file, backing);
  if (descriptor === null) return EINVAL;
  if (session.request.u32(8) & FSYNC_FDATASYNC) fdatasyncSync(descriptor);
  else fsyncSync(descriptor);
  session.namespace.engine?.log.syncSync();
  return 0;
}

function syncDirectory(session: Session, { volatile, pathOf }: OverlayBacking): number {
  const inode = session.node();
  if (inode === undefined) return GONE;
  if (volatile || !inode.isUpper || inode.nlink === 0) return 0;
  return syncPath(session, pathOf(session.target.ino));
}

function syncPath(session: Session, path: string): number {
  const descriptor = openSync(hostPath(path), 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  session.namespace.engine?.log.syncSync();
  return 0;
}
