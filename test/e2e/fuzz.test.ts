import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { kernelMissing } from '../../src/testing/kernel/kernel-mounts.ts';
import { repositoryFile, runCommand, temporaryDirectory } from './command.ts';

const missing = kernelMissing();
const needsKernel = missing === null ? '' : ` (skipped: ${missing})`;
const COMMAND = ['--import', repositoryFile('node_modules/tsx/dist/esm/index.mjs'), repositoryFile('src/cli/main.ts')];
/** Of Debian's nobody. */
const NOBODY = '65534';
const canDrop = missing === null && spawnSync('setpriv', ['--version']).status === 0;

async function until(condition: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 600 && !condition(); tries++) await pause(50);
  return condition();
}

describe('a run of fuzz', () => {
  it.each(['self', 'model'])('against %s is repeated by its seed, document for document', async (against) => {
    const argv = ['fuzz', '--against', against, '--runs', '3', '--seed', '11', '--json'];
    const first = await runCommand(argv);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(first.stdout)).toMatchObject({ against, seed: 11, counterexample: null, file: null });
    expect(await runCommand(argv)).toEqual(first);
    const { stdout } = await runCommand(argv.map((word) => (word === '11' ? '12' : word)));
    expect(stdout).not.toBe(first.stdout);
  });

  it.skipIf(missing !== null).each(['docker', 'posix'])(
    `against the kernel in the profile %s is repeated by its seed, too${needsKernel}`,
    async (profile) => {
      const argv = ['fuzz', '--against', 'kernel', '--profile', profile, '--runs', '3', '--seed', '11', '--json'];
      const first = await runCommand(argv);
      expect(first).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await runCommand(argv)).toEqual(first);
    },
    60_000,
  );

  it('against the model in another profile than docker is a mistake in the arguments', async () => {
    const { exitCode, stderr } = await runCommand(['fuzz', '--against', 'model', '--profile', 'posix']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('docker profile alone'),
    });
  });

  it('ends with 2 where a number is none, or both limits are given', async () => {
    for (const argv of [
      ['--runs', 'x'],
      ['--seconds', '-1'],
      ['--seed', String(2 ** 31)],
      ['--runs', '1', '--seconds', '1'],
      ['--against', 'nothing'],
      ['--profile', 'nothing'],
      ['--overlay-option', 'nothing=on'],
    ])
      expect({ argv, exitCode: (await runCommand(['fuzz', ...argv])).exitCode }).toEqual({ argv, exitCode: 2 });
  });

  it.skipIf(!canDrop)(`without root says what is missing and ends with 4, since nothing differs${needsKernel}`, () => {
    const folder = temporaryDirectory();
    chmodSync(folder, 0o777);
    const program = [...COMMAND, 'fuzz', '--against', 'kernel', '--runs', '1'];
    const drop = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--', process.execPath, ...program];
    const { status, stderr, stdout } = spawnSync('setpriv', drop, {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
    });
    expect({ status, stdout, stderr }).toEqual({
      status: 4,
      stdout: '',
      stderr: 'overlog fuzz: the kernel cannot be asked: mounting an overlay needs root\n',
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('overlog'))).toEqual([]);
  });

  it.skipIf(missing !== null).each(['SIGINT', 'SIGTERM'] as const)(
    `that %s ends, as a terminal sends it, leaves no mount and no folder${needsKernel}`,
    async (signal) => {
      const folder = mkdtempSync(join(tmpdir(), 'overlog-fuzz-'));
      try {
        const user = spawn(process.execPath, [...COMMAND, 'fuzz', '--against', 'kernel', '--runs', '20000'], {
          cwd: folder,
          env: { ...process.env, TMPDIR: folder },
          stdio: 'ignore',
          detached: true, // a group of its own, of which each process gets the signal
        });
        const ended = new Promise<unknown[]>((resolve) => user.once('close', (...end) => resolve(end)));
        const isAt = (name: string): boolean =>
          readdirSync(folder).some((each) => existsSync(join(folder, each, name)));
        expect(await until(() => isAt('merged0'))).toBe(true);
        process.kill(-(user.pid as number), signal);
        const [code] = await ended;
        expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
        expect(await until(() => !readdirSync(folder).some((name) => name.startsWith('overlog-kernel-')))).toBe(true);
        expect(readdirSync(folder).filter((name) => name.endsWith('.scn'))).toEqual([]);
        expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
