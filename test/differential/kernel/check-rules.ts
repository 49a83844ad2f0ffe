// A program: runs the scripts of rules on the kernel and on the sources that it lies beside, and prints the titles of those that
// do not hold, as JSON.
//
//   check-rules.ts [BEGINNING OF A TITLE …]

import { isDeepStrictEqual } from 'node:util';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { expectedOutcome, ruleOutcome, ruleTitle } from './rule-difference.ts';
import { RULES } from './rules.ts';

/** What is printed as JSON: titles of rules that do not hold. */
export type BrokenRules = string[];

const beginnings = process.argv.slice(2);
const asked = RULES.filter(({ title }) => beginnings.length === 0 || beginnings.some((each) => title.startsWith(each)));
const oracle = new KernelOracle();
const broken: BrokenRules = [];
try {
  for (const rule of asked) {
    // A break can make the engine throw where it would have gone wrong later; but it has to be one that can run.
    const holds = await ruleOutcome(oracle, rule).then(
      (outcome) => isDeepStrictEqual(outcome, expectedOutcome(rule)),
      (error: unknown) => {
        if (error instanceof ReferenceError) throw error;
        return false;
      },
    );
    if (!holds) broken.push(ruleTitle(rule));
  }
} finally {
  await oracle.close();
}
process.stdout.write(JSON.stringify(broken));
