import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { kernelMissing, KernelMounts } from '../../../src/testing/kernel/kernel-mounts.ts';

const missing = kernelMissing();
const HUNT = fileURLToPath(new URL('hunt.ts', import.meta.url));

async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 600 && !condition(); tries++) await pause(50);
  return condition();
}

describe.skipIf(missing !== null)(
  `the oracle's folder and mounts${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
      'are gone when its user ends by %s',
      async (signal) => {
        const folder = mkdtempSync(join(tmpdir(), 'overlog-clean-up-'));
        try {
          const program = ['--import', 'tsx', HUNT, '1', '2000'];
          const user = spawn(process.execPath, program, { env: { ...process.env, TMPDIR: folder }, stdio: 'ignore' });
          const ended = new Promise((resolve) => user.once('close', resolve));
          expect(await until(() => readdirSync(folder).some((name) => existsSync(join(folder, name, 'merged0'))))).toBe(
            true,
          );
          user.kill(signal);
          await ended;
          expect(await until(() => !readdirSync(folder).some((name) => name.startsWith('overlog-kernel-')))).toBe(true);
          expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
      120_000,
    );

    it('stay inside of it: a name that leads out is refused, and the folder goes', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'overlog-clean-up-'));
      try {
        const kernel = new KernelMounts(folder);
        await expect(kernel.drop(['../outside'])).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
        await kernel.close();
        expect(readdirSync(folder)).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
