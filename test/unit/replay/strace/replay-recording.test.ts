import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStoreError } from '../../../../src/events/log-error.ts';
import { OPEN, replay } from './recording-kit.ts';

describe('descriptors', () => {
  it('close takes away what the number stood for when it began, not what another thread opened meanwhile', async () => {
    const { fs, report } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88) = 61',
      '60 close(3</c/a> <unfinished ...>',
      `61 ${OPEN('b', 3)}`,
      '60 <... close resumed>) = 0',
      '61 write(3</c/b>, "into b", 6) = 6',
    );
    expect(fs.readFileSync('/b', 'utf8')).toBe('into b');
    expect(report.isExact).toBe(true);
  });

  it('with CLOEXEC are gone after execve, and their numbers are free for what strace does not show', async () => {
    const { fs } = await replay(
      `60 ${OPEN('a', 3, 'O_RDWR|O_CREAT|O_CLOEXEC')}`,
      '60 execve("/bin/sh", ["sh"], 0x1) = 0',
      '60 write(3<socket:[1]>, "to a socket", 11) = 11',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('');
  });

  it('share one offset after dup and fork', async () => {
    const { fs } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 dup(3</c/a>) = 4</c/a>',
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      '61 write(3</c/a>, "child ", 6) = 6',
      '60 write(4</c/a>, "parent", 6) = 6',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('child parent');
  });

  it('of the thread that takes over a process by execve go with it', async () => {
    const { fs } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD}, 88) = 61',
      '61 execve("/bin/sh", ["sh"], 0x1 <unfinished ...>',
      '60 +++ superseded by execve in pid 61 +++',
      '60 <... execve resumed>) = 0',
      '60 write(3</c/a>, "still open", 10) = 10',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('still open');
  });
});

describe('processes that appear before their parent has returned', () => {
  it('wait for it to tell whose children they are', async () => {
    const { fs, report, store } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      '61 close(3</c/a>) = 0',
      `61 ${OPEN('b', 3)}`,
      '60 vfork( <unfinished ...>',
      '61 vfork( <unfinished ...>',
      '62 write(3</c/b>, "b", 1) = 1',
      '63 write(3</c/a>, "a", 1) = 1',
      '61 <... vfork resumed>) = 62',
      '60 <... vfork resumed>) = 63',
    );
    expect([fs.readFileSync('/a', 'utf8'), fs.readFileSync('/b', 'utf8')]).toEqual(['a', 'b']);
    expect(report.isExact).toBe(true);
    expect(Array.from(store.transactions({ group: 'rec/62' })).map(({ cause }) => cause[0])).toEqual(['write']);
  });
});

describe('data that the log does not hold', () => {
  it('that strace cut is reported, and the rest stands where it belongs', async () => {
    const { fs, report } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 write(3</c/a>, "abc"..., 10) = 10',
      '60 write(3</c/a>, "end", 3) = 3',
    );
    expect(fs.readFileSync('/a', 'latin1')).toBe('abc\0\0\0\0\0\0\0end');
    expect(report.inexact).toMatchObject([{ path: '/a', reasons: [{ reason: 'cut-string', line: 2, count: 1 }] }]);
    expect(report.isExact).toBe(false);
  });

  it('that comes from outside the tree is reported, and so is a copy of it', async () => {
    const { fs, report } = await replay(
      '60 openat(AT_FDCWD</c>, "/etc/passwd", O_RDONLY) = 3</etc/passwd>',
      `60 ${OPEN('a', 4)}`,
      '60 sendfile(4</c/a>, 3</etc/passwd>, NULL, 100) = 5',
      `60 ${OPEN('b', 5)}`,
      '60 copy_file_range(4</c/a>, [0], 5</c/b>, NULL, 5, 0) = 5',
    );
    expect(fs.statSync('/b').size).toBe(5);
    expect(report.inexact.map(({ path, reasons: [{ reason }] }) => [path, reason])).toEqual([
      ['/a', 'data-from-outside'],
      ['/b', 'copy-of-inexact'],
    ]);
  });

  it('goes through a pipe where a process wrote it', async () => {
    const { fs, report } = await replay(
      '60 pipe2([3<pipe:[7]>, 4<pipe:[7]>], 0) = 0',
      '60 write(4<pipe:[7]>, "through a pipe", 14) = 14',
      '60 read(0x3, 0x7ff, 0x8) = 0x8',
      `60 ${OPEN('a', 5)}`,
      '60 splice(3<pipe:[7]>, NULL, 5</c/a>, NULL, 100, 0) = 6',
    );
    expect(fs.readFileSync('/a', 'utf8')).toBe('a pipe');
    expect(report.isExact).toBe(true);
  });

  it('went through io_uring or a mapping, which is reported', async () => {
    const { report } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</c/a>, 0) = 0x7f00',
      '60 io_uring_setup(8, {flags=0}) = 4',
    );
    expect(report.inexact).toMatchObject([{ path: '/a', reasons: [{ reason: 'shared-mapping', line: 2 }] }]);
    expect(report.uncertain).toMatchObject([{ line: 3 }]);
  });

  it('was written through a descriptor from before, whose offset nobody knows', async () => {
    const { fs, report } = await replay(
      `60 ${OPEN('a', 3)}`,
      '60 close(3) = 0',
      '60 write(7</c/a>, "where?", 6) = 6',
      '60 lseek(7</c/a>, 2, SEEK_SET) = 2',
      '60 write(7</c/a>, "here", 4) = 4',
    );
    expect(fs.readFileSync('/a', 'latin1')).toBe('\0\0here');
    expect(report.inexact).toMatchObject([{ reasons: [{ reason: 'unknown-offset', line: 3 }] }]);
  });
});

