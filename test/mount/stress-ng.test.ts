/**
 * The stressors of stress-ng that are about file systems, many at once in one mounted container, each checking its own results
 * (`--verify`): they end as they do on the host's file system, and the store is whole afterwards.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';

/** Stressors that run at the same time. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  names: ['dentry', 'dir', 'dirdeep', 'dirmany', 'filename', 'getdent', 'link', 'mknod', 'rename', 'symlink', 'open'],
  content: [
    'copy-file',
    'fallocate',
    'fpunch',
    'hdd',
    'iomix',
    'mmap',
    'msync',
    'revio',
    'seek',
    'sendfile',
    'sync-file',
  ],
  attributes: ['access', 'chmod', 'chown', 'fstat', 'touch', 'utime', 'xattr', 'dup', 'fcntl'],
  locks: ['flock', 'locka', 'lockf', 'lockofd', 'lease'],
};
const OPERATIONS = 200;
const SECONDS = 8;

const isThere = spawnSync('stress-ng', ['--version']).status === 0;
const reason = noMount ?? (isThere ? null : 'no stress-ng');

describe.skipIf(reason !== null)(`stress-ng${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  test.each(Object.entries(GROUPS))(
    'its stressors of %s end as on the host',
    async (_, stressors) => {
      const { directory, run } = await mountedContainer();
      const there = stress(stressors, directory);
      // What this version does not know, or does not do on this kernel, it refuses there as well.
      const here = there.failed.length === 0 ? there : stress(stressors, plainDirectory());
      expect(there).toEqual(here);
      expect(readdirSync(directory)).toEqual([]);
      expect(await run('umount', directory)).toMatchObject({ exitCode: 0 });
      expect(await run('verify')).toMatchObject({ exitCode: 0 });
      const { stdout } = await run('log', '-n', '1', '--json');
      expect(JSON.parse(stdout)[0].seq).toBeGreaterThan(stressors.length);
    },
    120_000,
  );
});

function stress(stressors: readonly string[], directory: string): { status: number | null; failed: string[] } {
  const wanted = stressors.flatMap((name) => [`--${name}`, '1', `--${name}-ops`, String(OPERATIONS)]);
  const options = ['--verify', '--timeout', `${SECONDS}s`, '--temp-path', directory];
  const { status, stdout, stderr } = spawnSync('stress-ng', [...options, ...wanted], {
    encoding: 'utf8',
    cwd: directory,
  });
  const failed = `${stdout}${stderr}`.split('\n').filter((line) => / fail: | error: /.test(line));
  // Numbers of processes differ.
  return { status, failed: failed.map((line) => line.replace(/\[\d+\]/g, '')) };
}

function plainDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'overlog-stress-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
