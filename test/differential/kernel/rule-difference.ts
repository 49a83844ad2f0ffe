import type { Reply, Trees } from '../../../src/testing/kernel/kernel-call.ts';
import type { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import type { Rule } from './rules.ts';
import { parseScript, upperText } from './script.ts';

/** `SEM-L2, SEM-L3` */
export const ruleTitle = ({ title, id }: Rule): string =>
  `${title} (${id
    .split(', ')
    .map((each) => `SEM-${each}`)
    .join(', ')})`;

/** What a rule's script gives: a difference between the kernel and overlog, the errors of each stage, the last upper. */
export interface RuleOutcome {
  readonly difference: string | null;
  readonly errors: readonly (readonly (string | null)[])[];
  readonly upper: readonly string[];
}

/** What a rule expects, in the same shape. */
export const expectedOutcome = ({ script, upper }: Rule): RuleOutcome => ({
  difference: null,
  errors: parseScript(script).map((calls) => calls.map(({ error }) => error)),
  upper,
});

export async function ruleOutcome(oracle: KernelOracle, { script, options = '' }: Rule): Promise<RuleOutcome> {
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
  return {
    difference: difference === null ? null : `stage ${difference.stage}: ${difference.what}`,
    errors: seen.map(({ replies }) => replies.map((reply) => reply.error ?? null)),
    upper: upperText(seen.at(-1)?.trees.upper ?? []),
  };
}
