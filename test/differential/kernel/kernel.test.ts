import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Kernel, kernelMissing } from './kernel.ts';
import { building, operations, withoutReservations } from './operations.ts';
import { firstDifference } from './sequence.ts';

const missing = kernelMissing();
const SEED = process.env.OVERLOG_SEED === undefined ? null : Number(process.env.OVERLOG_SEED);
const RUNS = Number(process.env.OVERLOG_KERNEL_RUNS ?? 150);

describe.skipIf(missing !== null)(
  `kernel overlayfs and overlog${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let kernel: Kernel;
    beforeAll(() => {
      kernel = new Kernel();
    });
    afterAll(async () => {
      await kernel.close();
    });

    it('answer every call alike and leave the same merged tree and upper, while layers grow (SEM-1)', async () => {
      await fc.assert(
        fc.asyncProperty(building, operations, operations, async (first, second, third) => {
          const lists = [withoutReservations(first), withoutReservations(second), third];
          expect(await firstDifference(kernel, lists)).toBeNull();
        }),
        { numRuns: RUNS, ...(SEED === null ? {} : { seed: SEED }) },
      );
    }, 600_000);
  },
);
