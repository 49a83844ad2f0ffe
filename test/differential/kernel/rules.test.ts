import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { expectedOutcome, ruleOutcome, ruleTitle } from './rule-difference.ts';
import { RULES } from './rules.ts';

const missing = kernelMissing();

describe.skipIf(missing !== null)(
  `each rule, on the kernel and on overlog${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let oracle: KernelOracle;
    beforeAll(() => {
      oracle = new KernelOracle();
    });
    afterAll(async () => {
      await oracle.close();
    });

    for (const rule of RULES) {
      it(ruleTitle(rule), async () => {
        expect(await ruleOutcome(oracle, rule)).toEqual(expectedOutcome(rule));
      });
    }
  },
);
