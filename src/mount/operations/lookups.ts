/** Operations that find nodes, and forget them: LOOKUP, FORGET, BATCH_FORGET, READLINK. */

import { EINVAL, ENOENT } from '../../engine/errno.ts';
import { walk } from '../../engine/lookup.ts';
import { isSymlinkMode } from '../../events/mode.ts';
import { encodeName } from '../../events/name.ts';
import { writeNegativeEntry } from '../attributes.ts';
import { BATCH_FORGET, FORGET, LOOKUP, READLINK } from '../protocol.ts';
import { GONE, NO_REPLY, type Operations, type Session } from '../session.ts';

function lookup(session: Session): number {
  const { request, found } = session;
  const directory = session.directory(request.nodeId);
  if (directory === null) return GONE;
  const error = walk(session.caller, directory, request.name(0), 0, found);
  if (error === ENOENT)
    return directory.mount.overlay.tree.get(directory.ino) ? writeNegativeEntry(session.reply) : GONE;
  if (error !== 0) return error;
  const inode = found.mount.overlay.tree.at(found.ino);
  const isName = found.last === 'name' && found.mount === found.parentMount;
  return session.writeNode(found.mount, found.ino, inode, isName ? found.parent : 0, isName ? found.name : '');
}

function forget(session: Session): number {
  const { request } = session;
  forgetOne(session, request.nodeId, request.u64(0));
  return NO_REPLY;
}

function forgetMany(session: Session): number {
  const { request } = session;
  const count = request.u32(0);
  for (let index = 0; index < count && request.has(8 + 16 * (index + 1)); index++) {
    forgetOne(session, request.u64(8 + 16 * index), request.u64(16 + 16 * index));
  }
  return NO_REPLY;
}

function forgetOne({ known, nodes }: Session, id: number, lookups: number): void {
  known.forget(id);
  nodes.forget(id, lookups);
}

function readlink(session: Session): number {
  const inode = session.node();
  if (inode === undefined) return GONE;
  if (!isSymlinkMode(inode.mode)) return EINVAL;
  const target = encodeName(inode.target);
  session.reply.put(0, target);
  return target.length;
}

export const LOOKUPS: Operations = [
  [LOOKUP, lookup],
  [FORGET, forget],
  [BATCH_FORGET, forgetMany],
  [READLINK, readlink],
];
