/** What the calls that change attributes have in common: finding the node and the name to copy it up by. */

import type { Inode } from '../../projections/tree/inode.ts';
import type { Caller } from '../caller.ts';
import type { Named } from '../decide/copy-up.ts';
import { EBADF, EIO, ENOTDIR, ENOTEMPTY, EROFS, ESTALE } from '../errno.ts';
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
  /** Why it cannot be copied up, as an error number; 0: it can, or need not. Comes after all that is refused to the caller. */
  readonly refusal: number;
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
  return change({ namespace, identity, mount, named, inode: mount.overlay.tree.at(ino), refusal: 0 });
}

/** The same for an open file, which may be open for reading only. */
export function changeFile(file: OpenFile, change: (target: Target) => number): number {
  if (file.flags & O_PATH) return EBADF;
  const inode = nodeOf(file);
  if (inode === undefined) return ESTALE;
  if (file.mount.readOnly) return EROFS;
  const { namespace, identity, mount } = file;
  const isLost = inode.dir !== null && !inode.isUpper && !isAttached(mount, file.ino);
  const refusal = isLost ? refuseLostDirectory(mount, inode) : 0;
  return change({ namespace, identity, mount, named: nameOfFile(file), inode, refusal });
}

/**
 * What the kernel says when a removed lower directory is to be copied up: it puts a directory over what took its name, a
 * whiteout at least (ovl_copy_up_workdir). Where that is an empty directory it would even succeed (deviation D18).
 */
function refuseLostDirectory(mount: Mount, { parent, name }: Inode): number {
  if (!isAttached(mount, parent)) return EIO;
  const { tree } = mount.overlay;
  const successor = tree.get(tree.lookup(parent, name));
  return successor === undefined || successor.dir === null ? ENOTDIR : ENOTEMPTY;
}
