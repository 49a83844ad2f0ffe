/** `overlog run` and `exec` as programs and people meet them: terminal, signals, volumes, places, users without privilege. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtCommand } from './overlay-directories.ts';
import { noMount } from './mounted.ts';
import { imaged, place, started, startedBy } from './run-place.ts';

const noRun = noMount ?? (existsSync(builtCommand[1]) ? null : 'there is no build: npm run build');
const [node, main] = builtCommand;

/** Shell that waits for the process whose number a file holds: the first one of a container takes all others with it. */
const untilGone = (file: string): string => `while kill -0 "$(cat ${file})" 2>/dev/null; do sleep 0.05; done`;

describe.skipIf(noRun !== null)(`a program in a container${noRun === null ? '' : ` (skipped: ${noRun})`}`, () => {
  test('starts where -w says, with the variables of -e', () => {
    const { directory, overlog } = imaged();
    const inside = overlog(
      'run',
      '--image',
      'base:1',
      '-w',
      '/etc',
      '-e',
      'K=V',
      '--',
      'sh',
      '-c',
      'pwd; echo $K $HOME',
    );
    expect(inside).toMatchObject({ stdout: '/etc\nV /root\n', status: 0 });
    const over = overlog('run', '--lower', directory, '-w', 'sub', '-e', 'K=V', '--', 'sh', '-c', 'pwd; echo $K');
    expect(over).toMatchObject({ stdout: `${directory}/sub\nV\n`, status: 0 });
  });

  test('starts in a directory that is made where it is missing, as with Docker; one that can not be is one sentence', () => {
    const { directory, overlog } = imaged();
    const missing = ['-w', '/srv/new', '--', 'sh', '-c', 'pwd; ls -ld .'];
    const inside = overlog('run', '--image', 'base:1', '--name', 'c', ...missing);
    expect(inside).toMatchObject({ stdout: expect.stringMatching(/^\/srv\/new\ndrwxr-xr-x 2 0 0 /), status: 0 });
    expect(overlog('run', '--lower', directory, ...missing).stdout).toContain(`${directory}/srv/new\n`);
    expect(existsSync(join(directory, 'srv'))).toBe(false);
    const refused = overlog('run', '--image', 'base:1', '--name', 'no', '-w', '/bin/sh/x', '--', 'ls');
    expect(refused).toMatchObject({
      stderr:
        "overlog run: the working directory /bin/sh/x of the container can't be used: something there is not a directory\n",
      status: 125,
    });
    expect(overlog('ps', '-a', '--json').stdout).not.toContain('"no"');
  });

  test('writes to volumes of -v, which stay when --rm takes the container away', () => {
    const { overlog } = imaged();
    const run = ['run', '--rm', '--image', 'base:1', '-v', 'kept:/data'];
    expect(overlog(...run, '--', 'sh', '-c', 'echo one > /data/f; echo gone > /etc/g')).toMatchObject({ status: 0 });
    expect(overlog('ps', '-a', '--json').stdout.trim()).toBe('[]');
    expect(overlog(...run, '--', 'cat', '/data/f', '/etc/g')).toMatchObject({ stdout: 'one\n', status: 1 });
    const readOnly = overlog(
      'run',
      '--rm',
      '--image',
      'base:1',
      '-v',
      'kept:/data:ro',
      '--',
      'sh',
      '-c',
      'echo > /data/f',
    );
    expect(readOnly.stderr).toContain('Read-only file system');
  });

  test.each([
    ['as its root directory', ['--image', 'base:1']],
    ['over a directory', ['--lower', 'project']],
  ])('gets signals, and its exit code comes back, with the container %s', async (_, how) => {
    const made = imaged();
    const script = 'trap "echo got; exit 7" TERM; echo ready; while :; do sleep 0.1; done';
    const { child, ended } = await started(made, ['run', ...how, '--name', 'c', '--', 'sh', '-c', script]);
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 7, stdout: 'ready\ngot\n' });
    expect(made.overlog('ps', '-a').stdout).toContain('Exited (7)');
    const killed = made.overlog('run', ...how, '--', 'sh', '-c', 'sh -c "kill -9 \\$\\$"');
    expect(killed.status).toBe(137);
  });

  test('has mount, pid and ipc namespaces of its own; with --chroot a directory is its root, too', () => {
    const { overlog } = imaged();
    const names = ['mnt', 'pid', 'ipc'].map((name) => `/proc/self/ns/${name}`);
    const host = names.map((path) => readlinkSync(path));
    const look = ['--', 'sh', '-c', `echo $$; ls -l ${names.join(' ')}`];
    for (const how of [
      ['--image', 'base:1'],
      ['--lower', 'rootfs', '--chroot'],
    ]) {
      const { stdout, status } = overlog('run', ...how, ...look);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^1\n/);
      const inside = [...stdout.matchAll(/-> (\S+)/g)].map(([, name]) => name);
      expect(inside.map((name) => name.split(':')[0]).toSorted()).toEqual(['ipc', 'mnt', 'pid']);
      expect(inside.filter((name) => host.includes(name))).toEqual([]);
    }
  });

  test.each([
    ['goes on', 'sleep 3 & exit 7', expect.stringContaining('still in c: it ends with the last of them')],
    ['does not', 'exit 7', ''],
  ])('says why it waits when something that it has started %s', (_, script, stderr) => {
    const { directory, overlog } = place();
    const ran = overlog('run', '--lower', directory, '--name', 'c', '--', 'sh', '-c', script);
    expect(ran).toMatchObject({ status: 7, stderr });
  });

  test('has a group of its own for what each process writes', () => {
    const { directory, overlog } = place();
    overlog('run', '--lower', directory, '--name', 'c', '--', 'sh', '-c', 'echo a > a; sh -c "echo b > b"; rm kept');
    const log = JSON.parse(overlog('log', '--json', '--container', 'c').stdout) as {
      cause: string[];
      group: string | null;
    }[];
    const groupOf = (path: string): string | null => log.find(({ cause }) => cause.includes(path))?.group ?? null;
    expect(groupOf('/a')).toMatch(/^run-\d+:\d+$/);
    expect(groupOf('/b')).toMatch(/^run-\d+:\d+$/);
    expect(new Set([groupOf('/a'), groupOf('/b'), groupOf('/kept')]).size).toBe(3);
  });

  test.each([
    ['a', 'new\n', true],
    ['d', null, false],
    ['k', null, true],
  ])('--try asks on a terminal, and does what the answer %j says', (answer, inDirectory, isKept) => {
    const { root, directory, overlog } = place();
    const run = `${node} ${main} run --store ${join(root, 'store')} --lower ${directory} --name c --try -- sh -c 'test -t 0 && echo new > f'`;
    const asked = spawnSync('script', ['-qec', run, '/dev/null'], {
      input: `${answer}\n`,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(asked.stdout).toContain('A /f');
    expect(asked.stdout).toContain(`keep, apply to ${directory}, or drop?`);
    expect(existsSync(join(directory, 'f')) ? readFileSync(join(directory, 'f'), 'utf8') : null).toBe(inDirectory);
    expect(overlog('ps', '-a', '--json').stdout.includes('"c"')).toBe(isKept);
  });

  test.each([
    ['as its root directory', ['--image', 'base:1'], '/etc/two'],
    ['over a directory', ['--lower', 'project'], '/two'],
  ])('is joined by exec, in its namespaces, with the container %s', async (_, how, path) => {
    const made = imaged();
    const two = how[0] === '--image' ? '/etc/two' : 'two';
    const script = `echo ready; while ! test -s ${two}; do sleep 0.05; done; cat ${two}; ${untilGone(`${two}.pid`)}`;
    const { ended } = await started(made, ['run', ...how, '--name', 'c', '--', 'sh', '-c', script]);
    const joined = made.overlog(
      'exec',
      '-e',
      'K=V',
      'c',
      '--',
      'sh',
      '-c',
      `echo $$ > ${two}.pid; echo $K > ${two}; pwd; exit 4`,
    );
    expect(joined).toMatchObject({ stdout: how[0] === '--image' ? '/\n' : `${made.directory}\n`, status: 4 });
    expect(await ended).toEqual({ code: 0, stdout: 'ready\nV\n' });
    expect(made.overlog('cat', `c:${path}`).stdout).toBe('V\n');
    expect(existsSync(join(made.directory, 'two'))).toBe(false);
  });

  test.each([
    ['as its root directory', ['--image', 'base:1'], '/'],
    ['over a directory', ['--lower', 'project'], 'project'],
  ])('runs for a user without privilege, who joins it by exec, with the container %s', async (_, how, seen) => {
    const { root, directory } = imaged();
    execFileSync('chown', ['-R', '1000:1000', root]);
    chmodSync(root, 0o755);
    const asUser = ['--reuid', '1000', '--regid', '1000', '--clear-groups', node, main];
    // /dev/fuse is for everybody on most systems; here it is made so for this program alone.
    const prepare = `mknod '${root}/fuse' c 10 229 && chmod 666 '${root}/fuse' && mount --bind '${root}/fuse' /dev/fuse &&
      exec setpriv "$@"`;
    const store = join(root, 'store');
    const script = `echo ready $$; while ! test -s two; do sleep 0.05; done; echo mine > mine; ${untilGone('two')}; exit 6`;
    const run = [...asUser, 'run', '--store', store, ...how, '--name', 'c', '--', 'sh', '-c', script];
    const { ended } = await startedBy('unshare', ['-m', 'sh', '-c', prepare, 'sh', ...run], root);
    const exec = [...asUser, 'exec', '--store', store, 'c', '--', 'sh', '-c', 'pwd; echo $$ > two; exit 4'];
    const joined = spawnSync('setpriv', exec, { encoding: 'utf8', timeout: 30_000 });
    expect(joined).toMatchObject({ status: 4, stdout: seen === '/' ? '/\n' : `${directory}\n`, stderr: '' });
    const { code, stdout } = await ended;
    expect(code).toBe(6);
    if (seen === '/') expect(stdout).toBe('ready 1\n');
    expect(existsSync(join(directory, 'mine'))).toBe(false);
    chownSync(store, 0, 0);
    expect(spawnSync(node, [main, 'cat', '--store', store, 'c:/mine'], { encoding: 'utf8' }).stdout).toBe('mine\n');
  });
});
