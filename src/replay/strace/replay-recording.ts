/**
 * Replays a recording: a folder with `meta.json`, `strace.log` or `strace.log.gz`, `before.tar.gz`, and, to compare with,
 * `after.ndjson` and `upper.ndjson`.
 *
 * The tree before becomes an image, the program runs in a container of it. Each call is one transaction with its cause;
 * each process is a group, `NAME/PID`, and its program the actor.
 */

import { createReadStream } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { Namespace } from '../../engine/namespace.ts';
import { type FileEvent, ROOT_INO } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import { compareListings, type Comparison, parseListing } from './compare.ts';
import type { InexactEvent, InexactFile } from './exactness.ts';
import type { RefusedCall } from './player.ts';
import { type CallCounts, ProgramPlayer } from './program-player.ts';
import type { RecordingClock } from './recording-clock.ts';
import type { RecordingHost } from './recording-host.ts';
import { parseMeta, type RecordingMeta } from './recording-meta.ts';
import { StraceReader } from './reader.ts';

export interface RecordingProgress {
  /** Bytes of the log as it is stored. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly lines: number;
}

export interface ReplayRecordingOptions {
  /** Name of the image and the container. */
  readonly name: string;
  readonly onProgress?: (progress: RecordingProgress) => void;
}

/** What a replay did, and how exact it is. */
export interface RecordingReport {
  readonly name: string;
  readonly lines: number;
  /** The last line of the log was cut off, and left out. */
  readonly isTorn: boolean;
  readonly calls: CallCounts & {
    /** Succeeded when they were recorded, refused by the replay. */
    readonly refused: number;
  };
  readonly refusedCalls: readonly RefusedCall[];
  /** Files that can't be exact, each with its reasons. */
  readonly inexact: readonly InexactFile[];
  /** What makes the whole replay uncertain. */
  readonly uncertain: readonly InexactEvent[];
  /** Pairs of accesses that overlapped in time and whose order matters. */
  readonly overlappingPairs: number;
  /** With the listings of what was there afterwards, where the recording has them. */
  readonly comparisons: readonly Comparison[];
  /** Nothing was refused, nothing is uncertain, no file is inexact, and no comparison found a difference. */
  readonly isExact: boolean;
  /** Added to all times, because the store had later events; 0 in a new one. */
  readonly shiftNs: bigint;
}

/** Reads the head of a recording. @throws `ERR_NOT_FOUND` without one; `ERR_LOG_IMPORT`. */
export async function readRecordingMeta(directory: string): Promise<RecordingMeta> {
  const file = join(directory, 'meta.json');
  return parseMeta(await readFile(file, 'utf8').catch(notFound(file)), file);
}

/**
 * @param clock - The same one that the store was opened with.
 * @throws `ERR_NOT_FOUND` for a missing part; `ERR_LOG_IMPORT` for a line that is not strace's; `ERR_UNSUPPORTED` for
 *   logs without data. What was played before stays.
 */
export async function replayRecording(
  directory: string,
  host: RecordingHost,
  clock: RecordingClock,
  options: ReplayRecordingOptions,
): Promise<RecordingReport> {
  const meta = await readRecordingMeta(directory);
  const { engine } = host;
  const { name } = options;
  clock.notBefore(engine.world.timeNs);
  const before = join(directory, 'before.tar.gz');
  const namespace = await host.begin({
    before: (await exists(before)) ? before : null,
    name,
    command: meta.argv,
  });
  const { group, actor } = engine;
  takeRootFromImage(namespace);
  const program = new ProgramPlayer(engine, namespace, clock, meta, `${name}/`);
  let log: { lines: number; isTorn: boolean };
  try {
    log = await play(directory, program, host, options);
    program.end();
  } finally {
    engine.group = group;
    engine.actor = actor;
  }
  await host.finish(meta.exit);
  return report(directory, host, program, clock, name, log);
}

