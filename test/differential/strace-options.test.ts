import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isStoreError } from '../../src/events/log-error.ts';
import { RecordingClock } from '../../src/replay/strace/recording-clock.ts';
import { readRecordingMeta, replayRecording } from '../../src/replay/strace/replay-recording.ts';
import { openStore } from '../../src/store/open-store.ts';
import { recordingHost } from '../../src/store/recording-host.ts';

/** A program of the system, not of npm. */
const STRACE = 'strace';
const isMissing = spawnSync(STRACE, ['-V']).error !== undefined;

const PROGRAM = `echo a > x; (echo b >> x); mv x y; ln -s y l; mkdir d; cat y > d/z; echo ${'long'.repeat(20)} > long`;

/** Records the program with strace alone, in a plain directory, and replays it. */
async function replayWith(options: readonly string[], change: (folder: string) => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-options-'));
  try {
    const root = join(folder, 'tree');
    mkdirSync(root);
    const log = join(folder, 'strace.log');
    const traced = spawnSync(STRACE, [...options, '-o', log, '--', 'sh', '-c', PROGRAM], { cwd: root });
    if (traced.status !== 0) throw new Error(traced.stderr.toString());
    writeFileSync(join(folder, 'meta.json'), JSON.stringify({ root, umask: '0022' }));
    change(folder);
    const clock = new RecordingClock((await readRecordingMeta(folder)).startedNs);
    const store = await openStore({ clock: clock.now });
    const report = await replayRecording(folder, recordingHost(store), clock, { name: 'rec' });
    const { fs } = store.containers.get('rec');
    const contentOf = (path: string): string => (fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '');
    return { report, files: { y: contentOf('/y'), z: contentOf('/d/z') } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const WHOLE = { y: 'a\nb\n', z: 'a\nb\n' };

describe.skipIf(isMissing)(`a log of strace${isMissing ? ' (skipped: no strace)' : ''}`, () => {
  it.each([
    ['-f'],
    ['-f -y'],
    ['-f -yy -ttt'],
    ['-f -y -t'],
    ['-f -y -tt'],
    ['-f -y -r'],
    ['-f -y -ttt -T'],
    ['-f -y -ttt -i'],
    ['-f -y -ttt -n'],
    ['-f -y -ttt -x'],
    ['-f -y -ttt -xx'],
    ['-f -y -ttt -v'],
    ['-f -y --timestamps=unix,ns'],
    ['-f -Y -y -ttt'],
    ['-f --seccomp-bpf -y -ttt'],
    ['-f -y -ttt -e raw=read,pread64'],
    ['-f -y -ttt -X abbrev'],
  ])('of %s is read', async (options) => {
    const { report, files } = await replayWith([...options.split(' '), '-s', '200']);
    expect(files).toEqual(WHOLE);
    expect(report).toMatchObject({ isExact: true, hasTimes: /ttt|unix/.test(options) });
  });

  it('with short strings is read, and the files that were cut are reported', async () => {
    const { report, files } = await replayWith(['-f', '-y', '-ttt', '-s', '20']);
    expect(files).toEqual(WHOLE);
    expect(report.inexact).toMatchObject([{ path: '/long', reasons: [{ reason: 'cut-string' }] }]);
  });

  it('that was compressed is read', async () => {
    const { files } = await replayWith(['-f', '-y', '-ttt', '-s', '200'], (folder) => {
      writeFileSync(join(folder, 'strace.log.gz'), gzipSync(readFileSync(join(folder, 'strace.log'))));
      rmSync(join(folder, 'strace.log'));
    });
    expect(files).toEqual(WHOLE);
  });

  it.each([
    ['-f -y -X raw', 'ERR_LOG_IMPORT', /^line \d+: flags are numbers/],
    ['-f -y -X verbose', 'ERR_LOG_IMPORT', /^line \d+: flags are numbers/],
    ['-f -y -e raw=all', 'ERR_LOG_IMPORT', /^line \d+: flags are numbers/],
    ['-ff -y -ttt', 'ERR_UNSUPPORTED', /in \d+ files, one for each process/],
  ])('of %s is refused with a sentence', async (options, code, message) => {
    const error: unknown = await replayWith(options.split(' ')).catch((thrown: unknown) => thrown);
    expect(isStoreError(error) && error.code).toBe(code);
    expect((error as Error).message).toMatch(message);
  });

  it('of the first process alone is read, and tells that its children are not in it', async () => {
    const { report, files } = await replayWith(['-y', '-ttt']);
    expect(files).toEqual({ y: '', z: '' });
    expect(report.isExact).toBe(false);
    expect(report.uncertain[0].text).toMatch(
      /^v?(?:fork|clone)\w*: what the child did is not in the log; record with -f/,
    );
  });

  it('whose compressed file is cut is refused with a sentence', async () => {
    const error: unknown = await replayWith(['-f', '-y'], (folder) => {
      const whole = gzipSync(readFileSync(join(folder, 'strace.log')));
      writeFileSync(join(folder, 'strace.log.gz'), whole.subarray(0, whole.length >> 1));
      rmSync(join(folder, 'strace.log'));
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_LOG_IMPORT' });
    expect((error as Error).message).toMatch(/not a whole gzip file/);
  });
});
