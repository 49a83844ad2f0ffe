import type { Store } from '../../store/store.ts';
import { canonicalText } from '../canonical.ts';
import { computeRoots } from '../roots.ts';
import { stateDifference } from '../state-recorder.ts';

/**
 * Law 7, as far as a store in memory has it: a call that is refused changes nothing, neither the log nor any tree. What a cut log
 * opens with is {@link cutProblems}'s.
 *
 * @param call - Does anything with the store; what it throws is its refusal.
 * @returns What does not hold, in sentences; none where the call was not refused.
 */
export async function refusalProblems(store: Store, call: () => unknown): Promise<string[]> {
  const state = () => ({
    seq: store.seq,
    roots: computeRoots(store.world, store.engine.log.chunks),
    registry: canonicalText(store.world.registry),
  });
  const before = state();
  try {
    await call();
    return [];
  } catch (error) {
    const after = state();
    const refused = `a call that was refused (${String(error)})`;
    const problems = after.seq === before.seq ? [] : [`${refused} wrote ${after.seq - before.seq} events`];
    const difference = stateDifference(before, after);
    return difference === null ? problems : [...problems, `${refused} left ${difference}`];
  }
}
