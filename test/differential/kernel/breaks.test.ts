import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCKER_PROFILE } from '../../../src/events/overlay-profile.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { type Break, BREAKS } from './breaks.ts';
import type { Hunt } from './hunt.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const HUNT = 'test/differential/kernel/hunt.ts';
const SEED = Number(process.env.OVERLOG_SEED ?? 1);
/** Ten searches, the longest of several minutes: they run when they are asked for. */
const missing = process.env.OVERLOG_BREAKS === undefined ? 'OVERLOG_BREAKS is not set' : kernelMissing();

/** Hunts in a copy of the sources with one change in it. */
function huntIn({ file, find, replace }: Break): Hunt {
  const copy = mkdtempSync(join(tmpdir(), 'overlog-break-'));
  try {
    for (const each of ['src', HUNT, 'package.json', 'tsconfig.json'])
      cpSync(join(ROOT, each), join(copy, each), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const source = readFileSync(join(copy, 'src', file), 'utf8');
    expect({ file, find, occurrences: source.split(find).length - 1 }).toEqual({ file, find, occurrences: 1 });
    writeFileSync(
      join(copy, 'src', file),
      source.replace(find, () => replace),
    );
    const program = ['--import', 'tsx', join(copy, HUNT), String(SEED), '2000'];
    return JSON.parse(execFileSync(process.execPath, program, { cwd: copy, encoding: 'utf8' })) as Hunt;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

describe.skipIf(missing !== null)(
  `a break of the engine is found within 2,000 sequences, by at most 6 calls${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let oracle: KernelOracle;
    beforeAll(() => {
      oracle = new KernelOracle();
    });
    afterAll(() => oracle.close());

    it.each(BREAKS)(
      '$name',
      async (each) => {
        const hunt = huntIn(each);
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
