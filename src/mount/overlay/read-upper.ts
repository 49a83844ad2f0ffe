/** What an upper directory holds, and what a mount shows of it over the merged view of its lowers. */

import { storeError } from '../../events/log-error.ts';
import { overLowerWithUpper } from '../../projections/tree/merge-upper.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { HostCalls } from './host-calls.ts';
import { HostPlaces } from './host-places.ts';
import { scanLayer } from './scan-layer.ts';

export interface UpperRead {
  /** The upper directory's own tree. */
  readonly found: Tree;
  /** What is shown. Nodes of the lower have the numbers that they have there; what is the upper's own has higher ones. */
  readonly merged: Tree;
  /** Where data of the upper's files lies. */
  readonly places: HostPlaces;
}

export interface UpperToRead {
  readonly upper: string;
  readonly lower: Tree;
  /** How many layers the lower view has. */
  readonly layers: number;
  readonly calls: HostCalls;
  /** Of overlay's attributes. */
  readonly prefix: string;
}

/** @throws `ERR_UNSUPPORTED` for an upper that shows a lower directory in two places, or has no data where it should have. */
export function readUpper({ upper, lower, layers, calls, prefix }: UpperToRead): UpperRead {
  const places = new HostPlaces();
  const found = scanLayer(upper, calls, places, prefix);
  refuseMetacopies(found, upper);
  const merged = overLowerWithUpper(lower, found, layers);
  refuseCopies(merged, lower.nextIno - 2 + found.nextIno);
  return { found, merged, places };
}

function refuseMetacopies(found: Tree, upper: string): void {
  found.inodes.forEach((inode, ino) => {
    if (!inode.isMetacopy) return;
    const path = `${upper}${found.pathOf(ino) ?? ''}`;
    throw unsupported(`${path} has its content elsewhere (metacopy)`);
  });
}

/**
 * A container has each node of the lower once: it can't show one in two places, as an upper does that was put together by hand.
 *
 * @param first - Number of the first node that stands in for another one.
 */
function refuseCopies(merged: Tree, first: number): void {
  for (let ino = first; ino < merged.nextIno; ino++) {
    const path = merged.pathOf(ino);
    if (path === null) continue;
    throw unsupported(`${path} shows a lower directory that is shown in another place, too (redirect)`);
  }
}

const unsupported = (what: string): Error =>
  storeError('ERR_UNSUPPORTED', `${what}, which a history of the upper does not follow: mount it without store=`);
