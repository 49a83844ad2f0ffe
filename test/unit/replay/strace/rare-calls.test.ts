import { describe, expect, it } from 'vitest';
import { OPEN, replay } from './recording-kit.ts';

const SHARED = 'MAP_SHARED, 3</c/a>, 0) = 0x7f0000000000';

describe('a shared mapping', () => {
  const reasonsOf = async (...lines: string[]): Promise<unknown[]> => {
    const { report } = await replay(`60 ${OPEN('a', 3)}`, ...lines);
    return report.inexact.map(({ path, reasons: [{ reason, line }] }) => [path, reason, line]);
  };
  const PROTECT = '60 mprotect(0x7f0000001000, 4096, PROT_READ|PROT_WRITE) = 0';
  const TRACED = '60 mprotect(0x5500, 4096, PROT_READ) = 0';

  it('that is made writable later is reported with the line that does it', async () => {
    expect(await reasonsOf(TRACED, `60 mmap(NULL, 8192, PROT_READ, ${SHARED}`, PROTECT)).toEqual([
      ['/a', 'shared-mapping', 4],
    ]);
  });

  it('that stays readable only is exact', async () => {
    expect(await reasonsOf(TRACED, `60 mmap(NULL, 8192, PROT_READ, ${SHARED}`)).toEqual([]);
  });

  it('that was unmapped or replaced before is not the one that becomes writable', async () => {
    const mapped = `60 mmap(NULL, 8192, PROT_READ, ${SHARED}`;
    expect(await reasonsOf(TRACED, mapped, '60 munmap(0x7f0000000000, 8192) = 0', PROTECT)).toEqual([]);
    const other =
      '60 mmap(0x7f0000001000, 4096, PROT_READ, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000';
    expect(await reasonsOf(TRACED, mapped, other, PROTECT)).toEqual([]);
    expect(await reasonsOf(TRACED, mapped, '60 execve("/bin/sh", ["sh"], 0x1) = 0', PROTECT)).toEqual([]);
  });

  it('is the child’s too after fork, and moves with mremap', async () => {
    const mapped = `60 mmap(NULL, 8192, PROT_READ, ${SHARED}`;
    const inChild = PROTECT.replace('60', '61');
    expect(await reasonsOf(TRACED, mapped, '60 clone(child_stack=NULL, flags=SIGCHLD) = 61', inChild)).toHaveLength(1);
    const moved = '60 mremap(0x7f0000000000, 8192, 16384, MREMAP_MAYMOVE) = 0x7f1000000000';
    expect(await reasonsOf(TRACED, mapped, moved, PROTECT)).toEqual([]);
    const there = PROTECT.replace('0x7f0000001000', '0x7f1000001000');
    expect(await reasonsOf(TRACED, mapped, moved, there)).toHaveLength(1);
  });

  it('is reported as perhaps written where the log has no mprotect', async () => {
    expect(await reasonsOf(`60 mmap(NULL, 8192, PROT_READ, ${SHARED}`)).toEqual([['/a', 'perhaps-mapped', 2]]);
  });
});

