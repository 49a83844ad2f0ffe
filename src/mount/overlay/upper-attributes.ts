/** Owner, mode, times and extended attributes of a node on the host, as calls in the order that keeps each of them. */

import { ACL_ACCESS } from '../../engine/acl.ts';
import { deviceMajor, deviceMinor, isSymlinkMode, PERMISSION_BITS, S_IFMT } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { nameInUpper } from '../../projections/tree/overlay-xattr.ts';
import type { HostCall } from './host-calls.ts';

/** utimensat(2): leave that time. */
const UTIME_OMIT = 0x3ffffffe;
const NS = 1_000_000_000n;

/** Sets both times of a node, to the nanosecond; null leaves one. */
export function timesCall(path: string, atimeNs: bigint | null, mtimeNs: bigint | null): HostCall {
  return ['utimens', path, ...timeParts(atimeNs), ...timeParts(mtimeNs)];
}

function timeParts(timeNs: bigint | null): [seconds: bigint, nanoseconds: bigint | number] {
  if (timeNs === null) return [0n, UTIME_OMIT];
  const nanoseconds = ((timeNs % NS) + NS) % NS; // of times before 1970, too
  return [(timeNs - nanoseconds) / NS, nanoseconds];
}

/** Everything but the times: a change of owner takes setuid bits and capabilities away, so it comes first. */
export function attributeCalls(path: string, inode: Inode, prefix: string): HostCall[] {
  const calls: HostCall[] = [['chown', path, inode.uid, inode.gid]];
  if (!isSymlinkMode(inode.mode)) calls.push(['chmod', path, inode.mode & PERMISSION_BITS]);
  for (const [name, value] of inode.xattrs) calls.push(['setxattr', path, nameInUpper(name, prefix), value]);
  // An access list moves the mode along, unless it is the last word.
  if (inode.xattrs.some(([name]) => name === ACL_ACCESS)) calls.push(['chmod', path, inode.mode & PERMISSION_BITS]);
  return calls;
}

/** Makes a node of that kind, empty. */
export function makeCall(path: string, mode: number, rdev: number, target: string): HostCall {
  if (isSymlinkMode(mode)) return ['symlink', target, path];
  return ['mknod', path, mode & (S_IFMT | PERMISSION_BITS), encodeDevice(rdev)];
}

/** A device number as system calls have it (linux/kdev_t.h, new_encode_dev). */
function encodeDevice(rdev: number): number {
  const [major, minor] = [deviceMajor(rdev), deviceMinor(rdev)];
  return (minor & 0xff) + major * 256 + Math.floor(minor / 256) * 2 ** 20;
}
