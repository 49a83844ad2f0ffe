/**
 * Quotas of containers: how many bytes and how many nodes an upper may hold.
 *
 * Bytes are those of `ps -s` (st_size over non-directories, hard links once), nodes are what a layer would hold, whiteouts
 * aside: removing what lies in a layer always works. A call that would go beyond is refused before there is an event. The
 * answer is ENOSPC, as of a project quota of XFS, which is what overlay2's `--storage-opt size` is made of
 * (fs/xfs/xfs_trans_dquot.c: -ENOSPC for projects, -EDQUOT for users and groups).
 */

import type { FileEvent, Ino, QuotaSet, StoreEvent, SubjectId } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { storeError } from '../../events/log-error.ts';
import { nameBytes } from '../../events/name.ts';
import type { Quota } from '../../projections/registry.ts';
import type { Tree } from '../../projections/tree/tree.ts';

/** Whether events would make an upper larger than it may be. What takes nothing more always may. */
export function exceedsQuota(tree: Tree, quota: Quota, events: readonly StoreEvent[]): boolean {
  const growth = growthOf(tree, events);
  return (
    (quota.bytes !== null && growth.bytes > 0 && tree.upperBytes + growth.bytes > quota.bytes) ||
    (quota.inodes !== null && growth.nodes > 0 && tree.upperNodes + growth.nodes > quota.inodes)
  );
}

/**
 * The event that sets a container's quota.
 *
 * @param quota - What is left out stays; null: no limit.
 * @throws `ERR_INVALID_ARGUMENT` for what is not a whole number from 0 up.
 */
export function setQuota(container: SubjectId, before: Quota, quota: Partial<Quota>): QuotaSet[] {
  const { bytes = before.bytes, inodes = before.inodes } = quota;
  for (const [what, limit] of Object.entries({ bytes, inodes })) {
    if (limit === null || (Number.isSafeInteger(limit) && limit >= 0)) continue;
    throw storeError('ERR_INVALID_ARGUMENT', `a quota of ${limit} ${what}: a whole number from 0 up, or none`);
  }
  if (bytes === before.bytes && inodes === before.inodes) return [];
  return [{ type: 'QuotaSet', container, bytes, inodes }];
}

interface Growth {
  bytes: number;
  nodes: number;
}

function growthOf(tree: Tree, events: readonly StoreEvent[]): Growth {
  const growth: Growth = { bytes: 0, nodes: 0 };
  /** Sizes that events in front of others have made. */
  const sizes = new Map<Ino, number>();
  for (const event of events) if (isFileEvent(event)) addEvent(growth, sizes, tree, event);
  return growth;
}

function addEvent(growth: Growth, sizes: Map<Ino, number>, tree: Tree, event: FileEvent): void {
  const sizeOf = (ino: Ino): number => sizes.get(ino) ?? tree.get(ino)?.size ?? 0;
  const resize = (ino: Ino, size: number): void => {
    growth.bytes += size - sizeOf(ino);
    sizes.set(ino, size);
  };
  switch (event.type) {
    case 'NodeCreated':
      growth.nodes++;
      return event.target === '' ? undefined : resize(event.ino, nameBytes(event.target));
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp': {
      const size = sizeOf(event.ino);
      growth.nodes++;
      growth.bytes += size;
      sizes.set(event.upperIno, size);
      return;
    }
    case 'NodeCopiedUp':
    case 'DirectoryCopiedUp':
      growth.nodes++;
      return;
    case 'Written':
      return resize(event.ino, Math.max(sizeOf(event.ino), event.offset + event.length));
    case 'Truncated':
    case 'Allocated':
      return resize(event.ino, event.size);
    default:
      return;
  }
}
