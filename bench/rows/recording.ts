/** How fast a recorded program's log is read, against wc(1), which only counts its lines; and how fast it is replayed. */

import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, RecordingClock, recordingHost, replayRecording } from '../../src/index.ts';
import { StraceReader } from '../../src/replay/strace/reader.ts';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { counted } from '../sizes.ts';
import { remove, temporaryDirectory } from '../stores.ts';

/** What one file costs in the log: opened, written in two pieces, read by another process meanwhile, renamed. */
const LINES_EACH = 11;
const PIECE = 'a line of text, as programs write them\\n'.repeat(5);
const PIECE_BYTES = PIECE.replaceAll('\\n', '\n').length;

function* logLines(files: number): Generator<string, void> {
  for (let file = 0; file < files; file++) {
    const time = `1795190${String(100 + (file >> 10)).padStart(3, '0')}.${String((file & 1023) * 900).padStart(6, '0')}`;
    const at = (pid: number, call: string): string => `${pid}    ${time} ${call}\n`;
    const name = `file${file % 5000}`;
    yield at(60, `newfstatat(AT_FDCWD</c>, "${name}", 0x7ffc1c1c1c10, 0) = -1 ENOENT (No such file or directory)`);
    yield at(60, `openat(AT_FDCWD</c>, "${name}.new", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 3</c/${name}.new>`);
    yield at(60, `fcntl(3</c/${name}.new>, F_GETFL) = 0x8001 (flags O_WRONLY|O_LARGEFILE)`);
    yield at(60, `write(3</c/${name}.new>, "${PIECE}", ${PIECE_BYTES}) = ${PIECE_BYTES}`);
    yield at(61, 'read(0x4,  <unfinished ...>');
    yield at(60, `write(3</c/${name}.new>, "${PIECE}", ${PIECE_BYTES}) = ${PIECE_BYTES}`);
    yield at(61, '<... read resumed>0x7ffc1c1c1c10, 0x1000) = 0x20');
    yield at(60, 'mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f1c1c1c1000');
    yield at(60, `close(3</c/${name}.new>) = 0`);
    yield at(60, `rename("${name}.new", "${name}") = 0`);
    yield at(60, 'rt_sigaction(SIGCHLD, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, NULL, 8) = 0');
  }
}

export const recordingGroup: Group = {
  name: 'recording',
  async run(sizes, progress): Promise<Figure[]> {
    const directory = temporaryDirectory();
    try {
      const { files, rounds } = sizes.recording;
      const lines = files * LINES_EACH;
      const log = join(directory, 'strace.log');
      progress(`a log of ${lines} lines`);
      await write(log, logLines(files));
      writeFileSync(join(directory, 'meta.json'), JSON.stringify({ root: '/c', started: 1_795_190_000 }));
      const [parsed, wc, replayed]: [number[], number[], number[]] = [[], [], []];
      for (let round = 0; round < rounds; round++) {
        progress(`round ${round + 1} of ${rounds}`);
        wc.push(await speedOf(lines, () => execFileSync('wc', ['-l', log])));
        parsed.push(await speedOf(lines, () => parse(log)));
        replayed.push(await speedOf(lines, () => replay(directory)));
      }
      const unit = 'lines/s';
      const against = { name: 'wc -l', sample: sampleOf(wc) };
      const reach = { atLeast: 200_000 };
      return [
        { row: 'recording, parse', subject: `${counted(lines)} lines`, unit, sample: sampleOf(parsed), against, reach },
        {
          row: 'recording, replay',
          subject: `memory store, ${counted(lines)} lines`,
          unit,
          sample: sampleOf(replayed),
          against,
        },
      ];
    } finally {
      remove(directory);
    }
  },
};

async function write(file: string, lines: Iterable<string>): Promise<void> {
  const stream = createWriteStream(file);
  for (const line of lines)
    if (!stream.write(line)) await new Promise<void>((done) => stream.once('drain', () => done()));
  await new Promise<void>((done) => stream.end(() => done()));
}

/** Every line, with the arguments and the result of every call. */
async function parse(log: string): Promise<number> {
  const reader = new StraceReader();
  let found = 0;
  for await (const piece of createReadStream(log, { highWaterMark: 1 << 20 })) {
    reader.push(piece as Buffer, (record) => {
      found += record.args.length + (Number.isNaN(record.result.value) ? 0 : 1);
    });
  }
  return found;
}

async function replay(directory: string): Promise<void> {
  const clock = new RecordingClock(1_795_190_000_000_000_000n);
  const store = await openStore({ clock: clock.now });
  await replayRecording(directory, recordingHost(store), clock, { name: 'bench' });
  await store.close();
}

async function speedOf(lines: number, run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return lines / ((performance.now() - start) / 1000);
}