describe('fallocate', () => {
  const blocks = (letters: string): string => Array.from(letters, (letter) => letter.repeat(4)).join('');

  it('takes a stretch out of a file', async () => {
    const { fs, report } = await replay(
      `60 ${OPEN('a', 3)}`,
      `60 write(3</c/a>, "${blocks('abcde')}", 20) = 20`,
      '60 fallocate(3</c/a>, FALLOC_FL_COLLAPSE_RANGE, 4, 8) = 0',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe(blocks('ade'));
    expect(report.isExact).toBe(true);
  });

  it('puts a hole into a file', async () => {
    const { fs } = await replay(
      `60 ${OPEN('a', 3)}`,
      `60 write(3</c/a>, "${blocks('abcde')}", 20) = 20`,
      '60 fallocate(3</c/a>, FALLOC_FL_INSERT_RANGE, 4, 8) = 0',
    );
    expect(fs.readFileSync('/a', 'latin1')).toBe(`aaaa\0\0\0\0\0\0\0\0${blocks('bcde')}`);
  });
});

describe('descriptors of other processes', () => {
  it('that pidfd_getfd takes share the offset', async () => {
    const { fs, report } = await replay(
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      `61 ${OPEN('a', 5)}`,
      '61 write(5</c/a>, "own ", 4) = 4',
      '60 pidfd_open(61, 0) = 3<anon_inode:[pidfd]>',
      '60 pidfd_getfd(3<anon_inode:[pidfd]>, 5, 0) = 4</c/a>',
      '60 write(4</c/a>, "taken ", 6) = 6',
      '61 write(5</c/a>, "own", 3) = 3',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('own taken own');
    expect(report.isExact).toBe(true);
  });

  it('can arrive before the message that sends them has returned', async () => {
    const rights = (fd: number): string =>
      `{msg_iov=[{iov_base="x", iov_len=1}], msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[${fd}</c/a>]}]}, 0`;
    const { fs, report } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      '60 write(3</c/a>, "before ", 7) = 7',
      '61 close(3</c/a>) = 0',
      `60 sendmsg(4<socket:[1]>, ${rights(3)} <unfinished ...>`,
      `61 recvmsg(5<socket:[2]>, ${rights(7)}) = 1`,
      '60 <... sendmsg resumed>) = 1',
      '61 write(7</c/a>, "after", 5) = 5',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('before after');
    expect(report.isExact).toBe(true);
  });
});

describe('names', () => {
  it('that two processes rename to at the same time are reported', async () => {
    const { report } = await replay(
      `60 ${OPEN('a', 3)}`,
      `60 ${OPEN('b', 4)}`,
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      '60 rename("a", "target" <unfinished ...>',
      '61 rename("b", "target") = 0',
      '60 <... rename resumed>) = 0',
    );
    expect(report.inexact).toMatchObject([
      { path: '/target', isGone: false, reasons: [{ reason: 'overlapping-names', line: 6 }] },
    ]);
  });

  it('that they use one after the other are exact', async () => {
    const { report } = await replay(
      `60 ${OPEN('a', 3)}`,
      `60 ${OPEN('b', 4)}`,
      '60 rename("a", "target") = 0',
      '60 rename("b", "target") = 0',
    );
    expect(report.isExact).toBe(true);
  });

  it('are found through a current directory that a symbolic link outside the tree led to', async () => {
    const { fs } = await replay(
      '60 chdir("/link/into") = 0',
      '60 openat(AT_FDCWD</c>, "a", O_RDWR|O_CREAT, 0644) = 3</c/a>',
      '60 mkdir("d", 0755) = 0',
    );
    expect(fs.readdirSync('/')).toEqual(['a', 'd']);
  });

  it('lead to a descriptor through /dev/stdout', async () => {
    const { fs } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 dup2(3</c/a>, 1) = 1</c/a>',
      '60 open("/dev/stdout", O_WRONLY|O_APPEND) = 4',
      '60 write(4, "out", 3) = 3',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('out');
  });
});

describe('what makes a whole replay uncertain', () => {
  it.each([
    ['60 <... write resumed>) = 5', 'write: its beginning is not in the log'],
    ['60 +++ killed by SIGSEGV (core dumped) +++', 'the kernel wrote a core file'],
    ['60 setns(4<mnt:[4026531840]>, CLONE_NEWNS) = 0', 'setns: what paths lead to'],
    ['60 clone(child_stack=NULL, flags=CLONE_NEWUSER|SIGCHLD) = 61', 'clone: owners in a user namespace'],
    ['60 io_uring_setup(8, {flags=0}) = 4', 'io_uring: what process 60 did'],
  ])('%s is told with its line', async (line, text) => {
    const { report } = await replay('60 mkdir("d", 0755) = 0', line);
    expect(report.uncertain).toMatchObject([{ line: 2, text: expect.stringContaining(text) as string }]);
    expect(report.isExact).toBe(false);
  });

  it('is not what waits: a read of a pipe that goes on all the time', async () => {
    const { report } = await replay(
      '60 pipe2([3<pipe:[7]>, 4<pipe:[7]>], 0) = 0',
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      '60 read(0x3,  <unfinished ...>',
      `61 ${OPEN('a', 5)}`,
      '61 write(5</c/a>, "a", 1) = 1',
    );
    expect(report.isExact).toBe(true);
  });
});