describe('calls at the same time', () => {
  const overlapping = (first: string, second: string): string[] => [
    `60 ${OPEN('a', 3)}`,
    '60 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD}, 88) = 61',
    `60 ${first} <unfinished ...>`,
    `61 ${second}) = 2`,
    `60 <... ${first.replace(/\(.*/, '')} resumed>) = 2`,
  ];

  it('on one range are reported', async () => {
    const { report } = await replay(...overlapping('pwrite64(3</c/a>, "xx", 2, 0', 'pwrite64(3</c/a>, "yy", 2, 1'));
    expect(report.inexact).toMatchObject([{ path: '/a', reasons: [{ reason: 'overlapping-writes', line: 5 }] }]);
  });

  it('on ranges apart are exact', async () => {
    const { report } = await replay(...overlapping('pwrite64(3</c/a>, "xx", 2, 0', 'pwrite64(3</c/a>, "yy", 2, 2'));
    expect(report.isExact).toBe(true);
  });
});

describe('calls on names at the same time', () => {
  it('are done before what takes them for granted, although they return later', async () => {
    const { fs, report, store } = await replay(
      `60 ${OPEN('lock', 3)}`,
      '60 clone(child_stack=NULL, flags=SIGCHLD) = 61',
      '60 unlink("lock" <unfinished ...>',
      '61 openat(AT_FDCWD</c>, "lock", O_WRONLY|O_CREAT|O_EXCL, 0644) = 4</c/lock>',
      '61 write(4</c/lock>, "61", 2) = 2',
      '60 <... unlink resumed>) = 0',
    );
    expect(fs.readFileSync('/lock', 'utf8')).toBe('61');
    expect(report).toMatchObject({ isExact: true, refusedCalls: [], calls: { applied: 4 } });
    const causes = (group: string): unknown[] => Array.from(store.transactions({ group })).map(({ cause }) => cause[0]);
    expect([causes('rec/60'), causes('rec/61')]).toEqual([
      ['openat', 'unlink'],
      ['openat', 'write', 'exit'],
    ]);
  });
});

describe('what the replay can not do', () => {
  it('is told with line, process and errno', async () => {
    const { report } = await replay('60 unlink("nothing") = 0', '60 mkdir("x", 0755) = 0');
    expect(report.refusedCalls).toEqual([{ line: 1, pid: 60, call: 'unlink', path: 'nothing', errno: 'ENOENT' }]);
    expect(report.calls).toMatchObject({ applied: 1, refused: 1 });
  });

  it('is a last line that was cut off: it is left out, and told', async () => {
    const { report } = await replay('60 mkdir("x", 0755) = 0');
    expect(report.isTorn).toBe(false);
  });
});

describe('any calls', () => {
  const fd = fc.constantFrom('3</c/a>', '4</c/b>', '5<pipe:[1]>', '9', 'AT_FDCWD</c>', '-1');
  const path = fc.constantFrom(
    '"a"',
    '"b"',
    '"d"',
    '"d/e"',
    '"/c/a"',
    '"/etc/x"',
    '".."',
    '""',
    'NULL',
    '"/proc/self/fd/3"',
  );
  const rest = fc.constantFrom(
    '0',
    '5',
    'O_RDWR|O_CREAT',
    '"data"',
    '"cut"...',
    '[5] => [9]',
    'NULL',
    '[{iov_base="v", iov_len=1}]',
  );
  const name = fc.constantFrom(
    ...(
      'openat open write pwrite64 writev read lseek close dup2 fcntl rename link linkat unlink mkdir symlink chmod fchmodat ' +
      'utimensat fchownat setxattr ftruncate fallocate sendfile splice copy_file_range pipe2 clone vfork execve chdir ' +
      'recvmsg sendmsg mknodat close_range ioctl mmap'
    ).split(' '),
  );
  const line = fc
    .tuple(
      fc.constantFrom(60, 61, 62),
      name,
      fc.array(fc.oneof(fd, path, rest), { maxLength: 6 }),
      fc.integer({ min: -1, max: 70 }),
    )
    .map(([pid, call, args, value]) => `${pid} ${call}(${args.join(', ')}) = ${value < 0 ? '-1 ENOENT (No)' : value}`);

  it('give a report or one error of the store, and the store holds what it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 25 }), async (lines) => {
        try {
          const { report } = await replay(...lines);
          expect(report.lines).toBe(Math.max(1, lines.length));
        } catch (error) {
          if (!isStoreError(error)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
