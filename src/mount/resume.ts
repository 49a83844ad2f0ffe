/**
 * Going on where a server that is dead has stopped: with its open files, and with the request that it did not answer.
 *
 * The kernel sends that one again. Whether it was carried out shows in the log, which has whole transactions only: a log that is
 * longer than it was before the request holds what the request did. Then it is answered from what is there now; else it is done.
 */

import { releaseOrphans } from '../engine/orphans.ts';
import { OpenFile } from '../engine/open-files.ts';
import { writeAttrOut } from './attributes.ts';
import { writeOpenOut } from './operations/opens.ts';
import {
  CREATE,
  LINK,
  MKDIR,
  MKNOD,
  OPEN,
  OPENDIR,
  REMOVEXATTR,
  RENAME,
  RENAME2,
  RMDIR,
  SETATTR,
  SETXATTR,
  SYMLINK,
  TMPFILE,
  UNLINK,
  WRITE,
  FALLOCATE,
  COPY_FILE_RANGE,
  COPY_FILE_RANGE_64,
  ENTRY_OUT_BYTES,
  FOPEN_CACHE_DIR,
  FOPEN_KEEP_CACHE,
} from './protocol.ts';
import type { ServedBefore } from './serve-journal.ts';
import { GONE, type Session, UNIQUE_HIGH_MASK } from './session.ts';

/** Operations that change something; what they did must not be done twice where twice is not the same as once. */
export const CHANGING: ReadonlySet<number> = new Set([
  CREATE,
  LINK,
  MKDIR,
  MKNOD,
  OPEN,
  REMOVEXATTR,
  RENAME,
  RENAME2,
  RMDIR,
  SETATTR,
  SETXATTR,
  SYMLINK,
  TMPFILE,
  UNLINK,
  WRITE,
  FALLOCATE,
  COPY_FILE_RANGE,
  COPY_FILE_RANGE_64,
]);

/** Opens what the dead server had open, and lets go what it alone held. */
export function restore(session: Session, before: ServedBefore): void {
  const { namespace, nodes, handles } = session;
  const { engine } = namespace;
  for (const alias of before.aliases.values()) nodes.adopt(alias);
  for (const { id, subject, ino, seq } of before.gone.values()) {
    const inode = engine?.past.worldAt(seq).overlay(subject)?.tree.get(ino);
    if (inode !== undefined) nodes.remove(id, inode);
  }
  for (const { handle, subject, entries, ...opened } of before.opens.values()) {
    const mount = nodes.mountOf(subject);
    if (mount?.overlay.tree.get(opened.ino) === undefined) {
      before.opens.delete(handle); // its request was not carried out
      continue;
    }
    const file = new OpenFile({ ...opened, namespace, mount });
    file.entries = entries;
    namespace.files.add(file);
    handles.put(handle, file);
  }
  if (engine !== null && !engine.log.readOnly) releaseOrphans(engine, namespace.files);
}

/**
 * Answers a request that is sent again, if the dead server has carried it out.
 *
 * @param headFound - Of the log, as the dead server has left it.
 * @returns As an operation; null: it has to be done.
 */
export function answerAgain(session: Session, before: ServedBefore, headFound: number): number | null {
  const { request } = session;
  const high = request.uniqueHigh & UNIQUE_HIGH_MASK;
  const isSame = ([low, upper]: readonly [number, number]): boolean => low === request.uniqueLow && upper === high;
  const opened = Array.from(before.opens.values()).find(({ by }) => isSame(by));
  const { request: last } = before;
  const isLast = last !== null && isSame([last.low, last.high]);
  const isLogged = isLast && headFound > last.head;
  if (opened !== undefined) return openedAgain(session, opened.handle);
  return isLogged ? doneAgain(session) : null;
}

/** The handle that it got is still its own. */
function openedAgain(session: Session, handle: number): number | null {
  const { request } = session;
  const file = session.handles.get(handle);
  if (file === null) return null;
  if (request.opcode === OPEN) return writeOpenOut(session, 0, handle);
  if (request.opcode === OPENDIR) return writeOpenOut(session, 0, handle, FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR);
  const { mount, ino, parent, name } = file;
  const inode = mount.overlay.tree.at(ino);
  session.writeNode(mount, ino, inode, parent, name);
  return writeOpenOut(session, ENTRY_OUT_BYTES, handle);
}

function doneAgain(session: Session): number | null {
  const { request } = session;
  switch (request.opcode) {
    case MKNOD:
      return entryAgain(session, request.name(16));
    case MKDIR:
    case LINK:
      return entryAgain(session, request.name(8));
    case SYMLINK:
      return entryAgain(session, request.name(0));
    case SETATTR: {
      const inode = session.node();
      if (inode === undefined) return GONE;
      return writeAttrOut(session.reply, session.nodes.shownOf(session.target.mount, session.target.ino), inode);
    }
    case UNLINK:
    case RMDIR:
    case RENAME:
    case RENAME2:
    case SETXATTR:
    case REMOVEXATTR:
      return 0;
    default:
      return null; // twice is the same as once
  }
}

function entryAgain(session: Session, name: string): number {
  const directory = session.directory(session.request.nodeId);
  return directory === null ? GONE : session.writeEntry(directory, name);
}
