import { fchmod } from '../engine/calls/attributes.ts';
import { nodeOf } from '../engine/calls/data.ts';
import { fremovexattr } from '../engine/calls/xattrs.ts';
import type { OpenFile } from '../engine/open-files.ts';
import { isFileMode, PERMISSION_BITS, S_ISGID, S_ISUID } from '../events/mode.ts';
import { xattrOf } from '../projections/tree/inode.ts';

const CAPABILITY = 'security.capability';

/**
 * Takes away what a changed file may not keep (FUSE_HANDLE_KILLPRIV_V2): its capabilities always; setuid, and setgid where
 * the group may execute, when the kernel says that the caller has no right to keep them.
 *
 * @returns 0 or a negative error number.
 */
export function killPrivileges(file: OpenFile, clearsSetId: boolean): number {
  const inode = nodeOf(file);
  if (inode === undefined || !isFileMode(inode.mode)) return 0;
  let error = 0;
  if (inode.xattrs.length > 0 && xattrOf(inode.xattrs, CAPABILITY) !== undefined)
    error = fremovexattr(file, CAPABILITY);
  if (error !== 0 || !clearsSetId) return error;
  const mode = inode.mode & PERMISSION_BITS;
  let cleared = mode & ~S_ISUID;
  if (mode & 0o010) cleared &= ~S_ISGID;
  return cleared === mode ? 0 : fchmod(file, cleared);
}
