/** What a file loses when its content or owner changes: capabilities, and for users setuid and setgid (SEM-M6, SEM-M11). */

import type { FileEvent, Ino } from '../../events/event.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import { type Inode, xattrOf } from '../../projections/tree/inode.ts';
import type { Draft } from '../engine.ts';
import { type Identity, lostBits } from '../identity.ts';

export const CAPABILITY = 'security.capability';

/**
 * Before a file's content changes (file_remove_privs): its capabilities go whoever writes, setuid and setgid unless it is
 * root.
 *
 * @param ino - The node's number in the upper.
 */
export function dropPrivileges(identity: Identity | null, inode: Inode, ino: Ino, draft: Draft): void {
  draft.events.push(...withoutCapability(inode, ino, draft));
  const lost = identity === null ? 0 : lostBits(identity, inode);
  if (lost !== 0) draft.events.push(modeChanged(draft, ino, inode.mode & PERMISSION_BITS & ~lost));
}

/** Of a node in the upper. */
export const modeChanged = (draft: Draft, ino: Ino, mode: number): FileEvent => ({
  type: 'AttributesChanged',
  ino,
  mode,
  uid: null,
  gid: null,
  atimeNs: null,
  mtimeNs: null,
  ctimeNs: draft.timeNs,
});

/** The event that takes a file's capabilities away; none where it has none. Directories keep theirs. */
export function withoutCapability(inode: Inode, ino: Ino, draft: Draft): readonly FileEvent[] {
  if (inode.xattrs.length === 0 || inode.dir !== null) return NOTHING;
  if (xattrOf(inode.xattrs, CAPABILITY) === undefined) return NOTHING;
  return [{ type: 'XattrRemoved', ino, name: CAPABILITY, ctimeNs: draft.timeNs }];
}

const NOTHING: readonly FileEvent[] = [];

/** Whether a value is one that the kernel takes as a file's capabilities: version 2 or 3 (linux/capability.h). */
export function isCapability(value: Uint8Array): boolean {
  const revision = value.length < 4 ? 0 : value[3];
  return (value.length === 20 && revision === 2) || (value.length === 24 && revision === 3);
}
