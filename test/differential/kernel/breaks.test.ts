import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCKER_PROFILE } from '../../../src/events/overlay-profile.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { type Break, BREAKS } from './breaks.ts';
import { BrokenCopy, occurrences } from './broken-copy.ts';
import type { Hunt } from './hunt.ts';

const HUNT = 'test/differential/kernel/hunt.ts';
const SEED = Number(process.env.OVERLOG_SEED ?? 1);
/** Ten searches, the longest of several minutes: they run when they are asked for. */
const missing = process.env.OVERLOG_BREAKS === undefined ? 'OVERLOG_BREAKS is not set' : kernelMissing();

/** Hunts in a copy of the sources with one change in it. */
function huntIn(copy: BrokenCopy, change: Break): Hunt {
  expect({ ...change, occurrences: occurrences(change) }).toEqual({ ...change, occurrences: 1 });
  return copy.during(change, (folder) => {
    const program = ['--import', 'tsx', join(folder, HUNT), String(SEED), '2000'];
    return JSON.parse(execFileSync(process.execPath, program, { cwd: folder, encoding: 'utf8' })) as Hunt;
  });
}

describe.skipIf(missing !== null)(
  `a break of the engine is found within 2,000 sequences, by at most 6 calls${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let oracle: KernelOracle;
    let copy: BrokenCopy;
    beforeAll(() => {
      oracle = new KernelOracle();
      copy = new BrokenCopy();
    });
    afterAll(async () => {
      copy.remove();
      await oracle.close();
    });

    it.each(BREAKS)(
      '$name',
      async (each) => {
        const hunt = huntIn(copy, each);
        if (process.env.OVERLOG_KERNEL_TALK !== undefined)
          process.stderr.write(`${each.name}: ${JSON.stringify(hunt)}\n`);
        const seen = { ...hunt, isFound: hunt.calls > 0, isSmall: hunt.calls <= 6 };
        expect(seen).toMatchObject({ isFound: true, isSmall: true });
        // What was found is the break, and no difference that is there without it.
        expect(await oracle.compare({ profile: DOCKER_PROFILE, stages: hunt.stages })).toBeNull();
      },
      600_000,
    );
  },
);
