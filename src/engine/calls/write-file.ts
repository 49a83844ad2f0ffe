/** A whole file in one go: what open with O_WRONLY|O_CREAT|O_TRUNC, write and close do, without an open file between. */

import type { Cause } from '../../events/event.ts';
import { isFileMode, isSymlinkMode, PERMISSION_BITS, S_IFREG } from '../../events/mode.ts';
import type { Caller } from '../caller.ts';
import { copyUp } from '../decide/copy-up.ts';
import { createNode } from '../decide/create.ts';
import { EFBIG, EISDIR, ELOOP, ENXIO, EROFS } from '../errno.ts';
import { FILE_BYTES_MAX } from '../../projections/tree/content.ts';
import { FOLLOW, Found, NO_SLASH, WANT_PARENT, walk } from '../lookup.ts';
import type { Location, Mount } from '../namespace.ts';
import { commitDraft, draftFor, engineOf } from './commit.ts';
import { storePieces } from './data.ts';
import { truncateAtOpen } from './open.ts';
import { dropPrivileges } from './privileges.ts';

const found = new Found();

/**
 * Makes a file hold these bytes and nothing else: the same events and the same refusals as the single calls, decided at once.
 * For callers whom no permission stops (`identity` null): it asks for none.
 *
 * @param mode - Permission bits of a new file, before the umask.
 * @param bytes - Copied, not kept.
 * @returns 0 or a negative error number, that of the open.
 */
export function writeFile(
  caller: Caller,
  start: Location,
  path: string,
  bytes: Uint8Array,
  mode: number,
  cause: Cause,
): number {
  const error = walk(caller, start, path, WANT_PARENT | NO_SLASH | FOLLOW, found);
  if (error !== 0) return error;
  if (found.last !== 'name') return EISDIR;
  if (bytes.length > FILE_BYTES_MAX) return EFBIG;
  if (found.ino === 0) return createFile(caller, bytes, mode, cause);
  const { mount, ino } = found;
  const inode = mount.overlay.tree.at(ino);
  if (inode.dir !== null) return EISDIR;
  if (isSymlinkMode(inode.mode)) return ELOOP;
  if (!isFileMode(inode.mode)) return ENXIO;
  if (mount.readOnly) return EROFS;
  const { namespace } = caller;
  const draft = draftFor(namespace, mount);
  const upperIno = copyUp(mount.overlay, { parent: found.parent, name: found.name, ino }, draft, 'nothing');
  dropPrivileges(caller.identity, inode, upperIno, draft);
  truncateAtOpen(inode, upperIno, draft);
  commitWithContent(caller, mount, upperIno, bytes, cause, draft);
  return 0;
}

function createFile(caller: Caller, bytes: Uint8Array, mode: number, cause: Cause): number {
  const mount = found.parentMount;
  if (mount.readOnly) return EROFS;
  const draft = draftFor(caller.namespace, mount);
  const { umask, uid, gid } = caller;
  const format = S_IFREG | (mode & PERMISSION_BITS);
  const node = { parent: found.parent, name: found.name, mode: format, umask, uid, gid, rdev: 0, target: '' };
  const ino = createNode(mount.overlay, node, draft);
  commitWithContent(caller, mount, ino, bytes, cause, draft);
  return 0;
}

function commitWithContent(
  { namespace }: Caller,
  mount: Mount,
  ino: number,
  bytes: Uint8Array,
  cause: Cause,
  draft: ReturnType<typeof draftFor>,
): void {
  const { length } = bytes;
  if (length > 0) {
    const pieces = storePieces(engineOf(namespace), bytes, 0, length);
    draft.events.push({ type: 'Written', ino, offset: 0, length, pieces, timeNs: draft.timeNs });
  }
  commitDraft(namespace, mount, cause, draft);
}
