import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CommandResult, runCommand, spawnCommand } from '../e2e/command.ts';
import { noMount } from './mounted.ts';

const title = noMount === null ? 'overlog run' : `overlog run (skipped: ${noMount})`;

/** A directory to work in, a store beside it, and the command. */
function project(): {
  directory: string;
  run: (...argv: string[]) => CommandResult;
  ask: (...argv: string[]) => Promise<CommandResult>;
} {
  const root = mkdtempSync(join(tmpdir(), 'overlog-run-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const directory = join(root, 'project');
  mkdirSync(directory);
  writeFileSync(join(directory, 'kept'), 'kept\n');
  writeFileSync(join(directory, 'changed'), 'before\n');
  const store = join(root, 'store');
  return {
    directory,
    run: (...argv) => spawnCommand(root, ['run', '--store', store, ...argv]),
    ask: (...argv) => runCommand([...argv, '--store', store]),
  };
}

describe.skipIf(noMount !== null)(title, { timeout: 300_000 }, () => {
  test('over a directory, a program sees its own paths, the directory stays as it is, and the exit code comes back', async () => {
    const { directory, run, ask } = project();
    const result = run('--lower', directory, '--name', 'work', '--', 'sh', '-c', 'pwd; echo after > changed; exit 3');
    expect(result).toMatchObject({ stdout: `${directory}\n`, exitCode: 3 });
    expect(readFileSync(join(directory, 'changed'), 'utf8')).toBe('before\n');
    expect((await ask('cat', 'work:/changed')).stdout).toBe('after\n');
    expect((await ask('ps', '-a')).stdout).toContain('Exited (3)');
    const log = (await ask('log', '--container', 'work')).stdout;
    expect(log).toMatch(/container started[\s\S]*file copied up[\s\S]*container stopped/);
  });

  test('a container that was made of a directory is gone on with over that directory', () => {
    const { directory, run } = project();
    run('--lower', directory, '--name', 'work', '--', 'rm', 'kept');
    expect(run('--name', 'work', '--', 'sh', '-c', 'pwd; ls')).toMatchObject({
      stdout: `${directory}\nchanged\n`,
      exitCode: 0,
    });
    rmSync(directory, { recursive: true });
    const gone = run('--name', 'work', '--', 'true');
    expect(gone).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('which the container was made of') });
  });

  test('--try=drop leaves neither a trace in the directory nor a container', async () => {
    const { directory, run, ask } = project();
    const result = run('--lower', directory, '--name', 'work', '--try=drop', '--', 'rm', 'kept');
    expect(result).toMatchObject({ stdout: 'D /kept\t-5\n', exitCode: 0 });
    expect(readFileSync(join(directory, 'kept'), 'utf8')).toBe('kept\n');
    expect((await ask('ps', '-a', '--json')).stdout.trim()).toBe('[]');
  });

  test('apply writes what changed, and leaves what has drifted as it is', async () => {
    const { directory, run, ask } = project();
    run(
      '--lower',
      directory,
      '--name',
      'work',
      '--',
      'sh',
      '-c',
      'echo after > changed; rm kept; mkdir -p a/b; echo new > a/b/c',
    );
    writeFileSync(join(directory, 'changed'), 'somebody else\n');
    const dry = await ask('apply', '--dry-run', 'work', directory);
    const done = await ask('apply', 'work', directory);
    expect(dry).toEqual(done);
    expect(done.exitCode).toBe(1);
    expect(done.stderr).toBe('left as it is: /changed has other content there\n');
    expect(readFileSync(join(directory, 'changed'), 'utf8')).toBe('somebody else\n');
    expect(readFileSync(join(directory, 'a/b/c'), 'utf8')).toBe('new\n');
    expect(() => readFileSync(join(directory, 'kept'))).toThrow('ENOENT');
    // A second time nothing is left to do.
    expect((await ask('apply', 'work', directory)).stderr).toBe(done.stderr);
  });

  test('what can not run is refused in one sentence', () => {
    const { directory, run } = project();
    expect(run('--', 'true')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--image or --lower') });
    for (const lower of [join(directory, 'kept'), join(directory, 'nowhere')]) {
      const stderr = expect.stringContaining(`--lower ${lower} is not there, or is not a directory`);
      expect(run('--lower', lower, '--', 'true')).toMatchObject({ exitCode: 2, stderr });
    }
    expect(run('--lower', directory)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no program') });
  });
});
