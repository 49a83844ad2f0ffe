import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';

const title = noMount === null ? 'a mounted container' : `a mounted container (skipped: ${noMount})`;

/** A directory with two names of one file, which becomes an image. */
function rootfs(): string {
  const root = mkdtempSync(join(tmpdir(), 'overlog-rootfs-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/motd'), 'hello\n');
  linkSync(join(root, 'etc/motd'), join(root, 'etc/issue'));
  return root;
}

describe.skipIf(noMount !== null)(title, () => {
  test('programs read the image, and what they write is in the log under the path and the process', async () => {
    const { directory, run } = await mountedContainer({ image: rootfs() });
    expect(readFileSync(join(directory, 'etc/motd'), 'utf8')).toBe('hello\n');
    const written = spawnSync('sh', ['-c', 'echo $$; echo one > etc/made'], { cwd: directory, encoding: 'utf8' });
    await run('umount', directory);
    expect(existsSync(join(directory, 'etc'))).toBe(false);
    expect((await run('cat', 'web:/etc/made')).stdout).toBe('one\n');
    const log = (await run('log', '--ndjson', '--container', 'web')).stdout;
    const writes = log.split('\n').filter((line) => line.includes('/etc/made'));
    expect(writes.length).toBeGreaterThan(0);
    for (const line of writes) expect(line).toContain(`:${written.stdout.trim()}"`);
    expect((await run('verify')).exitCode).toBe(0);
  });

  test('an open file outlives its last name', async () => {
    const { directory } = await mountedContainer();
    const path = join(directory, 'file');
    const file = openSync(path, 'w+');
    onTestFinished(() => closeSync(file));
    writeSync(file, 'before');
    unlinkSync(path);
    expect(fstatSync(file).nlink).toBe(0);
    writeSync(file, ', after');
    const bytes = Buffer.alloc(32);
    expect(bytes.toString('utf8', 0, readSync(file, bytes, 0, 32, 0))).toBe('before, after');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('a write to one name of a lower hard link breaks it, as on the kernel (SEM-H1)', async () => {
    const { directory } = await mountedContainer({ image: rootfs() });
    const [motd, issue] = [join(directory, 'etc/motd'), join(directory, 'etc/issue')];
    expect(statSync(motd).ino).toBe(statSync(issue).ino);
    writeFileSync(motd, 'changed\n');
    expect(readFileSync(motd, 'utf8')).toBe('changed\n');
    expect(readFileSync(issue, 'utf8')).toBe('hello\n');
    expect(statSync(motd).nlink).toBe(1);
    renameSync(motd, join(directory, 'etc/moved'));
    expect(readFileSync(join(directory, 'etc/moved'), 'utf8')).toBe('changed\n');
  });

  test('O_TRUNC over longer content leaves no old tail', async () => {
    const { directory } = await mountedContainer();
    const path = join(directory, 'file');
    writeFileSync(path, 'a long first content');
    expect(readFileSync(path, 'utf8')).toBe('a long first content');
    writeFileSync(path, 'x');
    expect(readFileSync(path, 'utf8')).toBe('x');
  });

  test('a directory of 3000 names is listed whole, with the numbers that stat gives', async () => {
    const { directory } = await mountedContainer();
    for (let index = 0; index < 3000; index++) writeFileSync(join(directory, `f${index}`), '');
    const listed = spawnSync('ls', ['-i', '-U', directory], { encoding: 'utf8' }).stdout.trim().split('\n');
    expect(listed).toHaveLength(3000);
    for (const line of listed.slice(0, 100)) {
      const [ino, name] = line.trim().split(/\s+/);
      expect(statSync(join(directory, name)).ino).toBe(Number(ino));
    }
  });

  test('other processes read the store meanwhile, and what they change is done by the one that serves it', async () => {
    const { directory, run } = await mountedContainer();
    writeFileSync(join(directory, 'file'), 'one');
    expect((await run('label', 'first')).exitCode).toBe(0);
    writeFileSync(join(directory, 'file'), 'two, and longer');
    mkdirSync(join(directory, 'new'));
    expect((await run('cat', 'web:/file')).stdout).toBe('two, and longer');
    expect((await run('cat', '--at', 'first', 'web:/file')).stdout).toBe('one');
    const rewound = await run('rewind', 'web', 'first');
    expect(rewound.stderr).toContain('web is as it was');
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('one');
    expect(existsSync(join(directory, 'new'))).toBe(false);
    expect(readdirSync(directory)).toEqual(['file']);
  });

  test('what goes back alone is seen at once, by whoever has looked before', async () => {
    const { directory, run } = await mountedContainer();
    const path = (name: string): string => join(directory, name);
    const look = (): string[] =>
      ['file', 'twin', 'gone', 'dir/inside'].map((name) => {
        if (!existsSync(path(name))) return `no ${name}`;
        return `${name} ${statSync(path(name)).nlink} ${readFileSync(path(name), 'utf8')}`;
      });
    writeFileSync(path('file'), 'one');
    writeFileSync(path('gone'), 'was here');
    mkdirSync(path('dir'));
    writeFileSync(path('dir/inside'), 'first');
    const before = ['file 1 one', 'no twin', 'gone 1 was here', 'dir/inside 1 first'];
    expect(look()).toEqual(before);
    await run('label', 'first');
    writeFileSync(path('file'), 'two, and longer');
    linkSync(path('file'), path('twin'));
    rmSync(path('gone'));
    writeFileSync(path('dir/inside'), 'second');
    expect(look()).toEqual(['file 2 two, and longer', 'twin 2 two, and longer', 'no gone', 'dir/inside 1 second']);
    expect((await run('undelete', 'web:/gone')).stderr).toContain('/gone of web is as it was');
    expect((await run('rewind', '--path', '/dir', 'web', 'first')).exitCode).toBe(0);
    expect((await run('rewind', '--path', '/twin', 'web', 'first')).exitCode).toBe(0);
    expect(look()).toEqual(['file 1 two, and longer', 'no twin', 'gone 1 was here', 'dir/inside 1 first']);
    expect((await run('rewind', '--path', '/file', 'web', 'first')).exitCode).toBe(0);
    expect(look()).toEqual(before);
    expect(readdirSync(directory).toSorted()).toEqual(['dir', 'file', 'gone']);
  });

  test('an earlier moment is mounted beside, to read', async () => {
    const { directory, run, mount, store } = await mountedContainer();
    writeFileSync(join(directory, 'file'), 'one');
    await run('label', 'first');
    writeFileSync(join(directory, 'file'), 'two');
    const then = join(store, '../then');
    mkdirSync(then);
    onTestFinished(() => void spawnSync('umount', ['-l', then]));
    expect(mount('web@first', then).exitCode).toBe(0);
    expect(readFileSync(join(then, 'file'), 'utf8')).toBe('one');
    expect(() => writeFileSync(join(then, 'file'), 'three')).toThrow('EROFS');
    expect(JSON.parse((await run('mounts', '--json')).stdout)).toHaveLength(2);
    expect((await run('umount', then)).exitCode).toBe(0);
  });

  test('after kill -9 of the server the next mount clears the dead one, and nothing acknowledged is lost', async () => {
    const { directory, run, mount } = await mountedContainer();
    for (let index = 0; index < 50; index++) writeFileSync(join(directory, `f${index}`), `${index}`);
    const [{ pid }] = JSON.parse((await run('mounts', '--json')).stdout) as { pid: number }[];
    process.kill(pid, 'SIGKILL');
    expect(() => statSync(directory)).toThrow(/ENOTCONN|ECONNABORTED/);
    // Its mount has ended; the process may take a moment more.
    await expect.poll(async () => (await run('mounts')).stdout, { timeout: 60_000 }).toContain('dead');
    expect(mount('web', directory).exitCode).toBe(0);
    expect(readdirSync(directory)).toHaveLength(50);
    expect(readFileSync(join(directory, 'f49'), 'utf8')).toBe('49');
  });

  test('a program that writes and syncs while its server is killed finds everything that fsync returned for (MOUNT-2)', async () => {
    const { directory, run, mount } = await mountedContainer();
    const [{ pid }] = JSON.parse((await run('mounts', '--json')).stdout) as { pid: number }[];
    const script =
      'i=0; while printf "%06d\\n" $i | dd of="$1/rows" oflag=append conv=notrunc,fsync status=none; do echo $i; i=$((i+1)); done';
    const program = spawn('sh', ['-c', script, 'sh', directory], { stdio: ['ignore', 'pipe', 'ignore'] });
    let told = '';
    program.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
    const ended = new Promise<void>((resolve) => program.once('close', () => resolve()));
    await expect.poll(() => told.split('\n').length, { timeout: 60_000 }).toBeGreaterThan(20);
    process.kill(pid, 'SIGKILL');
    await ended;
    const rows = told.trim().split('\n').length;
    expect(mount('web', directory).exitCode).toBe(0);
    const found = readFileSync(join(directory, 'rows'), 'utf8').trim().split('\n').map(Number);
    // One more may have come in before its program was told.
    expect([rows, rows + 1]).toContain(found.length);
    expect(found).toEqual(found.map((_, index) => index));
  });

  test('what can not be mounted is refused in one sentence', async () => {
    const { directory, run, mount, store } = await mountedContainer();
    const busy = await run('mount', 'web@now', directory);
    expect([busy.exitCode, busy.stderr]).toEqual([2, expect.stringContaining('has something mounted on it')]);
    const here = await run('mount', 'web@now', relative(process.cwd(), directory));
    expect(here.stderr).toContain('has something mounted on it');
    const full = await run('mount', 'web@now', store);
    expect([full.exitCode, full.stderr]).toEqual([2, expect.stringContaining('is not empty')]);
    const missing = await run('mount', 'web@now', join(store, 'nowhere'));
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('is not there')]);
    await run('umount', directory);
    const unknown = mount('nobody', directory);
    expect([unknown.exitCode, unknown.stderr]).toEqual([4, 'overlog mount: there is no container "nobody"\n']);
    expect(mount('web@nonsense', directory).exitCode).toBe(4);
    expect(await run('umount', directory)).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('nothing of overlog'),
    });
  });
});
