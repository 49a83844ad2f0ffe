/** What the calls that change attributes have in common: finding the node and the name to copy it up by. */

import type { Inode } from '../../projections/tree/inode.ts';
import type { Caller } from '../caller.ts';
import type { Named } from '../decide/copy-up.ts';
import { EBADF, EIO, EROFS, ESTALE } from '../errno.ts';
import type { Identity } from '../identity.ts';
import { FOLLOW, Found, isAttached, walk } from '../lookup.ts';
import type { Location, Mount, Namespace } from '../namespace.ts';
import { O_PATH, type OpenFile } from '../open-files.ts';
import { nodeOf } from './data.ts';
import { nameOfFile } from './name-of-file.ts';

/** A node that a call is about to change, and who asks for it. */
export interface Target {
  readonly namespace: Namespace;
  /** Null: root. */
  readonly identity: Identity | null;
  readonly mount: Mount;
  readonly named: Named;
  readonly inode: Inode;
}

const found = new Found();

/** Resolves a path for a call that changes the node: it must exist on a writable mount. */
export function changePath(
  caller: Caller,
  start: Location,
  path: string,
  follow: boolean,
  change: (target: Target) => number,
): number {
  const error = walk(caller, start, path, follow ? FOLLOW : 0, found);
  if (error !== 0) return error;
  const { mount, ino } = found;
  if (mount.readOnly) return EROFS;
  const named = found.last === 'name' ? { parent: found.parent, name: found.name, ino } : { parent: 0, name: '', ino };
  const { namespace, identity } = caller;
  return change({ namespace, identity, mount, named, inode: mount.overlay.tree.at(ino) });
}

/** The same for an open file, which may be open for reading only. */
export function changeFile(file: OpenFile, change: (target: Target) => number): number {
  if (file.flags & O_PATH) return EBADF;
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  if (file.mount.readOnly) return EROFS;
  // A removed lower directory has no place to be copied up to; EIO is what the kernel says.
  if (inode.dir !== null && !inode.isUpper && !isAttached(file.mount, file.ino)) return EIO;
  const { namespace, identity, mount } = file;
  return change({ namespace, identity, mount, named: nameOfFile(file), inode });
}
