import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { OverlayProfile } from '../../../src/events/event.ts';
import { kernelSequences } from '../../../src/testing/kernel/kernel-call-arbitrary.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { type Counterexample, minimize } from '../../../src/testing/kernel/minimize.ts';

/** Sequences that each profile is compared with. */
export const RUNS = Number(process.env.OVERLOG_KERNEL_RUNS ?? 100);
export const TIME_LIMIT_MS = 1_800_000;
/** One waits for the kernel, which takes its time to mount, while the other works. */
const ORACLES = 2;

/** In CI one seed for all, so that a run judges the change; elsewhere each run looks at other sequences. */
const seedOfRun = (): number =>
  Number(process.env.OVERLOG_SEED ?? fc.readConfigureGlobal().seed ?? Math.trunc(Math.random() * 2 ** 31));

/** Expects the kernel and overlog to do the same in random sequences; a difference is told as short as it can be made. */
export async function expectNoDifference(profile: OverlayProfile, numRuns: number): Promise<void> {
  const seed = seedOfRun();
  const oracles = Array.from({ length: ORACLES }, () => new KernelOracle());
  try {
    const sequences = fc.sample(kernelSequences(profile), { seed, numRuns });
    let next = 0;
    let found: Counterexample | null = null;
    const work = async (oracle: KernelOracle): Promise<void> => {
      while (found === null && next < sequences.length) {
        const sequence = sequences[next++];
        const difference = await oracle.compare(sequence);
        if (difference !== null) found ??= { sequence, difference };
      }
    };
    // Each oracle has its next sequence when it has answered one, and that one is compared meanwhile.
    await Promise.all([...oracles, ...oracles].map(work));
    const smallest = found === null ? null : await minimize(found, (sequence) => oracles[0].compare(sequence));
    expect({ seed, smallest: JSON.stringify(smallest) }).toEqual({ seed, smallest: 'null' });
  } finally {
    await Promise.all(oracles.map((oracle) => oracle.close()));
  }
}
