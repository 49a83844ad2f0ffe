/** Places that programs run in for a test: a directory, a store beside it, an image of this machine's programs. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { builtCommand } from './overlay-directories.ts';

const [node, main] = builtCommand;

/** Programs of this machine, with their libraries, as a root file system. */
function rootFileSystem(root: string): void {
  for (const place of ['proc', 'dev', 'sys', 'etc', 'data', 'tmp']) mkdirSync(join(root, place), { recursive: true });
  for (const program of ['/bin/sh', '/bin/cat', '/bin/sleep', '/bin/ls', '/bin/stty']) {
    const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    for (const file of [program, ...libraries]) {
      mkdirSync(dirname(root + file), { recursive: true });
      copyFileSync(file, root + file);
    }
  }
}

export interface Place {
  readonly root: string;
  readonly directory: string;
  readonly overlog: (...argv: string[]) => { stdout: string; stderr: string; status: number | null };
}

export function place(): Place {
  const root = mkdtempSync(join(tmpdir(), 'overlog-run-life-'));
  mkdirSync(join(root, 'tmp'));
  onTestFinished(() => {
    const mounted = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const at of mounted) if (at.startsWith(`${root}/`)) spawnSync('umount', ['-f', '-l', at]);
    rmSync(root, { recursive: true, force: true });
  });
  const directory = join(root, 'project');
  mkdirSync(join(directory, 'sub'), { recursive: true });
  writeFileSync(join(directory, 'kept'), 'kept\n');
  const env = { ...process.env, OVERLOG_STORE: join(root, 'store'), TMPDIR: join(root, 'tmp'), NO_COLOR: '1' };
  return {
    root,
    directory,
    overlog: (...argv) => spawnSync(node, [main, ...argv], { cwd: root, env, encoding: 'utf8' }),
  };
}

/** The same with an image `base:1`. */
export function imaged(): Place {
  const made = place();
  rootFileSystem(join(made.root, 'rootfs'));
  expect(made.overlog('load', 'rootfs', '--tag', 'base:1')).toMatchObject({ status: 0 });
  return made;
}

/** Starts the command, waits until it has said `ready`, and gives what happens afterwards. */
export const started = ({ root }: Place, argv: readonly string[]) => startedBy(node, [main, ...argv], root);

export async function startedBy(program: string, argv: readonly string[], root: string) {
  const env = { ...process.env, OVERLOG_STORE: join(root, 'store'), TMPDIR: join(root, 'tmp') };
  const child = spawn(program, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  // All of its group: a program whose mount is dead would go on.
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGKILL');
  });
  let stdout = '';
  const ended = new Promise<{ code: number | null; stdout: string }>((done) =>
    child.once('close', (code) => done({ code, stdout })),
  );
  await new Promise<void>((ready) => {
    child.stdout.on('data', (text: Buffer) => {
      stdout += String(text);
      if (stdout.includes('ready')) ready();
    });
    child.once('close', () => ready());
  });
  return { child, ended };
}
