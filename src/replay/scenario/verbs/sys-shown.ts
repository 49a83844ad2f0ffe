/** How `sys` prints what a call gave. */

import { hash } from 'node:crypto';
import { deviceMajor, deviceMinor, kindOf, PERMISSION_BITS } from '../../../events/mode.ts';
import type { NodeStat } from '../../../engine/calls/stat.ts';

/** Bytes as a length and what they are: short ones as a JSON text of latin1, others by their SHA-256. */
export function shownBytes(bytes: Uint8Array): string {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length <= SHOWN_BYTES_MAX) return `${bytes.length} ${JSON.stringify(latin1.toString('latin1'))}`;
  return `${bytes.length} sha256:${hash('sha256', latin1)}`;
}

const SHOWN_BYTES_MAX = 64;

/** `KIND MODE UID:GID LINKS SIZE [RDEV]`. Of a directory the size is no matter and `-`. */
export function shownStat(node: Pick<NodeStat, 'mode' | 'uid' | 'gid' | 'nlink' | 'size' | 'rdev'>): string {
  const kind = kindOf(node.mode);
  const rdev = kind === 'chr' || kind === 'blk' ? ` ${deviceMajor(node.rdev)}:${deviceMinor(node.rdev)}` : '';
  const mode = (node.mode & PERMISSION_BITS).toString(8).padStart(4, '0');
  return `${kind} ${mode} ${node.uid}:${node.gid} ${node.nlink} ${kind === 'dir' ? '-' : node.size}${rdev}`;
}
