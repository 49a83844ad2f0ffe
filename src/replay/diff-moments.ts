/** What differs in one container or volume between two moments of a log. */

import type { ChunkReader } from '../events/chunk-store.ts';
import type { SubjectId } from '../events/event.ts';
import { diffTrees, diffWorlds } from './diff.ts';
import type { TimeMachine } from './time-machine.ts';
import type { TreeChange } from './tree-change.ts';

export interface ComparedMoments {
  /** The earlier or the later one. */
  readonly from: number;
  readonly to: number;
  readonly subject: SubjectId;
}

/**
 * As {@link diffWorlds}, at the cost of what changed between the two.
 *
 * @throws `ERR_NOT_FOUND`, `ERR_AT_INVALID`.
 */
export function diffMoments(
  time: TimeMachine,
  { from, to, subject }: ComparedMoments,
  chunks: ChunkReader,
): TreeChange[] {
  const before = time.worldAt(from);
  const after = time.worldAt(to);
  const first = before.overlay(subject);
  const second = after.overlay(subject);
  if (first === undefined || second === undefined) return diffWorlds(before, after, subject, chunks);
  const isForward = before.seq <= after.seq;
  const changes = isForward ? time.changesBetween(subject, before, after) : time.changesBetween(subject, after, before);
  if (changes === null) return diffTrees(first, second, chunks);
  const { touched, later } = changes;
  return isForward
    ? diffTrees(first, { ...second, tree: later }, chunks, touched)
    : diffTrees({ ...first, tree: later }, second, chunks, touched);
}
