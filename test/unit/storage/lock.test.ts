import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { isStoreError } from '../../../src/events/log-error.ts';
import { openFileLog } from '../../../src/storage/file/file-log.ts';
import { acquireLock } from '../../../src/storage/file/lock.ts';
import { type LogFileSystem, nodeFileSystem } from '../../../src/storage/file/log-file-system.ts';
import { codeOf, Scratch } from './log-fixtures.ts';

const scratch = new Scratch();
afterEach(() => scratch.clean());

const take = (directory: string): string => codeOf(() => acquireLock(nodeFileSystem, directory));
const lockFiles = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith('lock'));

/** A process that has ended, so that nobody has its number now. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '0']).pid;

const owner = (changes: Record<string, unknown>): string =>
  JSON.stringify({ pid: process.pid, start: null, boot: null, host: hostname(), nonce: 'other', ...changes });

describe('the writer lock', () => {
  test('refuses a second taker with the pid of the first', () => {
    const directory = scratch.directory();
    const lock = acquireLock(nodeFileSystem, directory);
    try {
      acquireLock(nodeFileSystem, directory);
      expect.unreachable();
    } catch (error) {
      expect(isStoreError(error, 'ERR_LOG_LOCKED') && error.detail['pid']).toBe(process.pid);
      expect(String(error)).toContain(`process ${process.pid} `);
    }
    lock.release();
    expect(lockFiles(directory)).toStrictEqual([]);
    acquireLock(nodeFileSystem, directory).release();
  });

  test('refuses two openers in one process, and lets go at close', () => {
    const directory = scratch.directory();
    const log = openFileLog(directory);
    expect(codeOf(() => openFileLog(directory))).toBe('ERR_LOG_LOCKED');
    openFileLog(directory, { readOnly: true }).closeSync();
    log.closeSync();
    expect(lockFiles(directory)).toStrictEqual([]);
    openFileLog(directory).closeSync();
  });

  test('of a dead process is taken over', () => {
    const directory = scratch.directory();
    writeFileSync(join(directory, 'lock'), owner({ pid: deadPid() }));
    expect(take(directory)).toBe('no error');
    expect(JSON.parse(readFileSync(join(directory, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(lockFiles(directory)).toStrictEqual(['lock']);
    expect(take(directory)).toBe('ERR_LOG_LOCKED');
  });

  test.runIf(existsSync('/proc/self/stat'))(
    'of a process that has ended and is not waited for is taken over',
    async () => {
      const directory = scratch.directory();
      // Who takes the place of the shell does not know of the child.
      const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const [said] = (await once(parent.stdout, 'data')) as [Buffer];
        const pid = Number(said.toString());
        const stateOf = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1];
        writeFileSync(join(directory, 'lock'), owner({ pid }));
        expect(take(directory)).toBe('ERR_LOG_LOCKED');
        while (!stateOf().startsWith('Z')) await setTimeout(5);
        expect(take(directory)).toBe('no error');
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );

  test.runIf(existsSync('/proc/self/stat'))('of an earlier process with the same pid is taken over', () => {
    const directory = scratch.directory();
    writeFileSync(join(directory, 'lock'), owner({ start: '1' }));
    expect(take(directory)).toBe('no error');
  });

  test.runIf(existsSync('/proc/sys/kernel/random/boot_id'))('of before the last boot is taken over', () => {
    const directory = scratch.directory();
    writeFileSync(join(directory, 'lock'), owner({ boot: 'another' }));
    expect(take(directory)).toBe('no error');
  });

  test('of another host is respected', () => {
    const directory = scratch.directory();
    writeFileSync(join(directory, 'lock'), owner({ pid: deadPid(), host: 'elsewhere.invalid' }));
    expect(take(directory)).toBe('ERR_LOG_LOCKED');
  });

  test.each(['', '{', 'null', '[]', '{"pid":"1"}'])('that power loss left as %j is taken over', (content) => {
    const directory = scratch.directory();
    writeFileSync(join(directory, 'lock'), content);
    expect(take(directory)).toBe('no error');
  });

  test('claimed by a taker that died is taken over all the same', () => {
    const directory = scratch.directory();
    const pid = deadPid();
    const lock = join(directory, 'lock');
    writeFileSync(lock, owner({ pid, nonce: 'first' }));
    // The claim of a taker that was killed before its rename: found by letting one fail there.
    const failing: LogFileSystem = {
      ...nodeFileSystem,
      renameSync: () => {
        throw new Error('killed');
      },
    };
    expect(codeOf(() => acquireLock(failing, directory))).toContain('killed');
    const [claim] = lockFiles(directory).filter((name) => name.includes('after'));
    writeFileSync(join(directory, claim), owner({ pid, nonce: 'second' }));
    expect(take(directory)).toBe('no error');
    expect(lockFiles(directory)).toStrictEqual(['lock']);
    expect(take(directory)).toBe('ERR_LOG_LOCKED');
  });

  test('goes to one of two takers of a dead lock, whoever is interrupted where', () => {
    // The slower taker is stopped in front of its nth call, the faster one runs to its end, then the slower goes on.
    let outcomes = 0;
    for (let nth = 1; nth <= 12; nth++) {
      const directory = scratch.directory();
      writeFileSync(join(directory, 'lock'), owner({ pid: deadPid(), nonce: String(nth) }));
      let calls = 0;
      let fast = 'not run';
      const slow = Object.fromEntries(
        Object.entries(nodeFileSystem).map(([name, call]) => [
          name,
          (...args: never[]) => {
            if (++calls === nth) fast = take(directory);
            return (call as (...given: never[]) => unknown)(...args);
          },
        ]),
      ) as unknown as LogFileSystem;
      const slower = codeOf(() => acquireLock(slow, directory));
      if (fast === 'not run') break;
      expect([slower, fast].sort()).toStrictEqual(['ERR_LOG_LOCKED', 'no error']);
      expect(take(directory)).toBe('ERR_LOG_LOCKED');
      expect(lockFiles(directory)).toStrictEqual(['lock']);
      outcomes++;
    }
    expect(outcomes).toBeGreaterThan(6);
  });

  test('clears away what killed takers left', () => {
    const directory = scratch.directory();
    writeFileSync(join(directory, 'lock.0123456789abcdef'), owner({ pid: deadPid() }));
    writeFileSync(join(directory, 'lock.fedcba9876543210'), owner({}));
    expect(take(directory)).toBe('no error');
    expect(lockFiles(directory).sort()).toStrictEqual(['lock', 'lock.fedcba9876543210']);
  });

  test('of somebody else is not removed by a release', () => {
    const directory = scratch.directory();
    const lock = acquireLock(nodeFileSystem, directory);
    const path = join(directory, 'lock');
    writeFileSync(path, owner({ nonce: 'somebody else' }));
    lock.release();
    expect(existsSync(path)).toBe(true);
  });
});
