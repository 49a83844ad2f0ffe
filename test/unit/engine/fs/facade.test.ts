import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { storeError } from '../../../../src/events/log-error.ts';
import { rootCaller } from '../../../../src/engine/caller.ts';
import { createFs } from '../../../../src/engine/fs/create-fs.ts';
import { namespaceOf, openMemoryFs } from './memory-fs.ts';

const causesOf = ({ engine }: ReturnType<typeof openMemoryFs>): string[] =>
  [...engine.log.read(3)].map((transaction) => transaction.cause.join(' '));

test('a call that consists of several is one transaction with its own cause', () => {
  const memory = openMemoryFs();
  const { fs } = memory;
  fs.mkdirSync('/a/b/c', { recursive: true });
  fs.writeFileSync('/a/b/f', 'one');
  fs.appendFileSync('/a/b/f', ' two');
  fs.copyFileSync('/a/b/f', '/a/g');
  fs.cpSync('/a/b', '/a/d', { recursive: true });
  fs.truncateSync('/a/g', 1);
  const fd = fs.openSync('/a/g', 'r+');
  fs.writevSync(fd, [Buffer.from('x'), Buffer.from('y')]);
  fs.closeSync(fd);
  const made = fs.mkdtempSync('/a/t-');
  fs.rmSync('/a', { recursive: true });
  expect(causesOf(memory)).toEqual([
    'mkdir /a/b/c recursive',
    'writeFile /a/b/f',
    'appendFile /a/b/f',
    'copyFile /a/b/f /a/g',
    'cp /a/b /a/d',
    'truncate /a/g 1',
    'writev /a/g',
    `mkdtemp ${made}`,
    'rm /a',
  ]);
});

test('a refused call and a call that reads leave no transaction', () => {
  const { fs, engine } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  const { head } = engine.log;
  fs.readFileSync('/f');
  fs.statSync('/f');
  fs.readdirSync('/');
  fs.existsSync('/none');
  expect(() => fs.mkdirSync('/f')).toThrow('EEXIST');
  expect(() => fs.writeFileSync('/f/x', 'x')).toThrow('ENOTDIR');
  expect(() => fs.renameSync('/none', '/g')).toThrow('ENOENT');
  expect(engine.log.head).toBe(head);
});

test('a copied file shares the chunks of its source', () => {
  const { fs, engine } = openMemoryFs();
  fs.writeFileSync('/f', Buffer.alloc(100_000, 7));
  const { head } = engine.log.chunks;
  fs.copyFileSync('/f', '/g', fs.constants.COPYFILE_FICLONE_FORCE);
  expect(engine.log.chunks.head).toBe(head);
  expect(fs.readFileSync('/g').equals(fs.readFileSync('/f'))).toBe(true);
});

test('descriptors start at 3 and the lowest free one is given', () => {
  const { fs, files } = openMemoryFs();
  const open = (): number => fs.openSync('/', 'r');
  expect([open(), open(), open()]).toEqual([3, 4, 5]);
  fs.closeSync(4);
  fs.closeSync(3);
  expect([open(), open(), open()]).toEqual([3, 4, 6]);
  for (const fd of [3, 4, 5, 6]) fs.closeSync(fd);
  expect(files.countOf(1)).toBe(0);
  expect(() => fs.closeSync(3)).toThrow('EBADF: bad file descriptor, close');
});

test('no call leaves a file open, whether it is refused or not', () => {
  const { fs, files } = openMemoryFs();
  fs.mkdirSync('/d');
  fs.writeFileSync('/f', 'x');
  expect(() => fs.copyFileSync('/d', '/g')).toThrow('EISDIR');
  expect(() => fs.truncateSync('/f', 'x' as unknown as number)).toThrow('The "len" argument');
  expect(() => fs.readFileSync('/d')).toThrow('EISDIR');
  fs.cpSync('/d', '/e', { recursive: true });
  fs.readFileSync('/f', { flag: 'r+' });
  expect(files.countOf(1)).toBe(0);
});

test('relative paths start at the working directory of the caller', () => {
  const { fs, caller } = openMemoryFs();
  fs.mkdirSync('/a/b', { recursive: true });
  caller.cwd = { mount: caller.namespace.root, ino: fs.statSync('/a/b').ino };
  fs.writeFileSync('f', 'x');
  fs.symlinkSync('../b/f', 'l');
  expect(fs.readdirSync('/a/b')).toEqual(['f', 'l']);
  expect([fs.realpathSync('l'), fs.realpathSync.native('./l'), fs.realpathSync('.')]).toEqual([
    '/a/b/f',
    '/a/b/f',
    '/a/b',
  ]);
});

test('a name that is not UTF-8 comes out as a string that leads back to it', () => {
  const { fs } = openMemoryFs();
  const bytes = Buffer.from([0x61, 0xff, 0x62]);
  fs.writeFileSync(Buffer.concat([Buffer.from('/'), bytes]), 'x');
  const [name] = fs.readdirSync('/');
  expect(name).toBe('a\udcffb');
  expect(fs.readFileSync(`/${name}`, 'utf8')).toBe('x');
  expect(fs.readdirSync('/', 'buffer')).toEqual([bytes]);
  expect(() => fs.readdirSync(`/${name}`)).toThrow("ENOTDIR: not a directory, scandir '/a\ufffdb'");
});

