/** Calls on mode, owner and times. Each copies the node up, even where the value stays (SEMANTICS 1.2). */

import type { Cause, FileEvent, Ino } from '../../events/event.ts';
import { isSymlinkMode, PERMISSION_BITS, S_ISGID } from '../../events/mode.ts';
import { xattrOf } from '../../projections/tree/inode.ts';
import { ACL_ACCESS, aclAfterChmod } from '../acl.ts';
import type { Caller } from '../caller.ts';
import { copyUp } from '../decide/copy-up.ts';
import type { Draft } from '../engine.ts';
import { EOPNOTSUPP, EPERM } from '../errno.ts';
import { isInGroup, lostBits, MAY_WRITE, owns, permit } from '../identity.ts';
import type { Location } from '../namespace.ts';
import type { OpenFile } from '../open-files.ts';
import { changeFile, changePath, type Target } from './change.ts';
import { commitDraft, draftFor } from './commit.ts';
import { withoutCapability } from './privileges.ts';

/** A time for utimensat: nanoseconds, UTIME_NOW or UTIME_OMIT. */
export type TimeArgument = bigint | 'now' | 'omit';

type AttributesChanged = Extract<FileEvent, { type: 'AttributesChanged' }>;
type Change = Partial<Omit<AttributesChanged, 'type' | 'ino'>>;

const octal = (mode: number): string => `0${(mode & PERMISSION_BITS).toString(8)}`;

export function chmod(caller: Caller, start: Location, path: string, mode: number, follow: boolean): number {
  return changePath(caller, start, path, follow, (target) => changeMode(target, mode, ['chmod', path, octal(mode)]));
}

export function fchmod(file: OpenFile, mode: number): number {
  return changeFile(file, (target) => changeMode(target, mode, ['fchmod', file.path, octal(mode)]));
}

/** @param uid - -1 leaves it; likewise `gid`. */
export function chown(
  caller: Caller,
  start: Location,
  path: string,
  uid: number,
  gid: number,
  follow: boolean,
): number {
  const cause: Cause = [follow ? 'chown' : 'lchown', path, uid, gid];
  return changePath(caller, start, path, follow, (target) => changeOwner(target, uid, gid, cause));
}

export function fchown(file: OpenFile, uid: number, gid: number): number {
  return changeFile(file, (target) => changeOwner(target, uid, gid, ['fchown', file.path, uid, gid]));
}

/** With both times omitted not even the path is looked at. */
export function utimens(
  caller: Caller,
  start: Location,
  path: string,
  atime: TimeArgument,
  mtime: TimeArgument,
  follow: boolean,
): number {
  if (atime === 'omit' && mtime === 'omit') return 0;
  const cause: Cause = ['utimensat', path, String(atime), String(mtime)];
  return changePath(caller, start, path, follow, (target) => changeTimes(target, atime, mtime, cause));
}

export function futimens(file: OpenFile, atime: TimeArgument, mtime: TimeArgument): number {
  if (atime === 'omit' && mtime === 'omit') return 0;
  const cause: Cause = ['futimens', file.path, String(atime), String(mtime)];
  return changeFile(file, (target) => changeTimes(target, atime, mtime, cause));
}

/** Only the owner may; one who is not of the file's group can't keep it setgid. */
function changeMode(target: Target, asked: number, cause: Cause): number {
  const { identity, inode } = target;
  if (isSymlinkMode(inode.mode)) return EOPNOTSUPP;
  let mode = asked & PERMISSION_BITS;
  if (identity !== null) {
    if (!owns(identity, inode)) return EPERM;
    if (!isInGroup(identity, inode.gid)) mode &= ~S_ISGID;
  }
  const acl = xattrOf(inode.xattrs, ACL_ACCESS);
  if (acl === undefined) return apply(target, { mode }, cause);
  const value = aclAfterChmod(acl, mode);
  return apply(target, { mode }, cause, (ino) => [{ type: 'XattrSet', ino, name: ACL_ACCESS, value, ctimeNs: null }]);
}

/**
 * chown clears setuid, and setgid where the group may execute, even when owner and group stay (M6), and takes a file's
 * capabilities away. A user may give a file of its own to a group that it is in, and nothing else.
 */
function changeOwner(target: Target, uid: number, gid: number, cause: Cause): number {
  const { identity, inode } = target;
  const lost = lostBits(identity, inode);
  if (identity !== null) {
    if (uid !== -1 && !(uid === inode.uid && owns(identity, inode))) return EPERM;
    if (gid !== -1 && !(owns(identity, inode) && (gid === inode.gid || isInGroup(identity, gid)))) return EPERM;
    if (lost !== 0 && !owns(identity, inode)) return EPERM;
  }
  const change: Change = {
    uid: uid === -1 ? null : uid,
    gid: gid === -1 ? null : gid,
    mode: lost === 0 ? null : inode.mode & PERMISSION_BITS & ~lost,
  };
  return apply(target, change, cause, (ino, draft) => withoutCapability(inode, ino, draft));
}

/** The owner sets times; who may write can set both to now. */
function changeTimes(target: Target, atime: TimeArgument, mtime: TimeArgument, cause: Cause): number {
  const { identity, inode } = target;
  if (identity !== null && !owns(identity, inode)) {
    if (atime !== 'now' || mtime !== 'now') return EPERM;
    const refused = permit(identity, inode, MAY_WRITE);
    if (refused !== 0) return refused;
  }
  const draft = draftFor(target.namespace, target.mount);
  const value = (time: TimeArgument): bigint | null => (time === 'omit' ? null : time === 'now' ? draft.timeNs : time);
  return apply(target, { atimeNs: value(atime), mtimeNs: value(mtime) }, cause, NOTHING, draft);
}

/** Events that go with a change of attributes. */
type MakeEvents = (ino: Ino, draft: Draft) => readonly FileEvent[];

const NOTHING: MakeEvents = () => [];

function apply(
  { namespace, mount, named, refusal }: Target,
  change: Change,
  cause: Cause,
  extra = NOTHING,
  draft = draftFor(namespace, mount),
): number {
  if (refusal !== 0) return refusal;
  const ino = copyUp(mount.overlay, named, draft);
  draft.events.push(...extra(ino, draft));
  draft.events.push({
    type: 'AttributesChanged',
    ino,
    mode: change.mode ?? null,
    uid: change.uid ?? null,
    gid: change.gid ?? null,
    atimeNs: change.atimeNs ?? null,
    mtimeNs: change.mtimeNs ?? null,
    ctimeNs: draft.timeNs,
  });
  commitDraft(namespace, mount, cause, draft);
  return 0;
}
