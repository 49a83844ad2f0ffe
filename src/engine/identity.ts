/**
 * Who calls, where permissions are to be checked: a user without any capability.
 *
 * A caller without an identity is root, and nothing is refused to it. What an identity may do is decided as Linux does it
 * (credentials(7), path_resolution(7) "Permissions", acl(5), inode(7) on setgid directories).
 */

import { isDirectoryMode, isFileMode, kindOf, S_ISGID, S_ISUID, S_ISVTX } from '../events/mode.ts';
import { type Inode, xattrOf } from '../projections/tree/inode.ts';
import { ACL_ACCESS, aclPermits } from './acl.ts';
import { EACCES, EPERM } from './errno.ts';

/** Bits of what is wanted of a node, as in access(2). */
export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

export interface Identity {
  /** Never 0: root has no identity. */
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: ReadonlySet<number>;
  readonly protections: Protections;
}

/** The four `fs.protected_*` of proc_sys_fs(5), which guard directories that everybody may write to. */
export interface Protections {
  /** Links in a sticky directory that everybody may write to are followed for their owner and the directory's only. */
  readonly symlinks: boolean;
  /** Hard links are made by the owner of a file, or to a plain file that the caller may read and write. */
  readonly hardlinks: boolean;
  /** O_CREAT in a sticky directory does not open somebody else's file. 2: also where only the group may write. */
  readonly regular: 0 | 1 | 2;
}

/** The permissions that are missing: 0, or EACCES. */
export function permit(identity: Identity, inode: Inode, wanted: number): number {
  const { mode } = inode;
  if (identity.uid === inode.uid) return wanted & ~(mode >> 6) ? EACCES : 0;
  // An ACL is not asked where the group class has no permission at all (fs/namei.c, acl_permission_check).
  const acl = inode.xattrs.length > 0 && mode & 0o070 ? xattrOf(inode.xattrs, ACL_ACCESS) : undefined;
  if (acl !== undefined) {
    return aclPermits(acl, wanted, identity.uid, (gid) => isInGroup(identity, gid), inode.gid) ? 0 : EACCES;
  }
  const granted = isInGroup(identity, inode.gid) ? mode >> 3 : mode;
  return wanted & ~granted & 7 ? EACCES : 0;
}

export const isInGroup = (identity: Identity, gid: number): boolean => identity.gid === gid || identity.groups.has(gid);

/** What only the owner of a node may do: change its mode, its times to a given one, its ACL. */
export const owns = (identity: Identity, inode: Inode): boolean => identity.uid === inode.uid;

/** Making a name in a directory: 0, or EACCES. */
export const permitCreate = (identity: Identity, directory: Inode): number =>
  permit(identity, directory, MAY_WRITE | MAY_EXEC);

/** Taking a name out of a directory, or another one's place: 0, EACCES, or EPERM by a sticky directory. */
export function permitRemove(identity: Identity, directory: Inode, node: Inode): number {
  if (permitCreate(identity, directory) !== 0) return EACCES;
  const isSticky = (directory.mode & S_ISVTX) !== 0;
  return isSticky && !owns(identity, node) && !owns(identity, directory) ? EPERM : 0;
}

/** Following a symbolic link that stands last in a path (may_follow_link). */
export function permitFollow(identity: Identity, directory: Inode, link: Inode): number {
  if (!identity.protections.symlinks || owns(identity, link)) return 0;
  const isOpenToAll = (directory.mode & (S_ISVTX | 0o002)) === (S_ISVTX | 0o002);
  return isOpenToAll && directory.uid !== link.uid ? EACCES : 0;
}

/** Giving a node another name (may_linkat). */
export function permitLink(identity: Identity, inode: Inode): number {
  if (!identity.protections.hardlinks || owns(identity, inode)) return 0;
  const { mode } = inode;
  const isRisky = !isFileMode(mode) || mode & S_ISUID || (mode & (S_ISGID | 0o010)) === (S_ISGID | 0o010);
  return isRisky || permit(identity, inode, MAY_READ | MAY_WRITE) !== 0 ? EPERM : 0;
}

/**
 * Opening with O_CREAT something that is there already (may_create_in_sticky). Links, sockets and devices are guarded
 * whatever the settings are, and from root too.
 */
export function permitOpenInSticky(identity: Identity | null, directory: Inode, inode: Inode): number {
  if (!(directory.mode & S_ISVTX) || inode.uid === directory.uid || inode.uid === (identity?.uid ?? 0)) return 0;
  const isFile = isFileMode(inode.mode);
  const regular = identity?.protections.regular ?? 0;
  if ((isFile && regular === 0) || kindOf(inode.mode) === 'fifo') return 0;
  if (directory.mode & 0o002) return EACCES;
  return isFile && regular === 2 && directory.mode & 0o020 ? EACCES : 0;
}

/** Bits of a new node's mode: setgid for an executable is for members of a setgid directory's group (mode_strip_sgid). */
export function strippedMode(identity: Identity, directory: Inode, mode: number): number {
  if (isDirectoryMode(mode) || !(directory.mode & S_ISGID)) return mode;
  const isExecutable = (mode & (S_ISGID | 0o010)) === (S_ISGID | 0o010);
  return isExecutable && !isInGroup(identity, directory.gid) ? mode & ~S_ISGID : mode;
}

/**
 * The bits of a file's mode that chown takes away: setuid, and setgid where the group may execute, or where the caller is not
 * of that group (setattr_should_drop_suidgid).
 */
export function lostBits(identity: Identity | null, inode: Inode): number {
  const { mode } = inode;
  if (inode.dir !== null || !(mode & (S_ISUID | S_ISGID))) return 0;
  const isOutsider = identity !== null && !isInGroup(identity, inode.gid);
  return (mode & S_ISUID) | (mode & 0o010 || isOutsider ? mode & S_ISGID : 0);
}