test('a past view reads, and refuses writes with EROFS', async () => {
  const { fs, engine, world, files } = openMemoryFs();
  fs.writeFileSync('/f', 'then');
  const then = createFs(rootCaller(namespaceOf(engine, world.snapshot(), files, false)));
  fs.writeFileSync('/f', 'now');
  fs.writeFileSync('/g', 'new');
  expect([then.readFileSync('/f', 'utf8'), then.readdirSync('/')]).toEqual(['then', ['f']]);
  expect(() => then.writeFileSync('/f', 'x')).toThrow("EROFS: read-only file system, open '/f'");
  expect(() => then.mkdirSync('/d')).toThrow("EROFS: read-only file system, mkdir '/d'");
  expect(() => then.rmSync('/f')).toThrow("EROFS: read-only file system, unlink '/f'");
  await expect(then.promises.writeFile('/x', 'x')).rejects.toMatchObject({ code: 'EROFS', syscall: 'open' });
  await expect(then.promises.readFile('/f', 'utf8')).resolves.toBe('then');
});

test('a store that fails is EIO with the failure as its cause', async () => {
  const failure = storeError('ERR_LOG_FAILED', 'the disk is gone');
  const refused = { code: 'EIO', errno: -5, syscall: 'mkdir', path: '/d', cause: failure };
  const failing = openMemoryFs();
  vi.spyOn(failing.engine.log, 'append').mockImplementation(() => {
    throw failure;
  });
  expect(() => failing.fs.mkdirSync('/d')).toThrow(expect.objectContaining(refused));

  const { fs, engine } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  vi.spyOn(engine.log, 'flush').mockRejectedValue(failure);
  await expect(fs.promises.mkdir('/e')).rejects.toMatchObject({ ...refused, path: '/e' });
  await expect(promisify(fs.mkdir)('/g')).rejects.toMatchObject({ ...refused, path: '/g' });
  await expect(fs.promises.stat('/f')).resolves.toHaveProperty('size', 1);
});

test('an awaited call that writes waits for the flush, one that reads does not', async () => {
  const { fs, engine } = openMemoryFs();
  const order: string[] = [];
  const { flush } = engine.log;
  const spy = vi.spyOn(engine.log, 'flush').mockImplementation(async () => {
    await flush.call(engine.log);
    order.push('flushed');
  });
  await fs.promises.writeFile('/f', 'x');
  order.push('written');
  await promisify(fs.appendFile)('/f', 'y');
  order.push('appended');
  await fs.promises.readFile('/f');
  await promisify(fs.stat)('/f');
  order.push('read');
  expect(order).toEqual(['flushed', 'written', 'flushed', 'appended', 'read']);
  expect(spy).toHaveBeenCalledTimes(2);
});

test('a call happens when it is made, before it is awaited', async () => {
  const { fs } = openMemoryFs();
  const writing = fs.promises.writeFile('/f', 'x');
  expect(fs.readFileSync('/f', 'utf8')).toBe('x');
  await writing;
});

test('util.promisify of calls with two results resolves to both', async () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'hello');
  const fd = fs.openSync('/f', 'r+');
  const buffer = Buffer.alloc(2);
  await expect(promisify(fs.read)(fd, buffer, 0, 2, 1)).resolves.toEqual({ bytesRead: 2, buffer: Buffer.from('el') });
  await expect(promisify(fs.write)(fd, 'XY', 0)).resolves.toEqual({ bytesWritten: 2, buffer: 'XY' });
  fs.closeSync(fd);
});

test('what a callback throws is an uncaught exception, not a rejection', async () => {
  const { fs } = openMemoryFs();
  const caught: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => caught.push(error));
  fs.writeFile('/f', 'x', () => {
    throw new Error('from the callback');
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (const listener of listeners) process.on('uncaughtException', listener);
  expect(caught).toEqual([new Error('from the callback')]);
});

test('stats have all fields of node:fs in JSON, and exact nanoseconds as bigints', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  fs.linux.utimensSync('/f', -1n, 1_700_000_000_123_456_789n);
  const stats = fs.statSync('/f');
  expect(Object.keys(JSON.parse(JSON.stringify(stats)) as object)).toEqual([
    'dev',
    'mode',
    'nlink',
    'uid',
    'gid',
    'rdev',
    'blksize',
    'ino',
    'size',
    'blocks',
    'atimeMs',
    'mtimeMs',
    'ctimeMs',
    'birthtimeMs',
    'atime',
    'mtime',
    'ctime',
    'birthtime',
  ]);
  expect([stats.mtimeMs, stats.atimeMs]).toEqual([1_700_000_000_123.4568, -0.000_001]);
  const exact = fs.statSync('/f', { bigint: true });
  expect([exact.mtimeNs, exact.atimeNs, exact.size]).toEqual([1_700_000_000_123_456_789n, -1n, 1n]);
  expect(exact.isFile()).toBe(true);
});

test('cp and a recursive readdir with Dirents take paths as bytes, which those of node:fs refuse', () => {
  const { fs } = openMemoryFs();
  fs.mkdirSync('/d/e', { recursive: true });
  fs.writeFileSync('/d/e/f', 'x');
  fs.cpSync(Buffer.from('/d') as unknown as string, Buffer.from('/copy') as unknown as string, { recursive: true });
  const found = fs.readdirSync(Buffer.from('/copy'), { recursive: true, withFileTypes: true });
  expect(found.map(({ parentPath, name }) => `${parentPath}/${name}`).sort()).toEqual(['/copy/e', '/copy/e/f']);
});
