/** Figures of a mount for `statfs`: those of the file system of the host that has to take what is written. */

import { statfsSync } from 'node:fs';
import { NAME_BYTES_MAX } from '../events/name.ts';
import { STATFS } from './protocol.ts';
import type { Operations } from './session.ts';

/** fuse_statfs_out */
const STATFS_OUT_BYTES = 80;

/** @param directory - The store, or an upper on the host. */
export function hostRoom(directory: string): Operations {
  return [
    [
      STATFS,
      ({ reply }) => {
        const host = statfsSync(directory);
        reply.clear(0, STATFS_OUT_BYTES);
        reply.u64(0, host.blocks);
        reply.u64(8, host.bfree);
        reply.u64(16, host.bavail);
        reply.u64(24, host.files);
        reply.u64(32, host.ffree);
        reply.u32(40, host.bsize);
        reply.u32(44, NAME_BYTES_MAX);
        reply.u32(48, host.bsize);
        return STATFS_OUT_BYTES;
      },
    ],
  ];
}
