import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStoreError } from '../../../../src/events/log-error.ts';
import type { StraceRecord } from '../../../../src/replay/strace/record.ts';
import { StraceReader } from '../../../../src/replay/strace/reader.ts';
import { flagsOf, listOf, memberOf, numberOf, stringOf, wordOf } from '../../../../src/replay/strace/token.ts';

const read = (log: string | Buffer, pieceBytes = 1 << 20): StraceRecord[] => {
  const bytes = Buffer.isBuffer(log) ? log : Buffer.from(log, 'latin1');
  const reader = new StraceReader();
  const records: StraceRecord[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes), (record) => records.push(record));
  }
  return records;
};

const one = (line: string): StraceRecord => {
  const [record] = read(`60    1795190298.232813 ${line}\n`);
  return record;
};

describe('lines of strace', () => {
  it('has pid, time, call, arguments and result', () => {
    const record = one(String.raw`write(3</c/a\74b>, "one\n\0012\"", 7) = 7`);
    expect(record).toMatchObject({ kind: 'call', pid: 60, name: 'write', line: 1, startLine: 1 });
    expect(record.timeNs).toBe(1795190298_232813000n);
    const [fd, data, count] = record.args;
    expect(fd).toMatchObject({ kind: 'word', text: '3', isDeleted: false });
    expect((fd as { path: { text: string } }).path.text).toBe('/c/a<b');
    expect(stringOf(data)?.bytes).toEqual(Buffer.from('one\n\u00012"', 'latin1'));
    expect(numberOf(count)).toBe(7);
    expect(record.result).toMatchObject({ value: 7, errno: '' });
  });

  it('reads errors, raw errors and unknown results', () => {
    expect(one('unlink("x") = -1 ENOENT (No such file or directory)').result.errno).toBe('ENOENT');
    expect(one('read(0x3, 0x7ffc, 0x340) = -1 (errno 11)').result.errno).toBe('errno 11');
    expect(one('read(0x3, 0x7ffc, 0x340) = 0x340').result.value).toBe(0x340);
    expect(one('umask(077)      = 022').result.value).toBe(0o22);
    expect(one('exit_group(0)   = ?').result.value).toBeNaN();
  });

  it('knows the path of a descriptor that is returned, and that it was removed', () => {
    const { result } = one('openat(AT_FDCWD</c>, ".", O_RDWR|O_TMPFILE, 0644) = 3</c/#92>(deleted)');
    expect(result).toMatchObject({ value: 3, isDeleted: true });
    expect(result.path?.text).toBe('/c/#92');
    expect(one('dup(3</dev/null<char 1:3>>) = 4</dev/null<char 1:3>>').result.path?.text).toBe('/dev/null');
  });

  it('says when a string was cut', () => {
    expect(stringOf(one('write(1, "abc"..., 300) = 300').args[1])).toMatchObject({ isCut: true });
  });

  it('reads structs, arrays, flags, names of arguments, comments and what became of a value', () => {
    const clone = one('clone3({flags=CLONE_VM|CLONE_FS, stack_size=0x7fff00} => {parent_tid=[64]}, 88) = 64');
    expect(flagsOf(memberOf(clone.args[0], 'flags'))).toEqual(['CLONE_VM', 'CLONE_FS']);
    expect(clone.args).toHaveLength(2);
    const times = one('utimensat(AT_FDCWD</c>, "um", [{tv_sec=111, tv_nsec=222} /* 1970, a ) */, UTIME_OMIT], 0) = 0');
    const list = listOf(times.args[2]);
    expect(numberOf(memberOf(list?.items[0], 'tv_nsec'))).toBe(222);
    expect(wordOf(list?.items[1])).toBe('UTIME_OMIT');
    expect(wordOf(one('clone(child_stack=NULL, flags=SIGCHLD) = 61').arg('flags'))).toBe('SIGCHLD');
    expect(wordOf(one('rt_sigprocmask(SIG_BLOCK, ~[RTMIN RT_1], [], 8) = 0').args[1])).toBe('~[RTMIN RT_1]');
    expect(wordOf(one('mknodat(AT_FDCWD</c>, "chr", S_IFCHR|0600, makedev(0x1, 0x3)) = 0').args[3])).toBe(
      'makedev(0x1, 0x3)',
    );
  });

  it('gives signals and exits', () => {
    const records = read('61 1.5 --- SIGCHLD {si_signo=SIGCHLD} ---\n61 1.5 +++ exited with 3 +++\n');
    expect(records.map(({ kind, name, value }) => [kind, name, value])).toEqual([
      ['signal', 'SIGCHLD', 0],
      ['exit', '', 3],
    ]);
  });
});

