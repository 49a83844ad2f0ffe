import type { Store } from '../../store/store.ts';
import { canonicalText } from '../canonical.ts';
import { computeRoots } from '../roots.ts';
import { type RecordedState, stateDifference } from '../state-recorder.ts';

/**
 * Law 8: a moment is what it was when it was now, in whatever order moments are asked for, and asking changes nothing.
 *
 * @param states - As a StateRecorder noted them while the store was live.
 * @returns What does not hold, in sentences.
 */
export function timeProblems(store: Store, states: readonly RecordedState[]): string[] {
  const { chunks } = store.engine.log;
  const problems: string[] = [];
  const kept = states.filter(({ seq }) => seq <= store.seq);
  // From both ends, so that what was looked at last is never near.
  const order = kept.map((_, index) => kept[index % 2 === 0 ? index / 2 : kept.length - (index + 1) / 2]);
  const newest = kept.at(-1);
  for (const state of newest === undefined ? order : [...order, newest]) {
    const world = store.worldAt(state.seq);
    if (world.seq !== state.seq) problems.push(`the moment ${state.seq} is the one of ${world.seq}`);
    const then = { roots: computeRoots(world, chunks), registry: canonicalText(world.registry) };
    const difference = stateDifference(state, then);
    if (difference !== null) problems.push(`at ${state.seq}: ${difference}`);
  }
  return problems;
}
