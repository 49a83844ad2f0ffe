/** Calls on the size and the blocks of files: truncate, fallocate. */

import type { Cause, FileEvent, Ino } from '../../events/event.ts';
import { isFileMode } from '../../events/mode.ts';
import { FILE_BYTES_MAX } from '../../projections/tree/content.ts';
import { BLOCK_BYTES } from '../../projections/tree/page.ts';
import type { Caller } from '../caller.ts';
import { copyUp } from '../decide/copy-up.ts';
import { EACCES, EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EROFS, ESTALE } from '../errno.ts';
import { MAY_WRITE, permit } from '../identity.ts';
import { FOLLOW, Found, walk } from '../lookup.ts';
import type { Location } from '../namespace.ts';
import { O_PATH, type OpenFile } from '../open-files.ts';
import type { Target } from './change.ts';
import { commitDraft, draftFor } from './commit.ts';
import { nodeOf } from './data.ts';
import { nameOfFile } from './name-of-file.ts';
import { dropPrivileges } from './privileges.ts';

/** linux/falloc.h */
export const FALLOC_FL_KEEP_SIZE = 0x01;
export const FALLOC_FL_PUNCH_HOLE = 0x02;
export const FALLOC_FL_ZERO_RANGE = 0x10;

const found = new Found();

/** Sets the size of a file. A lower file is copied up even where the size stays (SEMANTICS 1.2). */
export function truncate(caller: Caller, start: Location, path: string, size: number): number {
  if (size < 0) return EINVAL;
  const error = walk(caller, start, path, FOLLOW, found);
  if (error !== 0) return error;
  const { mount } = found;
  const inode = mount.overlay.tree.at(found.ino);
  if (inode.dir !== null) return EISDIR;
  if (!isFileMode(inode.mode)) return EINVAL;
  if (mount.readOnly) return EROFS;
  const { namespace, identity } = caller;
  if (identity !== null && permit(identity, inode, MAY_WRITE) !== 0) return EACCES;
  if (size > FILE_BYTES_MAX) return EFBIG;
  const named = found.last === 'name' ? found : { parent: 0, name: '', ino: found.ino };
  return resize({ namespace, identity, mount, named, inode }, size, ['truncate', path, size]);
}

export function ftruncate(file: OpenFile, size: number): number {
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  if (size < 0) return EINVAL;
  if (file.flags & O_PATH) return EBADF;
  if (!file.canWrite) return EINVAL;
  if (file.mount.readOnly) return EROFS;
  if (size > FILE_BYTES_MAX) return EFBIG;
  const { namespace, identity, mount } = file;
  const target = { namespace, identity, mount, named: nameOfFile(file), inode };
  return resize(target, size, ['ftruncate', file.path, size]);
}

/** Times change even where the size stays (ext4_setattr); what was reserved behind the end goes. */
function resize(target: Omit<Target, 'refusal'>, size: number, cause: Cause): number {
  const { namespace, identity, mount, named, inode } = target;
  const draft = draftFor(namespace, mount);
  const ino = copyUp(mount.overlay, named, draft, size > 0 ? 'data' : 'nothing');
  dropPrivileges(identity, inode, ino, draft);
  draft.events.push({ type: 'Truncated', ino, size, timeNs: draft.timeNs });
  commitDraft(namespace, mount, cause, draft);
  return 0;
}

/**
 * Reserves, punches or zeroes blocks of an open file.
 *
 * @param mode - 0, KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE, ZERO_RANGE, ZERO_RANGE|KEEP_SIZE; others are ENOTSUP.
 */
export function fallocate(file: OpenFile, mode: number, offset: number, length: number): number {
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  if (file.flags & O_PATH) return EBADF;
  if (offset < 0 || length <= 0) return EINVAL;
  const keepsSize = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
  const kind = mode & ~FALLOC_FL_KEEP_SIZE;
  if (kind !== 0 && kind !== FALLOC_FL_PUNCH_HOLE && kind !== FALLOC_FL_ZERO_RANGE) return EOPNOTSUPP;
  if (kind === FALLOC_FL_PUNCH_HOLE && !keepsSize) return EOPNOTSUPP;
  if (!file.canWrite) return EBADF;
  if (inode.dir !== null) return EISDIR;
  if (!isFileMode(inode.mode)) return ENODEV;
  if (file.mount.readOnly) return EROFS;
  if (offset + length > FILE_BYTES_MAX) return EFBIG;
  const { namespace, mount } = file;
  const draft = draftFor(namespace, mount);
  const ino = copyUp(mount.overlay, nameOfFile(file), draft, 'data');
  dropPrivileges(file.identity, inode, ino, draft);
  const { timeNs } = draft;
  const event: FileEvent =
    kind === FALLOC_FL_PUNCH_HOLE
      ? holePunched(ino, inode.size, offset, length, timeNs)
      : {
          type: 'Allocated',
          ino,
          offset,
          length,
          size: keepsSize ? inode.size : Math.max(inode.size, offset + length),
          zeroed: kind === FALLOC_FL_ZERO_RANGE,
          timeNs,
        };
  draft.events.push(event);
  commitDraft(namespace, mount, ['fallocate', file.path, mode, offset, length], draft);
  return 0;
}

/**
 * As on ext4 a hole that goes beyond the end of the file takes the whole of the block that the file ends in, and no more, so that
 * what is reserved behind stays; one that begins there changes the times alone (ext4_punch_hole).
 */
function holePunched(ino: Ino, size: number, offset: number, length: number, timeNs: bigint): FileEvent {
  if (offset >= size) {
    const kept = { mode: null, uid: null, gid: null, atimeNs: null };
    return { type: 'AttributesChanged', ino, ...kept, mtimeNs: timeNs, ctimeNs: timeNs };
  }
  const isBeyond = offset + length > size;
  const punched = isBeyond ? Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES - offset : length;
  return { type: 'HolePunched', ino, offset, length: punched, timeNs };
}