describe('calls that break off', () => {
  it('come when they end, put together, and are announced when they begin', () => {
    const records = read(
      '65 1795190298.1 vfork( <unfinished ...>\n' +
        '66 1795190298.2 recvmsg(4<socket:[1]>,  <unfinished ...>\n' +
        '65 1795190298.3 <... vfork resumed>) = 66\n' +
        '66 1795190298.4 <... recvmsg resumed>{msg_name=NULL}, 0) = 1\n',
    );
    expect(records.map(({ kind, name, line, startLine }) => [kind, name, startLine, line])).toEqual([
      ['started', 'vfork', 1, 1],
      ['started', 'recvmsg', 2, 2],
      ['call', 'vfork', 1, 3],
      ['call', 'recvmsg', 2, 4],
    ]);
    expect(records[2].result.value).toBe(66);
    expect(records[3].args).toHaveLength(3);
    expect(records[3].timeNs).toBe(1795190298_400000000n);
  });

  it('go over to the pid that a thread takes over by execve', () => {
    const records = read(
      '61 1.1 execve("/bin/sh", ["sh"], 0x1 /* 5 vars */ <unfinished ...>\n' +
        '60 1.2 +++ superseded by execve in pid 61 +++\n' +
        '60 1.3 <... execve resumed>) = 0\n',
    );
    expect(records.map(({ kind, pid, value }) => [kind, pid, value])).toEqual([
      ['started', 61, 0],
      ['superseded', 60, 61],
      ['call', 60, 0],
    ]);
  });
});

describe('what is not a log of strace', () => {
  const refusal = (log: string): { code: string; message: string } => {
    try {
      for (const record of read(log)) void record.args;
    } catch (error) {
      return error as { code: string; message: string };
    }
    throw new Error('it was read');
  };

  it.each([
    ['fatrace', 'touch(1234): CW /tmp/x\n'],
    ['inotifywait', '/tmp/watched/ CREATE,ISDIR folder\n'],
    ['fio', 'fio version 2 iolog\n'],
    ['auditd', 'type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e\n'],
  ])('%s is refused with the reason', (tool, log) => {
    const { code, message } = refusal(log);
    expect(code).toBe('ERR_UNSUPPORTED');
    expect(message).toContain(tool);
  });

  it('names the line', () => {
    expect(refusal('60 1.1 close(3) = 0\nhello world\n').message).toMatch(/^line 2: "hello world" is not a line/);
    expect(refusal('60 1.1 close(3) = 0\n60 1.1 close(3, "x) = 0\n').message).toMatch(/^line 2: a string does not end/);
  });
});

describe('any bytes', () => {
  const words =
    '60 |1795190298.1 |write(|3</c/a>|"a\\n"|"|...|, |)| = |-1 ENOENT (x)|[|{|}|]|<unfinished ...>|<... write resumed>|\n|' +
    '+++ exited with 0 +++|/*|*/| => |a=|\\|<|>|(deleted)';
  const piece = fc.oneof(
    fc.constantFrom(...words.split('|')),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );

  it('give records or one error with its line, the same however they are cut into pieces', () => {
    const outcome = (log: Buffer, pieceBytes: number): unknown => {
      try {
        return read(log, pieceBytes).map((record) => [
          record.kind,
          record.name,
          record.args.length,
          record.result.value,
        ]);
      } catch (error) {
        if (!isStoreError(error)) throw error;
        expect(error.code === 'ERR_UNSUPPORTED' || /^line \d+: /.test(error.message)).toBe(true);
        return 'refused';
      }
    };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (parts, pieceBytes) => {
        const log = Buffer.from(parts.join(''), 'latin1');
        expect(outcome(log, pieceBytes)).toEqual(outcome(log, 1 << 20));
      }),
      { numRuns: 3000 },
    );
  });
});
