import { expect, test } from 'vitest';
import { makeDevice, S_IFCHR, S_IFIFO } from '../../../../src/events/mode.ts';
import { openMemoryFs } from './memory-fs.ts';

test('mknod makes special files', () => {
  const { fs } = openMemoryFs();
  fs.linux.mknodSync('/pipe', S_IFIFO | 0o644);
  fs.linux.mknodSync('/null', S_IFCHR | 0o666, makeDevice(1, 3));
  expect(fs.statSync('/pipe').isFIFO()).toBe(true);
  expect([fs.statSync('/null').isCharacterDevice(), fs.statSync('/null').rdev]).toEqual([true, makeDevice(1, 3)]);
  expect(() => fs.cpSync('/pipe', '/copy')).toThrow(
    expect.objectContaining({ code: 'ERR_FS_CP_FIFO_PIPE', errno: 22 }),
  );
  expect(fs.readdirSync('/', { withFileTypes: true }).map((entry) => entry.isFIFO())).toEqual([false, true]);
});

test('renameat2 refuses a name that is taken, or exchanges two', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/a', 'a');
  fs.writeFileSync('/b', 'b');
  const refused = "EEXIST: file already exists, rename '/a' -> '/b'";
  expect(() => fs.linux.renameat2Sync('/a', '/b', 1)).toThrow(refused);
  fs.linux.renameat2Sync('/a', '/b', 2);
  expect([fs.readFileSync('/a', 'utf8'), fs.readFileSync('/b', 'utf8')]).toEqual(['b', 'a']);
});

test('extended attributes are set, listed, read and removed, by path and by descriptor', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  const fd = fs.openSync('/f', 'r+');
  fs.linux.setxattrSync('/f', 'user.one', 'first');
  fs.linux.setxattrSync(fd, 'user.two', Buffer.from([0, 255]));
  expect(fs.linux.listxattrSync('/f')).toEqual(['user.one', 'user.two']);
  expect(fs.linux.getxattrSync(fd, 'user.one').toString()).toBe('first');
  expect(fs.linux.getxattrSync('/f', 'user.two')).toEqual(Buffer.from([0, 255]));
  fs.linux.removexattrSync('/f', 'user.one');
  expect(() => fs.linux.getxattrSync('/f', 'user.one')).toThrow("ENODATA: no data available, getxattr '/f'");
  expect(() => fs.linux.getxattrSync(fd, 'user.one')).toThrow('ENODATA: no data available, fgetxattr');
  expect(() => fs.linux.setxattrSync('/f', 'user.two', 'x', { flags: 1 })).toThrow('EEXIST');
  fs.closeSync(fd);
});

test('holes are made, found and skipped', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', Buffer.alloc(65_536, 1));
  const fd = fs.openSync('/f', 'r+');
  fs.linux.fallocateSync(fd, 1 | 2, 16_384, 16_384);
  expect([fs.linux.lseekSync(fd, 0, 4), fs.linux.lseekSync(fd, 16_384, 3)]).toEqual([16_384, 32_768]);
  fs.linux.fallocateSync(fd, 0, 65_536, 4096);
  expect(fs.fstatSync(fd).size).toBe(69_632);
  expect(() => fs.linux.lseekSync(fd, 70_000, 3)).toThrow('ENXIO');
  fs.closeSync(fd);
});

test('copyFileRange copies between descriptors and moves their positions', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'hello world');
  const from = fs.openSync('/f', 'r');
  const to = fs.openSync('/g', 'w+');
  expect(fs.linux.copyFileRangeSync(from, null, to, null, 5)).toBe(5);
  expect(fs.linux.copyFileRangeSync(from, null, to, null, 100)).toBe(6);
  expect(fs.readFileSync('/g', 'utf8')).toBe('hello world');
  expect(() => fs.linux.copyFileRangeSync(to, 0, from, 0, 1)).toThrow('EBADF: bad file descriptor, copy_file_range');
});

test('a nameless file gets a name later', () => {
  const { fs } = openMemoryFs();
  fs.mkdirSync('/tmp');
  const fd = fs.linux.openTemporarySync('/tmp');
  fs.writeSync(fd, 'draft');
  expect([fs.fstatSync(fd).nlink, fs.readdirSync('/tmp')]).toEqual([0, []]);
  fs.linux.linkDescriptorSync(fd, '/tmp/final');
  fs.closeSync(fd);
  expect(fs.readFileSync('/tmp/final', 'utf8')).toBe('draft');
});

test('a link to the target of a symbolic link, not to the link', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  fs.symlinkSync('f', '/l');
  fs.linkSync('/l', '/one');
  fs.linux.linkFollowSync('/l', '/two');
  expect([fs.lstatSync('/one').isSymbolicLink(), fs.lstatSync('/two').isFile()]).toEqual([true, true]);
});

test('utimens sets now, omits, and takes exact times', () => {
  const { fs } = openMemoryFs();
  fs.writeFileSync('/f', 'x');
  fs.linux.utimensSync('/f', 5n, 7n);
  fs.linux.utimensSync('/f', 'omit', 'now');
  const stats = fs.statSync('/f', { bigint: true });
  expect(stats.atimeNs).toBe(5n);
  expect(stats.ctimeNs - stats.mtimeNs).toBeLessThan(1_000_000_000n);
});
