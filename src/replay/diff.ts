/**
 * What differs between two moments: Added, Modified, Removed, Renamed, by content and attributes.
 *
 * Trees that come from one another (two moments of a container, a fork, a container and its image) are compared through
 * the structure that they share: the cost is that of the changes, and a node that kept its identity under another path is
 * Renamed. Unrelated trees (two images) are walked by path.
 *
 * Reading a list as a change: every path of the first tree stays, or is the source of one entry (Removed, or Renamed, which
 * takes along all below it that no other entry mentions); every path of the second tree is one that stayed or was taken
 * along, or the target of one entry. So a path can stand twice: for what was there, and for what is there now.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import type { SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { compareNames, printableName } from '../events/name.ts';
import { overLower } from '../projections/tree/merge.ts';
import { Tree } from '../projections/tree/tree.ts';
import type { Overlay, World } from '../projections/world.ts';
import { diffRelated, type TouchedNodes } from './diff-related.ts';
import { diffByPath } from './diff-by-path.ts';
import { patchOf } from './patch.ts';
import type { ChangeType, DiffSide, TreeChange } from './tree-change.ts';

export type { ChangedAspect, ChangeType, DiffSide, TreeChange } from './tree-change.ts';

/** An image's merged tree as one side. */
export const imageSide = (merged: Tree): DiffSide => ({ subject: -1, tree: merged, lower: merged });

/**
 * What differs between two trees, sorted by the bytes of the path.
 *
 * @param touched - The nodes that may differ between two moments of one subject, where somebody knows them.
 */
export function diffTrees(
  before: DiffSide,
  after: DiffSide,
  chunks: ChunkReader,
  touched: TouchedNodes | null = null,
): TreeChange[] {
  const isRelated =
    (before.lower !== null && before.lower === after.lower) || (before.subject === after.subject && before.subject > 0);
  const changes = isRelated ? diffRelated(before, after, chunks, touched) : diffByPath(before.tree, after.tree, chunks);
  return changes.sort((a, b) => compareNames(a.path, b.path) || ORDER[a.change] - ORDER[b.change]);
}

/** What was there comes before what is there. */
const ORDER: Readonly<Record<ChangeType, number>> = { Removed: 0, Modified: 1, Renamed: 2, Added: 3 };

/**
 * What differs in one container or volume between two worlds.
 *
 * Before a container was created, it counts as what it was created from; after it was removed, as empty.
 *
 * @throws `ERR_NOT_FOUND` when neither world has it.
 */
export function diffWorlds(before: World, after: World, subject: SubjectId, chunks: ChunkReader): TreeChange[] {
  const first = before.overlay(subject);
  const second = after.overlay(subject);
  if (first === undefined && second === undefined) {
    throw storeError('ERR_NOT_FOUND', `there is no container or volume ${subject} at either moment`, {
      detail: { subject },
    });
  }
  if (first === undefined) return diffTrees(unborn(second as Overlay, after), second as Overlay, chunks);
  if (second === undefined) return diffByPath(first.tree, Tree.empty(0n), chunks);
  return diffTrees(first, second, chunks);
}

/** Patches of changes between two worlds (patch.ts). */
export function patchesOf(
  before: World,
  after: World,
  subject: SubjectId,
  changes: readonly TreeChange[],
  chunks: ChunkReader,
): string[] {
  const second = after.overlay(subject);
  const first = before.overlay(subject) ?? (second === undefined ? undefined : unborn(second, after));
  const empty = Tree.empty(0n);
  return changes.map((change) => patchOf(change, first?.tree ?? empty, second?.tree ?? empty, chunks));
}

function unborn(overlay: Overlay, world: World): DiffSide {
  if (overlay.lower === null) return { ...overlay, tree: Tree.empty(0n) };
  const createdNs = world.registry.containers.get(overlay.subject)?.createdNs ?? 0n;
  return { ...overlay, tree: overLower(overlay.lower, createdNs) };
}

const LETTERS: Readonly<Record<ChangeType, string>> = { Added: 'A', Modified: 'M', Removed: 'D', Renamed: 'R' };

/**
 * A line for each change: letter, path (a directory's with `/`), after a tab the bytes more or less.
 *
 * Directories of which only the mtime changed are left out: it says no more than that something inside did.
 */
export function diffStat(changes: readonly TreeChange[]): string[] {
  const lines: string[] = [];
  for (const change of changes) {
    if (change.change === 'Modified' && change.kind === 'dir' && change.what.every((aspect) => aspect === 'mtime')) {
      continue;
    }
    const slash = change.kind === 'dir' && change.path !== '/' ? '/' : '';
    const from = change.from === null ? '' : `${printableName(change.from)}${slash} -> `;
    const delta = change.sizeDelta === 0 ? '' : `\t${change.sizeDelta > 0 ? '+' : ''}${change.sizeDelta}`;
    lines.push(`${LETTERS[change.change]} ${from}${printableName(change.path)}${slash}${delta}`);
  }
  return lines;
}
