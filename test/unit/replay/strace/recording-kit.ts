import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRecordingMeta, replayRecording } from '../../../../src/replay/strace/replay-recording.ts';
import { RecordingClock } from '../../../../src/replay/strace/recording-clock.ts';
import { openStore } from '../../../../src/store/open-store.ts';
import { recordingHost } from '../../../../src/store/recording-host.ts';

/** Replays a log that is given line by line: `60 call(…) = 0`; times are put in. */
export async function replay(...lines: string[]) {
  return replayFolder({}, lines);
}

/** @param files - More files of the recording, by name. */
export async function replayFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  lines: readonly string[],
  options: { resync?: boolean } = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'overlog-recording-'));
  try {
    writeFileSync(join(directory, 'meta.json'), JSON.stringify({ root: '/c', cwd: '/c', umask: '0022', started: 1e9 }));
    const log = lines.map((line, index) => line.replace(/^(\d+) /, `$1 ${1_000_000_000 + index}.000000 `)).join('\n');
    writeFileSync(join(directory, 'strace.log'), `${log}\n`, 'latin1');
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const clock = new RecordingClock((await readRecordingMeta(directory)).startedNs);
    const store = await openStore({ clock: clock.now });
    const report = await replayRecording(directory, recordingHost(store), clock, { name: 'rec', ...options });
    return { report, store, fs: store.containers.get('rec').fs };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A line that opens a file of the tree, and makes it. */
export const OPEN = (path: string, fd: number, flags = 'O_RDWR|O_CREAT'): string =>
  `openat(AT_FDCWD</c>, "${path}", ${flags}, 0644) = ${fd}</c/${path}>`;
