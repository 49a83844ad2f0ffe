/** `overlog run`, `exec` and `mount` on a terminal: what is typed there, its size, its end, and who has it afterwards. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryFile } from '../e2e/command.ts';
import { noMount } from './mounted.ts';
import { builtCommand } from './overlay-directories.ts';
import { imaged, place, type Place, started } from './run-place.ts';

const reason =
  noMount ??
  (existsSync(builtCommand[1]) ? null : 'there is no build: npm run build') ??
  (spawnSync('python3', ['-c', '']).status === 0 ? null : 'no python3') ??
  (spawnSync('perl', ['-e', '1']).status === 0 ? null : 'no perl');
const title = reason === null ? 'on a terminal' : `on a terminal (skipped: ${reason})`;

type Step =
  | readonly ['expect' | 'type', string]
  | readonly ['size', number, number]
  | readonly ['sleep', number]
  | readonly ['hang up'];

interface Played {
  readonly said: string;
  readonly failed?: string;
  readonly code?: number;
  readonly isAsBefore?: boolean;
}

const [CTRL_C, CTRL_D, CTRL_Z] = ['\u0003', '\u0004', '\u001A'];
const HANGUP = constants.signals.SIGHUP;
const overlog = builtCommand.join(' ');

/** Plays steps with a command line, in the place's folder. */
function play({ root }: Place, commandLine: string, steps: readonly Step[]): Played {
  const temporary = join(root, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const env = { ...process.env, OVERLOG_STORE: join(root, 'store'), TMPDIR: temporary, NO_COLOR: '1' };
  const argv = [repositoryFile('test/mount/terminal.py'), JSON.stringify(steps), 'sh', '-c', commandLine];
  const { stdout, stderr } = spawnSync('python3', argv, { cwd: root, env, encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Played;
}

/** The shell around it lives through Ctrl-C, and reads from the terminal afterwards, without control of jobs. */
const within = (commandLine: string): string =>
  `PS1='$ '; export PS1; trap : INT; ${commandLine}; echo "code $?"; read x; echo "got $x"`;
const AFTERWARDS: readonly Step[] = [
  ['type', 'hello\r'],
  ['expect', 'got hello'],
];

/** A shell's user: interrupts, stops and goes on with programs, and changes the size of the window. */
const SESSION: readonly Step[] = [
  ['expect', '$ '],
  ['type', 'cat\r'],
  ['type', 'line\r'],
  ['expect', 'line\r\nline\r\n'],
  ['type', CTRL_C],
  ['expect', '$ '],
  ['type', 'echo was $?\r'],
  ['expect', 'was 130\r\n$ '],
  ['type', '(trap "echo caught; exit 3" INT; echo ready; while :; do sleep 0.1; done)\r'],
  ['expect', 'ready\r\n'],
  ['type', CTRL_C],
  ['expect', 'caught\r\n$ '],
  ['type', 'echo was $?\r'],
  ['expect', 'was 3\r\n$ '],
  ['type', 'cat\r'],
  ['type', 'one\r'],
  ['expect', 'one\r\none\r\n'],
  ['type', CTRL_Z],
  ['expect', 'Stopped'],
  ['expect', '$ '],
  ['type', 'fg\r'],
  ['expect', 'fg\r\n'],
  ['expect', 'cat\r\n'],
  ['type', 'two\r'],
  ['expect', 'two\r\ntwo\r\n'],
  ['type', CTRL_D],
  ['expect', '$ '],
  ['type', 'trap "echo sized" WINCH; echo set\r'],
  ['expect', 'set\r\n$ '],
  ['size', 33, 77],
  ['type', 'stty size\r'],
  ['expect', 'sized\r\n'],
  ['expect', '$ '],
  ['type', 'stty size\r'],
  ['expect', '33 77\r\n$ '],
  ['type', 'exit 5\r'],
  ['expect', 'code 5'],
  ...AFTERWARDS,
];

/** Nothing is left of what ran. */
function expectClean({ root }: Place): void {
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(root);
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  const mounts = join(root, 'store', 'mounts');
  expect(existsSync(mounts) ? readdirSync(mounts).filter((name) => name.endsWith('.json')) : []).toEqual([]);
}

describe.skipIf(reason !== null)(title, { timeout: 300_000 }, () => {
  test.each([
    ['without overlog', 'sh -i'],
    ['over a directory', `${overlog} run --lower project -- sh -i`],
    ['with an image as its root', `${overlog} run --image base:1 -e PS1="$PS1" -- sh -i`],
  ])('a shell has its jobs, Ctrl-C, Ctrl-Z, the size and its exit code, and the terminal goes back: %s', (_, shell) => {
    const made = imaged();
    expect(play(made, within(shell), SESSION)).toMatchObject({ code: 0, isAsBefore: true });
    expectClean(made);
  });

  test.each([
    ['as its root directory', ['--image', 'base:1']],
    ['over a directory', ['--lower', 'project']],
  ])('so has one that joins a container by exec, with the container %s', async (_, how) => {
    const made = imaged();
    const script = 'echo ready; while ! test -s end; do sleep 0.05; done';
    const { ended } = await started(made, ['run', ...how, '--name', 'c', '--', 'sh', '-c', script]);
    const shell = `${overlog} exec -e PS1="$PS1" c -- sh -i`;
    expect(play(made, within(shell), SESSION)).toMatchObject({ code: 0, isAsBefore: true });
    expect(made.overlog('exec', 'c', '--', 'sh', '-c', 'echo > end')).toMatchObject({ status: 0 });
    expect((await ended).code).toBe(0);
    expectClean(made);
  });

  test.each([
    ['over a directory', '--lower project', ''],
    ['over a directory, with stdin from elsewhere', '--lower project', ' < /dev/null'],
    ['with an image as its root', '--image base:1', ''],
  ])('Ctrl-C reaches a program once: %s', (_, how, from) => {
    const made = imaged();
    // It is awake all the time: two signals that come while it waits are one to it.
    const script = 'trap "echo caught" INT; echo ready; i=0; while test $i -lt 1000000; do i=$((i+1)); done; exit 3';
    const steps: Step[] = [['expect', 'ready\r\n'], ['type', CTRL_C], ['expect', 'code 3'], ...AFTERWARDS];
    const played = play(made, within(`${overlog} run ${how} --name c -- sh -c '${script}'${from}`), steps);
    expect(played).toMatchObject({ code: 0, isAsBefore: true });
    expect(played.said.match(/caught/g)).toHaveLength(1);
    expect(made.overlog('ps', '-a').stdout).toContain('Exited (3)');
    expectClean(made);
  });

  test('Ctrl-C ends a program that does not handle it, with 130', () => {
    const made = place();
    const steps: Step[] = [['expect', 'ready'], ['type', CTRL_C], ['expect', 'code 130'], ...AFTERWARDS];
    const program = `sh -c 'echo ready; exec sleep 60'`;
    expect(play(made, within(`${overlog} run --lower project -- ${program}`), steps)).toMatchObject({ code: 0 });
    expect(made.overlog('ps', '-a').stdout).toContain('Exited (130)');
    expectClean(made);
  });

  test('a terminal that hangs up ends the shell, and the mount with it', () => {
    const made = place();
    const steps: Step[] = [
      ['expect', '$ '],
      ['type', 'echo new > f; echo do""ne\r'],
      ['expect', 'done\r\n'],
      ['hang up'],
    ];
    const shell = `PS1='$ '; export PS1; exec ${overlog} run --lower project --name c -- sh -i`;
    expect(play(made, shell, steps).code).toBe(-HANGUP);
    expect(made.overlog('cat', 'c:/f').stdout).toBe('new\n');
    expect(made.overlog('ps', '-a').stdout).toContain('Exited');
    expectClean(made);
  });

  test.each([
    ['Ctrl-C', ['type', CTRL_C], 0],
    ['Ctrl-D', ['type', CTRL_D], 0],
    ['the end of the terminal', ['hang up'], -HANGUP],
  ] as const)('%s at the question of --try keeps the container', (_, step, code) => {
    const made = place();
    const run = `exec ${overlog} run --lower project --name c --try -- sh -c 'echo new > f'`;
    const played = play(made, run, [['expect', 'or drop? '], step]);
    expect(played.code).toBe(code);
    if (step[0] === 'type') expect(played).toMatchObject({ isAsBefore: true, said: expect.stringContaining('kept') });
    expect(made.overlog('cat', 'c:/f').stdout).toBe('new\n');
    expect(existsSync(join(made.directory, 'f'))).toBe(false);
    expectClean(made);
  });

  test.each([
    ['Ctrl-C', ['type', CTRL_C], 0],
    ['the end of the terminal', ['hang up'], -HANGUP],
  ] as const)('%s unmounts what mount --foreground and overlay --foreground serve', (_, step, code) => {
    const made = place();
    mkdirSync(join(made.root, 'mnt'));
    expect(made.overlog('load', 'project', '--tag', 'base:1')).toMatchObject({ status: 0 });
    expect(made.overlog('create', '--name', 'c', 'base:1')).toMatchObject({ status: 0 });
    const mount = `exec ${overlog} mount --foreground c mnt`;
    expect(play(made, mount, [['expect', 'is mounted at'], step]).code).toBe(code);
    for (const name of ['upper', 'work']) mkdirSync(join(made.root, name));
    const overlay = `exec ${overlog} overlay --foreground -o lowerdir=project,upperdir=upper,workdir=work mnt`;
    expect(play(made, overlay, [['expect', 'is mounted at'], step]).code).toBe(code);
    expectClean(made);
  });

  test('Ctrl-C while mount(8) runs lets it end, and takes the mount back', () => {
    const made = place();
    const slow = join(made.root, 'bin');
    mkdirSync(slow);
    const script = `#!/bin/sh\nPATH=\${PATH#*:}; echo mounting >"$TERMINAL"; sleep 1; exec mount "$@"\n`;
    writeFileSync(join(slow, 'mount'), script, { mode: 0o755 });
    const steps: Step[] = [['expect', 'mounting'], ['type', CTRL_C], ['expect', 'code '], ...AFTERWARDS];
    const run = `TERMINAL=$(tty) PATH=${slow}:$PATH ${overlog} run --lower project --name c -- sleep 60`;
    expect(play(made, within(run), steps)).toMatchObject({ code: 0, said: expect.stringContaining('code 130') });
    expectClean(made);
  });

  test.each([0.3, 0.6, 0.9, 1.2, 1.5])('Ctrl-C while it starts leaves nothing that runs (after %d s)', (seconds) => {
    const made = place();
    const steps: Step[] = [['sleep', seconds], ['type', CTRL_C], ['expect', 'code '], ...AFTERWARDS];
    const run = `${overlog} run --lower project --name c -- sleep 60`;
    expect(play(made, within(run), steps)).toMatchObject({ code: 0, said: expect.stringContaining('code 130') });
    if (existsSync(join(made.root, 'store'))) expect(made.overlog('ps', '-a').stdout).not.toContain(' Up ');
    expectClean(made);
  });
});
