import { readFileSync } from 'node:fs';
import { fchmod } from '../engine/calls/attributes.ts';
import { nodeOf } from '../engine/calls/data.ts';
import { fremovexattr } from '../engine/calls/xattrs.ts';
import { lostBits, type Protections } from '../engine/identity.ts';
import type { OpenFile } from '../engine/open-files.ts';
import { isFileMode, PERMISSION_BITS, S_ISGID } from '../events/mode.ts';
import { type Inode, xattrOf } from '../projections/tree/inode.ts';
import type { Request } from './request.ts';

const CAPABILITY = 'security.capability';

/** The kernel has asked about these before a request comes. */
const PROTECTIONS: Protections = { symlinks: false, hardlinks: false, regular: 0 };

const NO_GROUPS: ReadonlySet<number> = new Set();

/**
 * Takes away what a changed file may not keep (FUSE_HANDLE_KILLPRIV_V2): its capabilities always; setuid and setgid, as
 * {@link lostSetId} tells, when the kernel says that the caller has no right to keep them.
 *
 * @returns 0 or a negative error number.
 */
export function killPrivileges(request: Request, file: OpenFile, clearsSetId: boolean): number {
  const inode = nodeOf(file);
  if (inode === undefined || !isFileMode(inode.mode)) return 0;
  const error = killCapabilities(file, inode);
  return error === 0 && clearsSetId ? clearBits(file, lostSetId(request, inode)) : error;
}

/** Of what setuid and setgid a file has, the part that it loses by a change that who asks has made of it. */
export function lostSetId({ uid, gid, pid }: Request, inode: Inode): number {
  if (uid === 0) return lostBits(null, inode);
  // Where the group may execute, it makes no difference who is of it.
  const groups = inode.mode & S_ISGID && !(inode.mode & 0o010) && gid !== inode.gid ? groupsOf(pid) : NO_GROUPS;
  return lostBits({ uid, gid, groups, protections: PROTECTIONS }, inode);
}

/** @param lost - Bits of the mode. Returns 0 or a negative error number. */
export function clearBits(file: OpenFile, lost: number): number {
  const mode = (nodeOf(file)?.mode ?? 0) & PERMISSION_BITS;
  return mode & lost ? fchmod(file, mode & ~lost) : 0;
}

function killCapabilities(file: OpenFile, inode: Inode): number {
  const holds = inode.xattrs.length > 0 && xattrOf(inode.xattrs, CAPABILITY) !== undefined;
  return holds ? fremovexattr(file, CAPABILITY) : 0;
}

/** The supplementary groups of a process, which no request tells; none of one that is gone. */
function groupsOf(pid: number): ReadonlySet<number> {
  try {
    const line = /^Groups:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '';
    return new Set(line.split(' ').filter(Boolean).map(Number));
  } catch {
    return NO_GROUPS;
  }
}
