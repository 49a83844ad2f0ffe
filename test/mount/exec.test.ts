/** `overlog exec`: what the log has of a program that joins a container. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';
import { builtCommand } from './overlay-directories.ts';

const reason = noMount ?? (existsSync(builtCommand[1]) ? null : 'there is no build: npm run build');
const [node, main] = builtCommand;

interface Told {
  readonly cause: readonly (string | number)[];
  readonly group: string | null;
}

describe.skipIf(reason !== null)(`overlog exec${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  test('has its start in the group that its program writes in, and groups of the same stem for what that starts', async () => {
    const { store, run, directory } = await mountedContainer();
    const env = { ...process.env, OVERLOG_STORE: store };
    const overlog = (...argv: string[]) => spawnSync(node, [main, ...argv], { env, encoding: 'utf8' });
    const refused = overlog('exec', 'web', '--', 'true');
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^overlog exec: Container .{64} is not running\n$/),
    });
    expect(overlog('start', 'web').status).toBe(0);
    // The container has no program of its own, so the shell is one of this machine, which writes into the mount.
    const begun = spawn(
      'sh',
      ['-c', `read -r line; echo a > ${directory}/a; sh -c "echo b > ${directory}/b"; echo done; read -r line`],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const told = overlog('exec', '--begin', '--pid', String(begun.pid), 'web', '--', 'sh', '-c', 'work');
    const exec = told.stdout.trim();
    expect(exec).toMatch(/^[0-9a-f]{64}$/);
    const done = new Promise<void>((ready) => begun.stdout.once('data', () => ready()));
    begun.stdin.write('\n');
    await done;
    const log = JSON.parse((await run('log', '--json', '--container', 'web')).stdout) as Told[];
    const groupOf = (word: string): string | null => log.find(({ cause }) => cause.includes(word))?.group ?? null;
    const stem = /^(exec-\d+):/.exec(groupOf('exec') ?? '')?.[1] ?? '';
    const index = log.findIndex(({ cause }) => cause[0] === 'exec');
    expect(stem).toBe(`exec-${(log[index] as unknown as { seq: number }).seq}`);
    expect([groupOf('exec'), groupOf('/a')]).toEqual([`${stem}:${begun.pid}`, `${stem}:${begun.pid}`]);
    expect(groupOf('/b')).toMatch(new RegExp(`^${stem}:\\d+$`));
    expect(groupOf('/b')).not.toBe(groupOf('/a'));
    begun.stdin.end();
    expect(overlog('exec', '--end', exec, '--exit-code', '3', 'web')).toMatchObject({ status: 0, stdout: '' });
    expect(overlog('exec', '--end', exec, 'web')).toMatchObject({ status: 4 });
    expect((await run('log', '--container', 'web')).stdout).toContain('exec ended with 3');
  });

  test('of a program that can not be started tells its end, with 127', async () => {
    const { store, run } = await mountedContainer();
    const env = { ...process.env, OVERLOG_STORE: store };
    await run('start', 'web');
    const tried = spawnSync(node, [main, 'exec', 'web', '--', 'nothing'], { env, encoding: 'utf8' });
    expect(tried).toMatchObject({ status: 127, stderr: expect.stringContaining('nothing') });
    expect((await run('events', '--filter', 'event=exec_die')).stdout).toMatch(/exitCode=127/);
  });
});
