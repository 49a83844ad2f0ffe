import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';

const script = fileURLToPath(new URL('local-file-system.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const title = noMount === null ? 'a mount at its limits' : `a mount at its limits (skipped: ${noMount})`;

/** Names in one directory; a long run takes OVERLOG_NAMES=100000. */
const NAMES = process.env['OVERLOG_NAMES'] ?? '3000';

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'overlog-limits-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A program that stays in a directory, until the test ends. */
async function programIn(directory: string): Promise<void> {
  const program = spawn('sh', ['-c', 'echo here; exec sleep 600'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  await new Promise<void>((said) => program.stdout.once('data', () => said()));
}

/** Each mount is a process that starts from the sources. */
const TIMEOUT_MS = 600_000;
const PATIENCE = { timeout: 60_000 };

describe.skipIf(noMount !== null)(title, { timeout: TIMEOUT_MS }, () => {
  test.skipIf(!hasPython)(
    'it does what a local file system does: large directories and files, appends, locks, shared memory, seekdir, bytes, ACLs',
    async () => {
      const { directory, run } = await mountedContainer();
      const { stdout } = await promisify(execFile)('python3', [script, directory, NAMES]);
      const lines = stdout.trim().split('\n');
      expect(lines).toHaveLength(8);
      for (const line of lines) expect(line).toMatch(/^\w+ ok$/);
      expect((await run('umount', directory)).exitCode).toBe(0);
      expect((await run('verify')).exitCode).toBe(0);
    },
  );

  test('a full store disk is ENOSPC to the program, and what was there before can be read', async () => {
    const disk = temporary();
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', disk]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', ['-l', disk]));
    const { directory, run } = await mountedContainer({ store: join(disk, 'store') });
    writeFileSync(join(directory, 'before'), 'kept');
    const { blocks, bsize, bavail } = statfsSync(directory);
    expect(blocks * bsize).toBe(8 * 2 ** 20);
    expect(bavail).toBe(statfsSync(disk).bavail);
    const written = spawnSync('dd', ['if=/dev/urandom', `of=${join(directory, 'large')}`, 'bs=1M', 'count=16'], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    expect(written.stderr).toContain('No space left on device');
    expect(readFileSync(join(directory, 'before'), 'utf8')).toBe('kept');
    expect(() => writeFileSync(join(directory, 'after'), 'x')).toThrow(/ENOSPC|EIO/);
    spawnSync('umount', [directory]);
    await expect
      .poll(() => run('mounts', '--json').then(({ stdout }) => JSON.parse(stdout) as unknown[]), PATIENCE)
      .toEqual([]);
    expect((await run('cat', 'web:/before')).stdout).toBe('kept');
    expect((await run('verify')).exitCode).toBe(0);
  });

  test('what programs are in is unmounted with --lazy when they leave, and with --force at once', async () => {
    const { directory, run, mount } = await mountedContainer();
    await programIn(directory);
    const busy = await run('umount', directory);
    expect([busy.exitCode, busy.stderr]).toEqual([1, expect.stringContaining('take --lazy or --force')]);
    expect((await run('umount', '--force', directory)).exitCode).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
    expect(mount('web', directory).exitCode).toBe(0);
    writeFileSync(join(directory, 'file'), 'x');
    expect((await run('umount', '--lazy', directory)).exitCode).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
    await expect
      .poll(() => run('mounts', '--json').then(({ stdout }) => JSON.parse(stdout) as unknown[]), PATIENCE)
      .toEqual([]);
    expect((await run('cat', 'web:/file')).stdout).toBe('x');
  });

  test('a container that was removed is mounted as it was', async () => {
    const { directory, run, mount } = await mountedContainer();
    writeFileSync(join(directory, 'file'), 'rows');
    await run('umount', directory);
    await run('label', 'before-rm');
    expect((await run('rm', 'web')).exitCode).toBe(0);
    expect(mount('web', directory)).toMatchObject({ exitCode: 4 });
    expect(mount('web@before-rm', directory)).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('rows');
  });

  test('a volume is a part of the mount, with numbers of its own, and outlives the container', async () => {
    const { directory, run, mount } = await mountedContainer({ image: temporary() });
    await run('umount', directory);
    expect(await run('create', '--name', 'db', '-v', 'rows:/data', 'base:1')).toMatchObject({ exitCode: 0 });
    expect(mount('db', directory).exitCode).toBe(0);
    mkdirSync(join(directory, 'data/sub'));
    writeFileSync(join(directory, 'data/sub/file'), 'rows');
    const moved = spawnSync('python3', ['-c', 'import os; os.rename("data/sub/file", "file")'], {
      cwd: directory,
      encoding: 'utf8',
    });
    if (hasPython) expect(moved.stderr).toContain('Invalid cross-device link');
    expect(() => rmSync(join(directory, 'data'), { recursive: true })).toThrow('EBUSY');
    writeFileSync(join(directory, 'data/again'), 'rows');
    expect(await run('umount', directory)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await run('rm', 'db')).toMatchObject({ exitCode: 0 });
    expect(await run('create', '--name', 'db2', '-v', 'rows:/data', 'base:1')).toMatchObject({ exitCode: 0 });
    expect(mount('db2', directory)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(existsSync(join(directory, 'data/again'))).toBe(true);
  });

  test('who may not lock the store is told who has it', async () => {
    const { run, mount, store } = await mountedContainer();
    const elsewhere = join(store, '../elsewhere');
    mkdirSync(elsewhere);
    const second = mount('web', elsewhere);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(/^overlog mount: [^\n]*locked[^\n]*\n$/);
    expect(JSON.parse((await run('mounts', '--json')).stdout)).toHaveLength(1);
  });
});
