import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../e2e/command.ts';
import { noMount } from '../../mount/mounted.ts';
import { builtCommand } from '../../mount/overlay-directories.ts';
import { BUSYBOX, Daemon, dockerMissing } from './daemon.ts';
import { seconds, told } from './told-events.ts';

/** The same programs in a running container of a real Docker daemon and of overlog, started by `exec` on both. */

const missing = dockerMissing() ?? noMount ?? (existsSync(builtCommand[1]) ? null : 'there is no build: npm run build');
const title = missing === null ? 'exec of Docker' : `exec of Docker (skipped: ${missing})`;

const IMAGE = 'overlog-test/exec:1';
const FIRST = ['/bin/sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'];

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let folder: string;
  let store: string;

  beforeAll(async () => {
    daemon = await Daemon.start();
    folder = mkdtempSync(join(daemon.folder, 'exec-'));
    store = join(folder, 'store');
    const archive = join(folder, 'image.tar');
    makeRoot(join(folder, 'root'));
    execFileSync('tar', ['-C', join(folder, 'root'), '-cf', join(folder, 'root.tar'), '.']);
    daemon.run('import', join(folder, 'root.tar'), IMAGE);
    daemon.run('save', '--output', archive, IMAGE);
    expect(await runCommand(['load', archive, '--store', store])).toMatchObject({ exitCode: 0 });
  }, 120_000);

  afterAll(async () => {
    await daemon?.stop();
  }, 60_000);

  const own = (...argv: readonly string[]) =>
    spawnSync(builtCommand[0], [builtCommand[1], ...argv], {
      env: { ...process.env, OVERLOG_STORE: store, NO_COLOR: '1' },
      encoding: 'utf8',
    });

  /** Starts the container on both sides; its end on ours comes with the promise. */
  async function start(name: string): Promise<{ ended: Promise<number | null>; first: number }> {
    daemon.run('run', '--detach', '--network', 'none', '--name', name, IMAGE, ...FIRST);
    const argv = [builtCommand[1], 'run', '--store', store, '--image', IMAGE, '--name', name, '--', ...FIRST];
    const child = spawn(builtCommand[0], argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
    await new Promise<void>((ready) => child.stdout.once('data', () => ready()));
    return { ended, first: child.pid ?? 0 };
  }

  interface Answer {
    readonly exitCode: number | null;
    readonly stdout: string;
    /** What refused it. */
    readonly stderr: string;
  }

  function both(name: string, ...argv: readonly string[]): { docker: Answer; overlog: Answer } {
    const theirs = daemon.try('exec', name, ...argv);
    const mine = own('exec', name, '--', ...argv);
    return {
      docker: { ...theirs, stderr: plain(theirs.stderr) },
      overlog: { exitCode: mine.status, stdout: mine.stdout, stderr: plain(mine.stderr) },
    };
  }

  const plain = (text: string): string =>
    text
      .trim()
      .replace(/^(?:Error response from daemon|overlog exec): /, '')
      .replaceAll(/\b[0-9a-f]{64}\b/g, '<id>');

  const COMMANDS: readonly (readonly string[])[] = [
    ['/bin/sh', '-c', 'echo "a  b" > /etc/written; cat /etc/written; exit 3'],
    ['/bin/true'],
    ['/bin/echo', 'x y', '', "q'r"],
    ['/bin/false'],
    ['/bin/sh', '-c', 'kill -9 $$'],
  ];

  test('does what Docker does with programs in a container, and tells the same events (SEM-2.6, SEM-2.7)', async () => {
    const since = daemon.run('info', '--format', '{{.SystemTime}}');
    const { ended, first } = await start('web');
    const answers = COMMANDS.map((argv) => both('web', ...argv));
    for (const name of ['web', '<gone>']) answers.push(both(name === 'web' ? name : 'gone', '/bin/true'));
    daemon.run('pause', 'web');
    expect(own('pause', 'web').status).toBe(0);
    answers.push(both('web', '/bin/true'));
    daemon.run('unpause', 'web');
    expect(own('unpause', 'web').status).toBe(0);
    daemon.run('kill', '--signal', 'TERM', 'web');
    process.kill(first, 'SIGTERM');
    expect(await ended).toBe(0);
    answers.push(both('web', '/bin/true'));
    const isMissing = (text: string): string =>
      text.replace(/^(?:Error: No such container: |there is no container ").*/, 'none');
    const shown = ({ exitCode, stdout, stderr }: Answer) => {
      const refusal = isMissing(stderr);
      return { exitCode: refusal === 'none' ? null : exitCode, stdout, refusal };
    };
    expect(answers.map(({ overlog }) => shown(overlog))).toEqual(answers.map(({ docker }) => shown(docker)));
    expect(answers.map(({ overlog }) => overlog.exitCode)).toEqual([3, 0, 0, 1, 137, 0, 4, 1, 1]);

    const until = daemon.run('info', '--format', '{{.SystemTime}}');
    const range = ['--since', seconds(since), '--until', seconds(until), '--filter', 'container=web'];
    const isOfExec = (line: string): boolean => /^container (?:exec_|pause|unpause|die)/.test(line);
    const theirs = told(daemon.run('events', ...range, '--format', '{{json .}}')).filter(isOfExec);
    const mine = told(own('events', '--ndjson', '--filter', 'container=web').stdout).filter(isOfExec);
    expect(mine).toEqual(theirs);
    expect(mine.length).toBe(3 * 6 + 3);
    expect(told(own('events', '--ndjson', '--filter', 'event=exec_start').stdout).length).toBe(6);
  }, 240_000);

  test('ends programs with their container, and tells it in front of the end of that (SEM-2.7)', async () => {
    const since = daemon.run('info', '--format', '{{.SystemTime}}');
    const { ended, first } = await start('taker');
    daemon.run('exec', '--detach', 'taker', '/bin/sleep', '1000');
    const joined = spawn(builtCommand[0], [
      builtCommand[1],
      'exec',
      '--store',
      store,
      'taker',
      '--',
      '/bin/sleep',
      '1000',
    ]);
    const code = new Promise<number | null>((done) => joined.once('close', (exitCode) => done(exitCode)));
    const ids = (text: string): number => (JSON.parse(text) as string[] | null)?.length ?? 0;
    while (ids(daemon.run('inspect', '--format', '{{json .ExecIDs}}', 'taker')) === 0) await sleep(50);
    const inspected = () => (JSON.parse(own('inspect', 'taker').stdout) as { ExecIDs: string[] | null }[])[0].ExecIDs;
    while (inspected() === null) await sleep(50);
    expect(inspected()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    daemon.run('kill', '--signal', 'TERM', 'taker');
    process.kill(first, 'SIGTERM');
    expect(await code).toBe(137);
    expect(await ended).toBe(0);
    while (daemon.run('inspect', '--format', '{{.State.Status}}', 'taker') !== 'exited') await sleep(50);
    const until = daemon.run('info', '--format', '{{.SystemTime}}');
    const range = ['--since', seconds(since), '--until', seconds(until), '--filter', 'container=taker'];
    const isOfEnd = (line: string): boolean => /^container (?:exec_|die)/.test(line);
    const docker = told(daemon.run('events', ...range, '--format', '{{json .}}')).filter(isOfEnd);
    expect(told(own('events', '--ndjson', '--filter', 'container=taker').stdout).filter(isOfEnd)).toEqual(docker);
    expect(inspected()).toBe(null);
    expect(daemon.run('inspect', '--format', '{{json .ExecIDs}}', 'taker')).toBe('null');
  }, 240_000);
});

function makeRoot(root: string): void {
  for (const place of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp']) mkdirSync(join(root, place), { recursive: true });
  execFileSync('cp', [BUSYBOX, join(root, 'bin/busybox')]);
  for (const name of ['sh', 'cat', 'echo', 'true', 'false', 'sleep', 'kill']) {
    execFileSync('ln', [join(root, 'bin/busybox'), join(root, 'bin', name)]);
  }
  rmSync(join(root, 'bin/busybox'));
}
