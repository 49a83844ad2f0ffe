import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';

const script = fileURLToPath(new URL('stress.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', 'import os; os.copy_file_range']).status === 0;
const reason = noMount ?? (hasPython ? null : 'no python3');
const title = reason === null ? 'random operations' : `random operations (skipped: ${reason})`;

/** More of each by the environment: a long run takes OVERLOG_STRESS=20000. */
const OPERATIONS = process.env['OVERLOG_STRESS'] ?? '1500';
const PROCESSES = 4;

async function stress(directory: string, seed: number): Promise<string> {
  mkdirSync(directory);
  const { stdout } = await promisify(execFile)('python3', [script, directory, String(seed), OPERATIONS], {
    maxBuffer: 2 ** 28,
  });
  return stdout;
}

describe.skipIf(reason !== null)(title, () => {
  test(
    'four processes at once get the answers that the host file system gives, and leave the same trees',
    { timeout: 3_600_000 },
    async () => {
      const { directory, run } = await mountedContainer();
      const oracle = mkdtempSync(join(tmpdir(), 'overlog-oracle-'));
      onTestFinished(() => rmSync(oracle, { recursive: true, force: true }));
      const first = Number(process.env['OVERLOG_STRESS_SEED'] ?? Math.floor(Math.random() * 1e6));
      const seeds = Array.from({ length: PROCESSES }, (_, index) => first + index);
      const mounted = await Promise.all(seeds.map((seed) => stress(join(directory, `s${seed}`), seed)));
      for (const [index, seed] of seeds.entries()) {
        const expected = await stress(join(oracle, `s${seed}`), seed);
        expect(mounted[index], `OVERLOG_STRESS_SEED=${first} OVERLOG_STRESS=${OPERATIONS}`).toBe(expected);
      }
      await run('umount', directory);
      expect((await run('verify')).exitCode).toBe(0);
    },
  );
});
