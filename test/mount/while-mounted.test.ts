/** What other processes ask and order while a container is mounted, and what becomes of open files when it goes back. */

import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isServed, mountRecords } from '../../src/entry/mount.ts';
import { builtMain } from '../e2e/command.ts';
import { mountedContainer, noMount } from './mounted.ts';

const reason = noMount ?? (existsSync(builtMain) ? null : 'there is no build: npm run build');
const title = reason === null ? 'while a container is mounted' : `while a container is mounted (skipped: ${reason})`;
const hasPython = spawnSync('python3', ['-c', '']).status === 0;

const textOf = (file: number): string => {
  const bytes = Buffer.alloc(64);
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, 64, 0));
};

/** Node has no name for it. */
const ESTALE = -116;

function refusal(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno;
  }
}

describe.skipIf(reason !== null)(title, { timeout: 300_000 }, () => {
  test('its life cycle, forks and names are changed by the process that serves it, over a socket of its owner alone', async () => {
    const { directory, run, store } = await mountedContainer();
    writeFileSync(join(directory, 'file'), 'one');
    expect(statSync(join(store, 'control.sock')).mode & 0o077).toBe(0);
    for (const verb of [
      ['start', 'web'],
      ['pause', 'web'],
      ['unpause', 'web'],
      ['stop', 'web'],
      ['rename', 'web', 'site'],
    ])
      expect(await run(...verb)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await run('ps', '-a', '--json')).stdout).toContain('"name": "site"');
    expect(await run('fork', 'site', '--as', 'copy')).toMatchObject({ exitCode: 0 });
    writeFileSync(join(directory, 'file'), 'two');
    expect((await run('cat', 'copy:/file')).stdout).toBe('one');
    expect(await run('commit', 'site', 'site:1')).toMatchObject({ exitCode: 0 });
    expect(await run('rm', 'copy')).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('two');
  });

  test('others follow its log, its sizes and its differences', async () => {
    const { directory, run, store } = await mountedContainer();
    const follower = spawn(process.execPath, [builtMain, 'log', '--follow', '--ndjson', '--store', store]);
    onTestFinished(() => void follower.kill());
    let told = '';
    follower.stdout.on('data', (text: Buffer) => (told += text.toString()));
    await expect.poll(() => told, { timeout: 60_000 }).toContain('"create"');
    writeFileSync(join(directory, 'file'), 'x'.repeat(1234));
    await expect.poll(() => told, { timeout: 60_000 }).toContain('/file');
    expect((await run('ps', '-a', '-s')).stdout).toMatch(/web.*1\.23kB/);
    expect((await run('diff', 'web')).stdout).toContain('A /file');
    expect((await run('ls', 'web:/', '--at', 'now')).stdout).toContain('file');
  });

  test('a rewind gives an open file the content that it had, and one that was not there yet is ESTALE', async () => {
    const { directory, run } = await mountedContainer();
    writeFileSync(join(directory, 'kept'), 'then');
    mkdirSync(join(directory, 'dir'));
    await run('label', 'then');
    writeFileSync(join(directory, 'kept'), 'now, and longer');
    writeFileSync(join(directory, 'later'), 'later');
    const [kept, later] = ['kept', 'later'].map((name) => openSync(join(directory, name), 'r+'));
    const file = openSync(join(directory, 'dir/in'), 'w');
    onTestFinished(() => [kept, later, file].forEach(closeSync));
    expect([textOf(kept), textOf(later)]).toEqual(['now, and longer', 'later']);
    expect((await run('rewind', 'web', 'then')).exitCode).toBe(0);
    expect([textOf(kept), fstatSync(kept).size]).toEqual(['then', 4]);
    writeSync(kept, ' on', 4);
    expect(readFileSync(join(directory, 'kept'), 'utf8')).toBe('then on');
    expect(refusal(() => writeSync(later, 'more'))).toBe(ESTALE);
    expect(refusal(() => textOf(later))).toBe(ESTALE);
    expect(refusal(() => writeSync(file, 'more'))).toBe(ESTALE);
    rmSync(join(directory, 'dir'), { recursive: true });
  });

  test.skipIf(!hasPython)('a rewind is seen through mapped memory', async () => {
    const { directory, run } = await mountedContainer();
    writeFileSync(join(directory, 'file'), 'then');
    await run('label', 'then');
    writeFileSync(join(directory, 'file'), 'late');
    const script = `import mmap, sys
with open(sys.argv[1], 'r+b') as f:
    m = mmap.mmap(f.fileno(), 4)
    print(m[:4].decode(), flush=True)
    sys.stdin.readline()
    print(m[:4].decode(), flush=True)`;
    const program = spawn('python3', ['-c', script, join(directory, 'file')]);
    let said = '';
    program.stdout.on('data', (text: Buffer) => (said += text.toString()));
    await expect.poll(() => said, { timeout: 60_000 }).toBe('late\n');
    await run('rewind', 'web', 'then');
    program.stdin.end('\n');
    await expect.poll(() => said, { timeout: 60_000 }).toBe('late\nthen\n');
  });

  test('umount tells which process has a copy in a mount namespace of its own, and the server ends with that', async () => {
    const { directory, run, store } = await mountedContainer();
    const daemon = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo ready; exec sleep 1000']);
    onTestFinished(() => void daemon.kill('SIGKILL'));
    let said = '';
    daemon.stdout.on('data', (text: Buffer) => (said += text.toString()));
    await expect.poll(() => said, { timeout: 60_000 }).toBe('ready\n');
    await expect.poll(() => readFileSync(`/proc/${daemon.pid}/comm`, 'utf8'), { timeout: 60_000 }).toBe('sleep\n');
    const [{ pid }] = mountRecords(store);
    expect(await run('umount', directory)).toEqual({
      stdout: '',
      stderr:
        `${directory} is unmounted here, but the mount namespace of process ${daemon.pid} (sleep) holds it: ` +
        `the store is open until that ends; kill ${pid} twice ends it for all\n`,
      exitCode: 0,
    });
    expect(mountRecords(store).map(isServed)).toEqual([true]);
    daemon.kill('SIGKILL');
    await expect.poll(() => mountRecords(store), { timeout: 60_000 }).toEqual([]);
    expect((await run('label', 'free')).exitCode).toBe(0);
  });

  test('umount says who is in a mount that is busy', async () => {
    const { directory, run } = await mountedContainer();
    const program = spawn('sleep', ['1000'], { cwd: directory });
    onTestFinished(() => void program.kill());
    expect(await run('umount', directory)).toEqual({
      stdout: '',
      stderr: `overlog umount: ${directory}: target is busy: process ${program.pid} (sleep) is in it; end it, or take --lazy or --force\n`,
      exitCode: 1,
    });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s unmounts it and closes the store', async (signal) => {
    const { directory, run, store } = await mountedContainer();
    await run('umount', directory);
    const server = spawn(process.execPath, [builtMain, 'mount', '--foreground', '--store', store, 'web', directory]);
    const ended = new Promise<number | null>((done) => server.once('exit', (code) => done(code)));
    let said = '';
    server.stderr.on('data', (text: Buffer) => (said += text.toString()));
    await expect.poll(() => said, { timeout: 60_000 }).toContain('is mounted at');
    expect(existsSync(join(store, 'mounts', `${server.pid}.json`))).toBe(true);
    writeFileSync(join(directory, 'file'), 'kept');
    server.kill(signal);
    expect(await ended).toBe(0);
    expect(existsSync(join(directory, 'file'))).toBe(false);
    expect(existsSync(join(store, 'mounts', `${server.pid}.json`))).toBe(false);
    expect((await run('cat', 'web:/file')).stdout).toBe('kept');
    expect((await run('label', 'free')).exitCode).toBe(0);
  });
});
