/** Figures of a mount for `statfs`: those of the file system of the host that has to take what is written. */

import { statfsSync } from 'node:fs';
import { STATFS } from './protocol.ts';
import type { Operations } from './session.ts';
import { writeStatfsOut } from './statfs-out.ts';

/** @param directory - The store, or an upper on the host. */
export const hostRoom = (directory: string): Operations => [
  [STATFS, ({ reply }) => writeStatfsOut(reply, statfsSync(directory))],
];
