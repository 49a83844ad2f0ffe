/** What an upper directory holds, and what a mount shows of it over the merged view of its lowers. */

import { storeError } from '../../events/log-error.ts';
import { overLowerWithUpper } from '../../projections/tree/merge-upper.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { HostCalls } from './host-calls.ts';
import { HostPlaces } from './host-places.ts';
import { joinIndex } from './join-index.ts';
import type { LayerHandles } from './layer-handles.ts';
import { lowerLinksOf } from './lower-links.ts';
import { type LinkFound, scanLayer } from './scan-layer.ts';
import { type Follows, refuseUnfollowed } from './unfollowed-marks.ts';
import type { UpperIndex } from './upper-index.ts';

export interface UpperRead {
  /** The upper directory's own tree. */
  readonly found: Tree;
  /** What is shown. Nodes of the lower have the numbers that they have there; what is the upper's own has higher ones. */
  readonly merged: Tree;
  /** Where data of the upper's files lies. */
  readonly places: HostPlaces;
  /** Names of hard links in the upper, by the numbers of the upper's own tree. */
  readonly links: readonly LinkFound[];
}

export interface UpperToRead {
  readonly upper: string;
  readonly lower: Tree;
  /** Directories of its layers, lowest first. */
  readonly lowers: readonly string[];
  readonly calls: HostCalls;
  readonly handles: LayerHandles;
  /** Null: the option index is off. */
  readonly index: UpperIndex | null;
  /** Of overlay's attributes. */
  readonly prefix: string;
  readonly follows: Follows;
}

/**
 * @throws `ERR_UNSUPPORTED` for an upper that shows a lower directory in two places, or has no data where it should have;
 *   `ERR_INVALID_ARGUMENT` for marks that the mount does not follow.
 */
export function readUpper({ upper, lower, lowers, index, calls, handles, prefix, follows }: UpperToRead): UpperRead {
  const places = new HostPlaces();
  const links: LinkFound[] = [];
  const found = scanLayer(upper, calls, places, prefix, (link) => links.push(link));
  refuseUnfollowed(upper, found, follows);
  const merged = overLowerWithUpper(lower, found, lowers.length);
  const base = lower.nextIno - 2;
  refuseCopies(merged, base + found.nextIno);
  refuseWithoutData(found, merged, base);
  if (index !== null) {
    index.found.clear();
    const lowerLinks = index.names().length === 0 ? [] : lowerLinksOf(lower, lowers);
    const upperLinks = links.map((link) => ({ ...link, ino: base + link.ino }));
    joinIndex({ index, tree: merged, lower, lowerLinks, upperLinks, calls, handles, places, prefix });
  }
  return { found, merged, places, links };
}

/** When something in an upper was changed last by the times of its file system, ns since 1970. */
export function youngestOf({ found }: UpperRead): bigint {
  let youngest = 0n;
  found.inodes.forEach(({ ctimeNs }) => {
    if (ctimeNs > youngest) youngest = ctimeNs;
  });
  return youngest;
}

/** @param base - Added to a node's number in the upper's own tree, gives its number in the merged one. */
function refuseWithoutData(found: Tree, merged: Tree, base: number): void {
  found.inodes.forEach((inode, ino) => {
    if (inode.isMetacopy && merged.get(base + ino)?.isMetacopy !== true)
      throw unsupported(
        `${found.pathOf(ino) ?? ''} has no data (metacopy), and the lower directories have none for it`,
      );
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
