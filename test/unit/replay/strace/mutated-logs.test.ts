import fc from 'fast-check';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isStoreError } from '../../../../src/events/log-error.ts';
import { readRecordingMeta, replayRecording } from '../../../../src/replay/strace/replay-recording.ts';
import { RecordingClock } from '../../../../src/replay/strace/recording-clock.ts';
import { computeRoots } from '../../../../src/testing/roots.ts';
import { foldFrom } from '../../../../src/replay/time-machine.ts';
import { openStore } from '../../../../src/store/open-store.ts';
import { recordingHost } from '../../../../src/store/recording-host.ts';

const RECORDINGS = fileURLToPath(new URL('../../../../../shared/fixtures/strace/', import.meta.url));
const isMissing = !existsSync(RECORDINGS);
const SAMPLES = ['git', 'sqlite', 'torture', 'sqlite-wal'];
/** Of each log, so that a run is short. */
const LINES_MAX = 250;

function linesOf(sample: string): string[] {
  const plain = join(RECORDINGS, sample, 'strace.log');
  const log = existsSync(plain) ? readFileSync(plain) : gunzipSync(readFileSync(`${plain}.gz`));
  return log.toString('latin1').split('\n').slice(0, LINES_MAX);
}

/** What a damaged disk, an editor or another tool may do to a line. */
const INSERTS = [
  '"',
  '(',
  ')',
  '[',
  '{',
  '<',
  '>',
  ', ',
  '...',
  ' = -1 ENOENT',
  '-1',
  '99999999999999999999',
  '\\',
  '\0',
  '/*',
];
const at = fc.integer({ min: 0, max: LINES_MAX - 1 });
const where = fc.double({ min: 0, max: 1, noNaN: true });
const mutation = fc.oneof(
  fc.record({
    kind: fc.constantFrom('cut' as const, 'tail' as const, 'byte' as const),
    at,
    where,
    text: fc.constant('\xff'),
  }),
  fc.record({ kind: fc.constant('insert' as const), at, where, text: fc.constantFrom(...INSERTS) }),
  fc.record({
    kind: fc.constantFrom('drop' as const, 'repeat' as const, 'move' as const),
    at,
    where,
    text: fc.constant(''),
  }),
  fc.record({
    kind: fc.constant('numbers' as const),
    at,
    where,
    text: fc.constantFrom('0', '7', '4294967295', '999999999'),
  }),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutated(lines: readonly string[], mutations: readonly Mutation[]): string[] {
  const result = [...lines];
  for (const { kind, at: place, where: share, text } of mutations) {
    const index = place % result.length;
    const line = result[index];
    const column = Math.floor(share * line.length);
    if (kind === 'cut') result[index] = line.slice(0, column);
    else if (kind === 'tail') result[index] = line.slice(column);
    else if (kind === 'byte') result[index] = line.slice(0, column) + text + line.slice(column + 1);
    else if (kind === 'insert') result[index] = line.slice(0, column) + text + line.slice(column);
    else if (kind === 'numbers') result[index] = line.replaceAll(/\b\d{1,3}\b/g, text);
    else if (kind === 'drop') result.splice(index, 1);
    else if (kind === 'repeat') result.splice(index, 0, line);
    else result.splice(Math.floor(share * result.length), 0, ...result.splice(index, 1));
  }
  return result;
}

describe.skipIf(isMissing)(`a real log that was damaged${isMissing ? ' (skipped: no recordings)' : ''}`, () => {
  const logs = isMissing ? [] : SAMPLES.map((sample) => ({ sample, lines: linesOf(sample) }));

  it('gives a report or one error with its line, and a store whose log can be folded again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...logs),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        async ({ sample, lines }, mutations) => {
          const folder = mkdtempSync(join(tmpdir(), 'overlog-mutated-'));
          try {
            for (const name of ['meta.json', 'before.tar.gz']) {
              writeFileSync(join(folder, name), readFileSync(join(RECORDINGS, sample, name)));
            }
            writeFileSync(join(folder, 'strace.log'), mutated(lines, mutations).join('\n'), 'latin1');
            const clock = new RecordingClock((await readRecordingMeta(folder)).startedNs);
            const store = await openStore({ clock: clock.now });
            await replayRecording(folder, recordingHost(store), clock, { name: 'rec' }).catch((error: unknown) => {
              if (!isStoreError(error)) throw error;
              if (error.code !== 'ERR_UNSUPPORTED') expect(error.message).toMatch(/^line \d+: /);
            });
            const { subject } = store.containers.get('rec');
            const again = foldFrom(store.engine.log).live;
            const { chunks } = store.engine.log;
            expect(computeRoots(again, chunks).get(subject)).toBe(computeRoots(store.world, chunks).get(subject));
          } finally {
            rmSync(folder, { recursive: true });
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