/**
 * A container's own root directory is fresh (SEM-L6). A recorded program ran in a copy of the tree before, whose root
 * had attributes like any other directory. Its times are those of the new upper directory: they stay.
 */
function takeRootFromImage(namespace: Namespace): void {
  const { overlay, subject } = namespace.root;
  const { engine } = namespace;
  const root = overlay.lower?.get(ROOT_INO);
  if (root === undefined || engine === null) return;
  const { uid, gid } = root;
  const timeNs = engine.now();
  const mode = root.mode & PERMISSION_BITS;
  const events: FileEvent[] = [
    { type: 'AttributesChanged', ino: ROOT_INO, mode, uid, gid, atimeNs: null, mtimeNs: null, ctimeNs: timeNs },
    ...root.xattrs.map(([name, value]) => ({ type: 'XattrSet' as const, ino: ROOT_INO, name, value, ctimeNs: null })),
  ];
  engine.commit(subject, ['root from image'], events, timeNs);
}

/** Bytes of log between two waits, so that what was written reaches the disk and others get their turn. */
const FLUSH_BYTES = 16 * 2 ** 20;

async function play(
  directory: string,
  program: ProgramPlayer,
  host: RecordingHost,
  options: ReplayRecordingOptions,
): Promise<{ lines: number; isTorn: boolean }> {
  const plain = join(directory, 'strace.log');
  const file = (await exists(plain)) ? plain : `${plain}.gz`;
  const { size } = await stat(file).catch(notFound(plain));
  const reader = new StraceReader();
  const stored = createReadStream(file, { highWaterMark: 1 << 20 });
  const chunks = file === plain ? stored : stored.pipe(createGunzip({ chunkSize: 1 << 20 }));
  if (chunks !== stored) stored.on('error', (error) => chunks.destroy(error));
  let unflushed = 0;
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    reader.push(chunk, (record) => program.add(record));
    unflushed += chunk.length;
    if (unflushed > FLUSH_BYTES) {
      await host.flush(); // one after the other: the next piece comes when this one is safe
      unflushed = 0;
    }
    options.onProgress?.({ bytes: stored.bytesRead, totalBytes: size, lines: reader.line });
  }
  return { lines: reader.line, isTorn: reader.end() };
}

async function report(
  directory: string,
  host: RecordingHost,
  program: ProgramPlayer,
  clock: RecordingClock,
  name: string,
  log: { lines: number; isTorn: boolean },
): Promise<RecordingReport> {
  const { player, counts } = program;
  const inexact = player.exactness.files((ino) => player.pathOf(ino));
  const paths = new Set(inexact.map(({ path }) => path));
  // A file of several names is inexact under all of them.
  const isInexact = (path: string): boolean => paths.has(path) || player.exactness.has(player.inoAt(path));
  const comparisons: Comparison[] = [];
  for (const [kind, listing] of [
    ['merged', 'after.ndjson'],
    ['upper', 'upper.ndjson'],
  ] as const) {
    const file = join(directory, listing);
    if (!(await exists(file))) continue;
    const want = parseListing(await readFile(file, 'utf8'), file);
    comparisons.push(compareListings(kind, want, host.entries(kind), clock.shiftNs, isInexact));
  }
  const refused = player.refusedCount;
  const uncertain = player.exactness.events;
  return {
    name,
    ...log,
    calls: { ...counts, refused },
    refusedCalls: player.refused,
    inexact,
    uncertain,
    overlappingPairs: player.overlaps.pairs,
    comparisons,
    isExact:
      refused === 0 &&
      uncertain.length === 0 &&
      inexact.length === 0 &&
      !log.isTorn &&
      comparisons.every(({ differences }) => differences.length === 0),
    shiftNs: clock.shiftNs,
  };
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

function notFound(file: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw storeError('ERR_NOT_FOUND', `${file}: no such file`, { detail: { file }, cause: error });
  };
}
