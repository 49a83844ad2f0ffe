import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OverlayProfile } from '../../../src/events/event.ts';
import { DOCKER_PROFILE, POSIX_PROFILE, profileOf } from '../../../src/events/overlay-profile.ts';
import { kernelSequences } from '../../../src/testing/kernel/kernel-call-arbitrary.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { type Counterexample, minimize } from '../../../src/testing/kernel/minimize.ts';

const missing = kernelMissing();
const SEED = Number(process.env.OVERLOG_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const RUNS = Number(process.env.OVERLOG_KERNEL_RUNS ?? 100);
/** One waits for the kernel while the other works on overlog's side. */
const ORACLES = 2;
/** So many sequences are compared after each call; the others when a stage ends, which costs a third. */
const EVERY = 4;

/** The profiles, and each option alone (metacopy never is: it brings redirect_dir with it). */
const PROFILES: readonly [string, OverlayProfile, number][] = [
  ['the docker profile', DOCKER_PROFILE, RUNS],
  ['the posix profile', POSIX_PROFILE, RUNS],
  ['redirect_dir', profileOf({ redirectDir: true }), RUNS / 5],
  ['index', profileOf({ index: true }), RUNS / 5],
  ['metacopy', profileOf({ metacopy: true }), RUNS / 5],
];

describe.skipIf(missing !== null)(
  `kernel overlayfs and overlog${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const oracles: KernelOracle[] = [];
    beforeAll(() => {
      for (let index = 0; index < ORACLES; index++) oracles.push(new KernelOracle());
    });
    afterAll(async () => {
      await Promise.all(oracles.map((oracle) => oracle.close()));
    });

    it.each(PROFILES)(
      'answer every call alike with %s and leave the same merged tree and upper, while layers grow (SEM-1)',
      async (_, profile, numRuns) => {
        const sequences = fc.sample(kernelSequences(profile), { seed: SEED, numRuns });
        let next = 0;
        let found: Counterexample | null = null;
        const work = async (oracle: KernelOracle): Promise<void> => {
          while (found === null && next < sequences.length) {
            const look = next % EVERY === 0 ? 'each' : 'end';
            const sequence = sequences[next++];
            const difference = await oracle.compare(sequence, { look });
            if (difference !== null) found ??= { sequence, difference };
          }
        };
        await Promise.all(oracles.map(work));
        const smallest = found === null ? null : await minimize(found, (sequence) => oracles[0].compare(sequence));
        expect({ seed: SEED, smallest: JSON.stringify(smallest) }).toEqual({ seed: SEED, smallest: 'null' });
      },
      1_200_000,
    );
  },
);
