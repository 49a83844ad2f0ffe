import { execFile, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountRecords } from '../../src/entry/mount.ts';
import { mountedContainer, noMount } from './mounted.ts';

const script = fileURLToPath(new URL('supervise.py', import.meta.url));
const [major, minor] = release().split('.').map(Number);
const resends = major > 6 || (major === 6 && minor >= 9);
const hasPython = spawnSync('python3', ['-c', '']).status === 0;
const reason = noMount ?? (resends ? null : 'Linux before 6.9') ?? (hasPython ? null : 'no python3');
const title = reason === null ? 'a supervised mount' : `a supervised mount (skipped: ${reason})`;

/** A long run takes OVERLOG_SUPERVISE=600. */
const SECONDS = process.env['OVERLOG_SUPERVISE'] ?? '10';

interface Seen {
  readonly errors: readonly string[];
  readonly kills: number;
  readonly rounds: number;
  readonly longestSeconds: number;
}

/** Two names of one file. */
function rootfs(): string {
  const root = mkdtempSync(join(tmpdir(), 'overlog-rootfs-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/motd'), 'hello\n');
  linkSync(join(root, 'etc/motd'), join(root, 'etc/issue'));
  return root;
}

describe.skipIf(reason !== null)(title, () => {
  test(
    'programs go on while its server is killed again and again: no call fails, and nothing they were told is lost',
    { timeout: (Number(SECONDS) + 120) * 1000 },
    async () => {
      const { directory, store, run } = await mountedContainer({ image: rootfs(), supervise: true });
      const { stdout } = await promisify(execFile)('python3', [script, directory, join(store, 'mounts'), SECONDS]);
      const seen = JSON.parse(stdout) as Seen;
      if (process.env['OVERLOG_SUPERVISE'] !== undefined) process.stderr.write(stdout);
      expect(seen).toMatchObject({
        errors: [],
        held: 'before, after',
        heldLinks: 0,
        goneMode: '0o40755',
        lower: 'hello\nmore\n',
        issue: 'hello\n',
        sameIno: true,
      });
      expect(seen.kills).toBeGreaterThan(0);
      expect(seen.rounds).toBeGreaterThan(0);
      expect((await run('umount', directory)).exitCode).toBe(0);
      expect((await run('verify')).exitCode).toBe(0);
      // A mount namespace that another test has made meanwhile may have a copy for a while.
      await expect.poll(() => mountRecords(store), { timeout: 60_000 }).toEqual([]);
    },
  );

  test('it goes on while servers that die early do something, and is given up when five in a row do nothing', async () => {
    const { directory, store } = await mountedContainer({ supervise: true });
    /** Null: there is none any more. */
    const nextServer = async (killed: number | null): Promise<number | null> => {
      await expect.poll(() => mountRecords(store)[0]?.server, { timeout: 20_000 }).not.toBe(killed);
      return mountRecords(store)[0]?.server ?? null;
    };
    let server = await nextServer(null);
    const kill = (killed: number): Promise<number | null> => {
      process.kill(killed, 'SIGKILL');
      return nextServer(killed);
    };
    for (let round = 0; round < 7; round++) {
      writeFileSync(join(directory, `f${round}`), 'kept');
      server = await kill(server as number);
      expect(server).not.toBeNull();
    }
    // The first of these may have the end of the last write to do, and one on a busy machine its start.
    for (let idle = 0; idle < 15 && server !== null; idle++) server = await kill(server);
    expect(server).toBeNull();
    expect(() => statSync(join(directory, 'f0'))).toThrow('ENOENT');
  });

  test('it ends with its supervisor, and the store is closed', async () => {
    const { directory, store, run } = await mountedContainer({ supervise: true });
    writeFileSync(join(directory, 'file'), 'kept');
    const [{ pid, server }] = mountRecords(store);
    expect(server).not.toBe(pid);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => mountRecords(store), { timeout: 20_000 }).toEqual([]);
    expect(() => statSync(join(directory, 'file'))).toThrow('ENOENT');
    expect((await run('cat', 'web:/file')).stdout).toBe('kept');
    expect(readFileSync(join(store, 'mounts/serve.log'), 'utf8')).toBe('');
  });
});
