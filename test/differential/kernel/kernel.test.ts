import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OverlayProfile } from '../../../src/events/event.ts';
import { kernelSequences } from '../../../src/testing/kernel/kernel-call-arbitrary.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';

const missing = kernelMissing();
const SEED = process.env.OVERLOG_SEED === undefined ? null : Number(process.env.OVERLOG_SEED);
const RUNS = Number(process.env.OVERLOG_KERNEL_RUNS ?? 150);

const PROFILES: readonly [string, OverlayProfile][] = [
  ['docker', { redirectDir: false, index: false, metacopy: false }],
];

describe.skipIf(missing !== null)(
  `kernel overlayfs and overlog${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let oracle: KernelOracle;
    beforeAll(() => {
      oracle = new KernelOracle();
    });
    afterAll(async () => {
      await oracle.close();
    });

    it.each(PROFILES)(
      'profile %s: answer every call alike and leave the same merged tree and upper, while layers grow (SEM-1)',
      async (_, profile) => {
        await fc.assert(
          fc.asyncProperty(kernelSequences(profile), async (sequence) => {
            expect(await oracle.compare(sequence)).toBeNull();
          }),
          { numRuns: RUNS, ...(SEED === null ? {} : { seed: SEED }) },
        );
      },
      600_000,
    );
  },
);
