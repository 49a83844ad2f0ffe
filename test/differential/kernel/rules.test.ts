import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reply, Trees } from '../../../src/testing/kernel/kernel-call.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { RULES } from './rules.ts';
import { parseScript, upperText } from './script.ts';

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

    for (const { id, title, script, upper, options = '' } of RULES) {
      it(`${title} (${id
        .split(', ')
        .map((each) => `SEM-${each}`)
        .join(', ')})`, async () => {
        const stages = parseScript(script);
        const profile = {
          redirectDir: options.includes('r'),
          index: options.includes('i'),
          metacopy: options.includes('m'),
        };
        const seen: { replies: readonly Reply[]; trees: Trees }[] = [];
        const difference = await oracle.compare(
          { profile, stages: stages.map((calls) => calls.map(({ call }) => call)) },
          { onStage: (stage) => seen.push(stage) },
        );
        expect(difference).toBeNull();
        for (const [index, calls] of stages.entries()) {
          const errors = seen[index].replies.map((reply) => reply.error ?? null);
          expect(errors).toEqual(calls.map(({ error }) => error));
        }
        expect(upperText(seen.at(-1)?.trees.upper ?? [])).toEqual(upper);
      });
    }
  },
);
