/** Calls on mode, owner and times. Each copies the node up, even where the value stays (SEMANTICS 1.2). */

import type { Cause, FileEvent } from '../../events/event.ts';
import { isSymlinkMode, PERMISSION_BITS, S_ISGID, S_ISUID } from '../../events/mode.ts';
import { type Inode, xattrOf } from '../../projections/tree/inode.ts';
import { ACL_ACCESS, aclAfterChmod } from '../acl.ts';
import type { Caller } from '../caller.ts';
import { copyUp, type Named } from '../decide/copy-up.ts';
import type { Draft } from '../engine.ts';
import { EOPNOTSUPP } from '../errno.ts';
import { FOLLOW, Found, walk } from '../lookup.ts';
import type { Location, Mount, Namespace } from '../namespace.ts';
import type { OpenFile } from '../open-files.ts';
import { changeFile, changePath } from './change.ts';
import { commitDraft, draftFor } from './commit.ts';

/** A time for utimensat: nanoseconds, UTIME_NOW or UTIME_OMIT. */
export type TimeArgument = bigint | 'now' | 'omit';

type AttributesChanged = Extract<FileEvent, { type: 'AttributesChanged' }>;
type Change = Partial<Omit<AttributesChanged, 'type' | 'ino'>>;

const found = new Found();

export function chmod(caller: Caller, start: Location, path: string, mode: number, follow: boolean): number {
  return changePath(caller, start, path, follow, (mount, named, inode) =>
    changeMode(caller.namespace, mount, named, inode, mode, [
      'chmod',
      path,
      `0${(mode & PERMISSION_BITS).toString(8)}`,
    ]),
  );
}

export function fchmod(file: OpenFile, mode: number): number {
  return changeFile(file, (named, inode) =>
    changeMode(file.namespace, file.mount, named, inode, mode, [
      'fchmod',
      file.path,
      `0${(mode & PERMISSION_BITS).toString(8)}`,
    ]),
  );
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
  return changePath(caller, start, path, follow, (mount, named, inode) =>
    changeOwner(caller.namespace, mount, named, inode, uid, gid, [follow ? 'chown' : 'lchown', path, uid, gid]),
  );
}

export function fchown(file: OpenFile, uid: number, gid: number): number {
  return changeFile(file, (named, inode) =>
    changeOwner(file.namespace, file.mount, named, inode, uid, gid, ['fchown', file.path, uid, gid]),
  );
}

export function utimens(
  caller: Caller,
  start: Location,
  path: string,
  atime: TimeArgument,
  mtime: TimeArgument,
  follow: boolean,
): number {
  if (atime === 'omit' && mtime === 'omit') return walk(caller, start, path, follow ? FOLLOW : 0, found);
  return changePath(caller, start, path, follow, (mount, named) =>
    changeTimes(caller.namespace, mount, named, atime, mtime, ['utimensat', path, String(atime), String(mtime)]),
  );
}

export function futimens(file: OpenFile, atime: TimeArgument, mtime: TimeArgument): number {
  if (atime === 'omit' && mtime === 'omit') return 0;
  return changeFile(file, (named) =>
    changeTimes(file.namespace, file.mount, named, atime, mtime, ['futimens', file.path, String(atime), String(mtime)]),
  );
}

function changeMode(
  namespace: Namespace,
  mount: Mount,
  named: Named,
  inode: Inode,
  mode: number,
  cause: Cause,
): number {
  if (isSymlinkMode(inode.mode)) return EOPNOTSUPP;
  const acl = xattrOf(inode.xattrs, ACL_ACCESS);
  const extra: ((ino: number) => FileEvent)[] =
    acl === undefined
      ? []
      : [(ino) => ({ type: 'XattrSet', ino, name: ACL_ACCESS, value: aclAfterChmod(acl, mode), ctimeNs: null })];
  return apply(namespace, mount, named, { mode: mode & PERMISSION_BITS }, cause, draftFor(namespace, mount), extra);
}

/** chown clears setuid, and setgid where the group may execute, even when owner and group stay (M6). */
function changeOwner(
  namespace: Namespace,
  mount: Mount,
  named: Named,
  inode: Inode,
  uid: number,
  gid: number,
  cause: Cause,
): number {
  let mode = inode.mode & PERMISSION_BITS;
  if (inode.dir === null) {
    mode &= ~S_ISUID;
    if (mode & 0o010) mode &= ~S_ISGID;
  }
  const change: Change = {
    uid: uid === -1 ? null : uid,
    gid: gid === -1 ? null : gid,
    mode: mode === (inode.mode & PERMISSION_BITS) ? null : mode,
  };
  return apply(namespace, mount, named, change, cause, draftFor(namespace, mount), []);
}

function changeTimes(
  namespace: Namespace,
  mount: Mount,
  named: Named,
  atime: TimeArgument,
  mtime: TimeArgument,
  cause: Cause,
): number {
  const draft = draftFor(namespace, mount);
  const value = (time: TimeArgument): bigint | null => (time === 'omit' ? null : time === 'now' ? draft.timeNs : time);
  return apply(namespace, mount, named, { atimeNs: value(atime), mtimeNs: value(mtime) }, cause, draft, []);
}

function apply(
  namespace: Namespace,
  mount: Mount,
  named: Named,
  change: Change,
  cause: Cause,
  draft: Draft,
  extra: readonly ((ino: number) => FileEvent)[],
): number {
  const ino = copyUp(mount.overlay, named, draft);
  for (const make of extra) draft.events.push(make(ino));
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
