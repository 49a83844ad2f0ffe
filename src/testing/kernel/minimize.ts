import type { KernelDifference, KernelSequence } from './kernel-oracle.ts';

/** A sequence on which the two sides differ, and what they say. */
export interface Counterexample {
  readonly sequence: KernelSequence;
  readonly difference: KernelDifference;
}

/**
 * Leaves calls out of a sequence as long as the sides still differ, first many at once, then one by one: no call of the
 * result can be spared.
 *
 * @param compare - Runs a sequence; null: no difference.
 */
export async function minimize(
  found: Counterexample,
  compare: (sequence: KernelSequence) => Promise<KernelDifference | null>,
): Promise<Counterexample> {
  let best = found;
  for (let size = Math.ceil(countCalls(found.sequence) / 2); size >= 1;) {
    const shorter = await findShorter(best, size, compare);
    if (shorter !== null) best = shorter;
    else if (size === 1) break;
    else size = Math.ceil(size / 2);
  }
  return best;
}

export const countCalls = ({ stages }: KernelSequence): number => stages.reduce((sum, calls) => sum + calls.length, 0);

async function findShorter(
  { sequence }: Counterexample,
  size: number,
  compare: (sequence: KernelSequence) => Promise<KernelDifference | null>,
): Promise<Counterexample | null> {
  // From the end: what comes after the difference goes first.
  for (let end = countCalls(sequence); end > 0; end -= size) {
    const shorter = without(sequence, Math.max(0, end - size), end);
    const difference = await compare(shorter);
    if (difference !== null) return { sequence: shorter, difference };
  }
  return null;
}

/** The sequence without the calls from `start` to `end`, counted over all stages; stages keep their places. */
function without({ profile, stages }: KernelSequence, start: number, end: number): KernelSequence {
  let first = 0;
  const kept = stages.map((calls) => {
    const offset = first;
    first += calls.length;
    return calls.filter((_, index) => offset + index < start || offset + index >= end);
  });
  return { profile, stages: kept };
}
