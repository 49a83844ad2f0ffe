/**
 * What the kernel is told unasked, because something changed that it did not ask for: a rewind, a command of another
 * process, a copy-up.
 *
 * A notice is written to the device like an answer, with `unique` 0 and its code in place of the error. It must not be
 * written by the thread that serves: the kernel takes locks for it that it may hold while it waits for an answer. Exceptions
 * are the last page of a file (last-page.ts), and attributes alone, for which fs/fuse/inode.c (fuse_reverse_inval_inode) takes
 * none but spin locks.
 */

import type { Mount } from '../engine/namespace.ts';
import type { FileEvent, Ino } from '../events/event.ts';
import { encodeName } from '../events/name.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { Nodes } from './nodes.ts';
import { FUSE_NOTIFY_INVAL_ENTRY, FUSE_NOTIFY_INVAL_INODE, FUSE_NOTIFY_RESEND, OUT_HEADER_BYTES } from './protocol.ts';

/** Attributes of a node, and with `data` its cached content (of a directory: its cached list). */
export function invalidNode(id: number, data: boolean): Uint8Array {
  const notice = header(FUSE_NOTIFY_INVAL_INODE, 24);
  notice.writeBigUInt64LE(BigInt(id), OUT_HEADER_BYTES);
  notice.writeBigInt64LE(data ? 0n : -1n, OUT_HEADER_BYTES + 8); // a negative offset leaves the data
  return notice;
}

/** What the kernel remembers of a name, that it does not exist included. */
export function invalidName(parentId: number, name: string): Uint8Array {
  const bytes = encodeName(name);
  const notice = header(FUSE_NOTIFY_INVAL_ENTRY, 16 + bytes.length + 1);
  notice.writeBigUInt64LE(BigInt(parentId), OUT_HEADER_BYTES);
  notice.writeUInt32LE(bytes.length, OUT_HEADER_BYTES + 8);
  bytes.copy(notice, OUT_HEADER_BYTES + 16);
  return notice;
}

/** Asks for the requests once more that a dead server had read and not answered (Linux 6.9). */
export const resend = (): Uint8Array => header(FUSE_NOTIFY_RESEND, 0);

/** All that differs between two states of one mount's tree. Costs what differs. */
export function noticesOfChange(nodes: Nodes, mount: Mount, before: Tree, after: Tree): Uint8Array[] {
  const notices: Uint8Array[] = [];
  before.inodes.diff(after.inodes, (ino, was, is) => {
    for (const id of nodes.idsOf(mount, ino)) {
      notices.push(invalidNode(id, true));
      if (was?.dir && is?.dir) was.dir.entries.diff(is.dir.entries, (name) => notices.push(invalidName(id, name)));
      else if (was?.dir) was.dir.entries.forEach((name) => void notices.push(invalidName(id, name)));
    }
  });
  return notices;
}

/** What one event of a command changes under the kernel's feet. */
export function noticesOfCommand(nodes: Nodes, mount: Mount, event: FileEvent): Uint8Array[] {
  const id = (ino: Ino): number => nodes.inoOf(mount, ino);
  const name = (parent: Ino, entry: string): Uint8Array[] =>
    parent === 0 ? [] : [invalidNode(id(parent), true), invalidName(id(parent), entry)];
  const node = (ino: Ino): Uint8Array[] => nodes.idsOf(mount, ino).map((each) => invalidNode(each, true));
  switch (event.type) {
    case 'NodeCreated':
      return name(event.parent, event.name);
    case 'Linked':
    case 'Unlinked':
      return [...name(event.parent, event.name), ...node(event.ino)];
    case 'Renamed':
      return [...name(event.fromParent, event.fromName), ...name(event.toParent, event.toName), ...node(event.ino)];
    case 'WhiteoutCreated':
    case 'WhiteoutRemoved':
      return [];
    default:
      return 'ino' in event ? node(event.ino) : [];
  }
}

function header(code: number, payloadBytes: number): Buffer {
  const notice = Buffer.alloc(OUT_HEADER_BYTES + payloadBytes);
  notice.writeUInt32LE(notice.length, 0);
  notice.writeInt32LE(code, 4);
  return notice;
}
