import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { recordProgram } from '../../src/cli/record-program.ts';
import { readRecordingMeta, replayRecording } from '../../src/replay/strace/replay-recording.ts';
import { RecordingClock } from '../../src/replay/strace/recording-clock.ts';
import { openStore } from '../../src/store/open-store.ts';
import { recordingHost } from '../../src/store/recording-host.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Programs of the system, not of npm. */
const STRACE = 'strace';
const UNSHARE = 'unshare';

/** Why nothing can be recorded here, or null. */
function lacking(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'not root on Linux';
  if (spawnSync(STRACE, ['-V']).error !== undefined) return 'no strace';
  const folder = mkdtempSync(join(tmpdir(), 'overlog-mount-'));
  for (const name of ['l', 'u', 'w']) mkdirSync(join(folder, name));
  const mount = `mount -t overlay overlay -o lowerdir=${folder}/l,upperdir=${folder}/u,workdir=${folder}/w ${folder}/l`;
  const tried = spawnSync(UNSHARE, ['--mount', 'sh', '-c', mount]);
  rmSync(folder, { recursive: true });
  return tried.status === 0 ? null : 'no overlay can be mounted';
}

const why = lacking();
const note = why === null ? '' : ` (skipped: ${why})`;

/** Processes that fork, pipe, append, rename, link, seek, change attributes and remove. */
const PROGRAM = `
set -e
sort -r lower/words | tee sorted | head -2 > top; (echo one; echo two) >> top
cp -a lower copy; mv copy/words copy/renamed; rm lower/gone; ln copy/renamed hard; ln -s hard soft
dd if=lower/words of=dd bs=3 skip=1 seek=2 count=2 conv=notrunc 2> /dev/null
chmod -R o+w copy; touch -d 2001-02-03 soft; mkfifo fifo; (echo through > fifo &); cat fifo > got
exec 5<> both; echo abc >&5; echo def >&5; exec 5>&-; truncate -s 100 both
rm -r lower/dir; mkdir lower/dir; echo new > lower/dir/file; sed -i s/b/B/ lower/words
tar -cf t.tar copy; mkdir out; tar -xf t.tar -C out; find out -type f -name 'w*' -delete
`;

describe.skipIf(why !== null)(`overlog record${note}`, () => {
  it('records a program over a kernel overlay, and the replay is equal to both its trees', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlog-record-'));
    try {
      const lower = join(folder, 'tree');
      mkdirSync(join(lower, 'lower/dir'), { recursive: true });
      writeFileSync(join(lower, 'lower/words'), 'a\nb\nc\n');
      writeFileSync(join(lower, 'lower/gone'), 'gone');
      writeFileSync(join(lower, 'lower/dir/old'), 'old');
      const out = join(folder, 'recording');
      const argv = ['sh', '-c', PROGRAM];
      expect(await recordProgram({ lower, out, argv, env: process.env })).toBe(0);
      expect(readFileSync(join(lower, 'lower/words'), 'utf8')).toBe('a\nb\nc\n');
      expect(existsSync(join(lower, 'sorted'))).toBe(false);

      const clock = new RecordingClock((await readRecordingMeta(out)).startedNs);
      const store = await openStore({ clock: clock.now });
      const report = await replayRecording(out, recordingHost(store), clock, { name: 'recorded' });
      expect(report.comparisons.map(({ kind, differences }) => [kind, differences])).toEqual([
        ['merged', []],
        ['upper', []],
      ]);
      expect(report).toMatchObject({ isExact: true, refusedCalls: [] });
      expect(store.containers.get('recorded').fs.readFileSync('/top', 'utf8')).toBe('c\nb\none\ntwo\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('records a program in a copy of the tree where no overlay is wanted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlog-record-'));
    try {
      const lower = join(folder, 'tree');
      mkdirSync(join(lower, 'lower'), { recursive: true });
      writeFileSync(join(lower, 'lower/words'), 'a\nb\nc\n');
      const out = join(folder, 'recording');
      const said: string[] = [];
      const argv = ['sh', '-c', 'sort -r lower/words > sorted; cp lower/words copy; rm lower/words; chmod 700 copy'];
      const parts = { lower, out, argv, env: process.env, copy: true, say: (text: string) => said.push(text) };
      expect(await recordProgram(parts)).toBe(0);
      expect(said).toEqual(['a copy was asked for: the program runs in a copy, under another path']);
      expect(existsSync(join(lower, 'sorted'))).toBe(false);

      const clock = new RecordingClock((await readRecordingMeta(out)).startedNs);
      const store = await openStore({ clock: clock.now });
      const report = await replayRecording(out, recordingHost(store), clock, { name: 'recorded', resync: true });
      expect(report.comparisons.map(({ kind, differences }) => [kind, differences])).toEqual([['merged', []]]);
      expect(report).toMatchObject({ isExact: true, refusedCalls: [], resync: { paths: [], left: [] } });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('records for somebody who may not mount, whose copy of the tree is his own', (context) => {
    const somebody = { uid: 65_534, gid: 65_534, encoding: 'utf8', cwd: ROOT } as const;
    const verb = ['--import', 'tsx', 'src/cli/main.ts', 'record', '--replay', '--scratch'];
    if (spawnSync(process.execPath, [...verb, '--help'], somebody).status !== 0) {
      context.skip('the project is not readable for another user');
    }
    const folder = mkdtempSync(join(tmpdir(), 'overlog-record-'));
    try {
      chmodSync(folder, 0o777);
      mkdirSync(join(folder, 'tree'));
      writeFileSync(join(folder, 'tree/a'), 'a\n');
      const program = ['--', 'sh', '-c', 'echo b > b; mv a c'];
      const argv = [...verb, '--lower', join(folder, 'tree'), '-o', join(folder, 'out'), ...program];
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, somebody);
      expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/equal\nexact\n$/) });
      expect(stderr).toContain('mounting an overlay takes root');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('passes the exit code on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlog-record-'));
    try {
      mkdirSync(join(folder, 'tree'));
      const parts = { lower: join(folder, 'tree'), out: join(folder, 'out'), env: process.env };
      expect(await recordProgram({ ...parts, argv: ['sh', '-c', 'echo x > y; exit 7'] })).toBe(7);
      expect(await readRecordingMeta(parts.out)).toMatchObject({ exit: 7, umask: 0o022 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
