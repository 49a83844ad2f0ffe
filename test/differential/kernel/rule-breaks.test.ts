import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { BrokenCopy, occurrences } from './broken-copy.ts';
import type { BrokenRules } from './check-rules.ts';
import { CALL_BREAKS } from './rule-breaks/of-calls.ts';
import { COPY_UP_BREAKS } from './rule-breaks/of-copy-up.ts';
import { NAME_BREAKS } from './rule-breaks/of-names.ts';
import { TEST_BREAKS } from './rule-breaks/of-other-tests.ts';
import { RULES } from './rules.ts';

const RULE_BREAKS = [...COPY_UP_BREAKS, ...NAME_BREAKS, ...CALL_BREAKS];
const PROGRAM = 'test/differential/kernel/check-rules.ts';
/** A program for each takes minutes altogether: they run when they are asked for. */
const missing = process.env.OVERLOG_BREAKS === 'rules' ? kernelMissing() : 'OVERLOG_BREAKS is not "rules"';

describe('the breaks of the rules', () => {
  it.each([...RULE_BREAKS, ...TEST_BREAKS])('can be made: $name', (each) => {
    expect(occurrences(each)).toBe(1);
    expect(each.replace).not.toBe(each.find);
  });

  it('name rules that there are, and leave out none', () => {
    const shown = RULE_BREAKS.flatMap(({ shows }) => shows);
    expect(shown.filter((each) => RULES.filter(({ title }) => title.startsWith(each)).length !== 1)).toEqual([]);
    const unseen = RULES.filter(({ title }) => !shown.some((each) => title.startsWith(each)));
    expect(unseen.map(({ title }) => title)).toEqual([]);
  });
});

describe.skipIf(missing !== null)(
  `a rule does not hold where it is broken${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let copy: BrokenCopy;
    beforeAll(() => {
      copy = new BrokenCopy();
    });
    afterAll(() => copy.remove());

    it.each(RULE_BREAKS)(
      '$name',
      (each) => {
        const argv = ['--import', 'tsx', join(copy.folder, PROGRAM), ...each.shows];
        const broken = copy.during(each, (cwd) =>
          execFileSync(process.execPath, argv, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
        );
        const titles = JSON.parse(broken) as BrokenRules;
        const missed = each.shows.filter((beginning) => !titles.some((title) => title.startsWith(beginning)));
        expect(missed).toEqual([]);
      },
      120_000,
    );

    it.each(TEST_BREAKS)(
      '$rule: $name',
      (each) => {
        const argv = ['node_modules/vitest/vitest.mjs', 'run', each.test, '-t', each.title, '--reporter=json'];
        const { stdout } = copy.during(each, (cwd) =>
          spawnSync(process.execPath, argv, { cwd, encoding: 'utf8', env: { ...process.env, OVERLOG_SEED: '1' } }),
        );
        const { numFailedTests, numPassedTests } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
          numFailedTests: number;
          numPassedTests: number;
        };
        expect({ numFailedTests, numPassedTests }).toEqual({ numFailedTests: 1, numPassedTests: 0 });
      },
      300_000,
    );
  },
);
