import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRecordingMeta, replayRecording } from '../../src/replay/strace/replay-recording.ts';
import { RecordingClock } from '../../src/replay/strace/recording-clock.ts';
import { openStore } from '../../src/store/open-store.ts';
import { recordingHost } from '../../src/store/recording-host.ts';

const RECORDINGS = fileURLToPath(new URL('../../../shared/fixtures/strace/', import.meta.url));

async function replay(sample: string) {
  const directory = `${RECORDINGS}${sample}`;
  const clock = new RecordingClock((await readRecordingMeta(directory)).startedNs);
  const store = await openStore({ clock: clock.now });
  const report = await replayRecording(directory, recordingHost(store), clock, { name: sample });
  return { store, report };
}

/** Paths that differ, in the merged tree and in the upper. */
const differing = ({ report }: Awaited<ReturnType<typeof replay>>): unknown =>
  report.comparisons.map(({ kind, differences }) => [kind, differences.map(({ path }) => path)]);

const NONE = [
  ['merged', []],
  ['upper', []],
];

const isMissing = !existsSync(RECORDINGS);
const note = isMissing ? ' (skipped: the recordings are not beside the repository)' : '';

describe.skipIf(isMissing)(`recorded programs, against the kernel overlay that they ran in${note}`, () => {
  it.each([
    ['git', 9065],
    ['sqlite', 95_281],
  ])('%s comes out exactly: merged tree and upper are equal', async (sample, upperBytes) => {
    const played = await replay(sample);
    const { report, store } = played;
    expect(differing(played)).toEqual(NONE);
    expect(report).toMatchObject({ isExact: true, inexact: [], uncertain: [], refusedCalls: [] });
    expect(store.containers.get(sample).sizes().sizeRwBytes).toBe(upperBytes);
    for (const { mtimeOffMs } of report.comparisons) expect(mtimeOffMs.median).toBeLessThan(100);
  });

  it('torture comes out exactly but for the file that two threads race on, which is reported', async () => {
    const played = await replay('torture');
    const { report, store } = played;
    expect(differing(played)).toEqual([
      ['merged', ['/thr']],
      ['upper', ['/thr']],
    ]);
    expect(report.calls.refused).toBe(0);
    expect(report.overlappingPairs).toBe(18);
    expect(report.inexact).toMatchObject([
      { path: '/thr', isGone: false, reasons: [{ reason: 'overlapping-writes', line: 231 }] },
    ]);
    expect(store.containers.get('torture').sizes().sizeRwBytes).toBe(258_241);
  });

  it('sqlite-wal comes out exactly but for the file that is written through a mapping, which is reported', async () => {
    const played = await replay('sqlite-wal');
    const { report, store } = played;
    expect(differing(played)).toEqual([
      ['merged', ['/data/app.db-shm']],
      ['upper', ['/data/app.db-shm']],
    ]);
    // It was made, removed and made again.
    expect(report.inexact.map(({ path, isGone, reasons: [{ reason, line }] }) => [path, isGone, reason, line])).toEqual(
      [
        ['/data/app.db-shm', true, 'shared-mapping', 150],
        ['/data/app.db-shm', false, 'shared-mapping', 290],
      ],
    );
    expect(store.containers.get('sqlite-wal').sizes().sizeRwBytes).toBe(106_576);
  });

  it('every call is a transaction at the time of its line, with its process as group and its program as actor', async () => {
    const { store } = await replay('git');
    const renames = Array.from(store.transactions({ container: 'git' })).filter(({ cause }) => cause[0] === 'rename');
    expect(renames[0]).toMatchObject({
      cause: ['rename', '/proj/.git/HEAD.lock', '/proj/.git/HEAD', 'pid=61', expect.stringMatching(/^line=\d+$/)],
      group: 'git/61',
      actor: 'git',
      timeNs: 1795190291_868030000n,
    });
    expect(Array.from(store.transactions({ group: 'git/61' })).length).toBeGreaterThan(5);
  });

  it('a process can be undone: rewind to before its first call', async () => {
    const { store } = await replay('git');
    const [first] = store.transactions({ container: 'git', group: 'git/61' });
    await store.rewind('git', first.seq - 1);
    expect(store.containers.get('git').fs.existsSync('/proj/.git')).toBe(false);
    expect(store.containers.get('git').fs.readdirSync('/proj')).toEqual(['README.md', 'link', 'src']);
  });
});
