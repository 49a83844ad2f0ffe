/**
 * Going back with hard links of the lower that the option `index` keeps together, to when they were files of the lower. Such a
 * node has names now that the lower does not have, or lacks some; so it can't be the lower's again, and goes on in the upper.
 */

import { contentRuns } from '../engine/layer-writer-content.ts';
import type { FileEvent, Ino } from '../events/event.ts';
import { isSymlinkMode, PERMISSION_BITS } from '../events/mode.ts';
import type { Inode, NodeName } from '../projections/tree/inode.ts';
import { NodeNames } from '../projections/tree/names-of.ts';
import { hasSameContent } from '../projections/tree/same-content.ts';
import type { Tree } from '../projections/tree/tree.ts';

/** Whether the names of a node are those that it had. */
export function hasSameNames(tree: Tree, past: Tree, ino: Ino): boolean {
  const [now, then] = [tree, past].map((each) => new NodeNames(each).of(ino));
  const names = new Set(then.map(keyOf));
  return now.length === then.length && now.every((name) => names.has(keyOf(name)));
}

const keyOf = ({ parent, name }: NodeName): string => `${parent}/${name}`;

/** Gives a node of the upper the content that it had. One that has its data below has that already. */
export function contentOfThen(ino: Ino, now: Inode, then: Inode): FileEvent[] {
  return hasSameContent(now, then) ? [] : [{ type: 'Truncated', ino, size: 0, timeNs: null }, ...written(ino, then)];
}

/** Makes a node as it was at a name where nothing is, with the number `ino`, in a directory of the upper. */
export function nodeOfThen(ino: Ino, at: NodeName, then: Inode): FileEvent[] {
  const { mode, uid, gid, rdev, target, mtimeNs, atimeNs, ctimeNs } = then;
  const permissions = isSymlinkMode(mode) ? null : mode & PERMISSION_BITS;
  return [
    { type: 'NodeCreated', ...at, ino, mode, uid, gid, rdev, target, timeNs: mtimeNs, parentTimeNs: null },
    ...written(ino, then),
    ...then.xattrs.map(([name, value]): FileEvent => ({ type: 'XattrSet', ino, name, value, ctimeNs: null })),
    { type: 'AttributesChanged', ino, mode: permissions, uid, gid, atimeNs, mtimeNs, ctimeNs },
  ];
}

/** Brings a directory into the upper, and those above it, the topmost first. */
export function directoriesUp(tree: Tree, directory: Ino, timeNs: bigint): FileEvent[] {
  const events: FileEvent[] = [];
  for (let ino = directory; !tree.at(ino).isUpper; ino = tree.at(ino).parent)
    events.unshift({ type: 'DirectoryCopiedUp', ino, layer: tree.at(ino).layer, ctimeNs: timeNs });
  return events;
}

/** The content of a node that was empty before. */
function written(ino: Ino, then: Inode): FileEvent[] {
  if (then.content === null && (then.size === 0 || then.target !== '')) return [];
  return [
    ...contentRuns(then).map((run): FileEvent => ({ type: 'Written', ino, ...run, timeNs: null })),
    { type: 'Truncated', ino, size: then.size, timeNs: null },
  ];
}
