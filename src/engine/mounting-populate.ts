/**
 * Copying image content into an empty volume (SEM-2.8): with owners, modes, times, xattrs, symbolic and hard links, and
 * the attributes of the covered directory itself. Content is shared, not copied.
 */

import { type FileEvent, type Ino, ROOT_INO, type StoreEvent, type SubjectId } from '../events/event.ts';
import { PERMISSION_BITS } from '../events/mode.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { contentRuns } from './layer-writer-content.ts';

/** Whether a volume holds nothing, so that it may be populated. */
export const isEmptyVolume = (tree: Tree): boolean => tree.at(ROOT_INO).dir?.entries.size === 0;

/**
 * The events that populate a volume.
 *
 * @param from - A directory of the container's own tree, as the container would see it without the volume.
 */
export function populateVolume(
  volume: { readonly subject: SubjectId; readonly tree: Tree },
  from: { readonly container: SubjectId; readonly tree: Tree; readonly ino: Ino; readonly target: string },
): StoreEvent[] {
  const events: StoreEvent[] = [
    { type: 'VolumePopulated', volume: volume.subject, container: from.container, target: from.target },
  ];
  const copy: Copy = { tree: from.tree, links: new Map(), nextIno: volume.tree.nextIno, events };
  const source = from.tree.at(from.ino);
  copyEntries(copy, source, ROOT_INO);
  copyXattrs(copy, source, ROOT_INO);
  copyAttributes(copy, source, ROOT_INO);
  return events;
}

interface Copy {
  readonly tree: Tree;
  /** Nodes with several names: number in the source → number in the volume, and names so far. */
  readonly links: Map<Ino, { readonly ino: Ino; nlink: number }>;
  nextIno: Ino;
  readonly events: (StoreEvent | FileEvent)[];
}

function copyEntries(copy: Copy, directory: Inode, to: Ino): void {
  directory.dir?.entries.forEach((name, ino) => {
    const node = copy.tree.at(ino);
    const known = copy.links.get(ino);
    if (known !== undefined) {
      known.nlink++;
      const times = { timeNs: null, parentTimeNs: null };
      copy.events.push({ type: 'Linked', parent: to, name, ino: known.ino, nlink: known.nlink, ...times });
      return;
    }
    const made = copy.nextIno++;
    const { mode, uid, gid, rdev, target, mtimeNs } = node;
    const times = { timeNs: mtimeNs, parentTimeNs: null };
    copy.events.push({ type: 'NodeCreated', parent: to, name, ino: made, mode, uid, gid, rdev, target, ...times });
    copyXattrs(copy, node, made);
    if (node.dir !== null) {
      copyEntries(copy, node, made);
      return;
    }
    if (node.nlink > 1) copy.links.set(ino, { ino: made, nlink: 1 });
    let size = 0;
    for (const run of contentRuns(node)) {
      copy.events.push({ type: 'Written', ino: made, ...run, timeNs: null });
      size = run.offset + run.length;
    }
    if (target === '' && size < node.size) {
      copy.events.push({ type: 'Truncated', ino: made, size: node.size, timeNs: null });
    }
  });
}

function copyXattrs(copy: Copy, node: Inode, to: Ino): void {
  for (const [name, value] of node.xattrs) copy.events.push({ type: 'XattrSet', ino: to, name, value, ctimeNs: null });
}

function copyAttributes(copy: Copy, { mode, uid, gid, mtimeNs }: Inode, to: Ino): void {
  const times = { atimeNs: mtimeNs, mtimeNs, ctimeNs: mtimeNs };
  copy.events.push({ type: 'AttributesChanged', ino: to, mode: mode & PERMISSION_BITS, uid, gid, ...times });
}
