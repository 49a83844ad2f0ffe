/**
 * Replays a recording: a folder with `meta.json`, `strace.log` or `strace.log.gz`, `before.tar.gz`, and, to compare with,
 * `after.ndjson` and `upper.ndjson`.
 *
 * The tree before becomes an image, the program runs in a container of it. Each call is one transaction with its cause;
 * each process is a group, `NAME/PID`, and its program the actor.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Namespace } from '../../engine/namespace.ts';
import { type FileEvent, ROOT_INO } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import { ProgramPlayer } from './program-player.ts';
import type { RecordingClock } from './recording-clock.ts';
import { exists, notFound, openLog } from './recording-files.ts';
import type { RecordingHost } from './recording-host.ts';
import { parseMeta, type RecordingMeta } from './recording-meta.ts';
import { StraceReader } from './reader.ts';
import {
  type AfterListings,
  compareAll,
  type LogEnd,
  makeReport,
  readAfterListings,
  type RecordingReport,
} from './recording-report.ts';
import { compareListings, type Comparison } from './compare.ts';
import { Resync, type ResyncReport } from './resync.ts';

export interface RecordingProgress {
  /** Bytes of the log as it is stored. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly lines: number;
}

export interface ReplayRecordingOptions {
  /** Name of the image and the container. */
  readonly name: string;
  /**
   * Make the tree what `after.ndjson` says where it differs: in transactions with the cause `resync`, in the group
   * `NAME/resync`. Content comes from `upper.tar.gz` or `changed.tar.gz`.
   */
  readonly resync?: boolean;
  readonly onProgress?: (progress: RecordingProgress) => void;
}

/** Reads the head of a recording. @throws `ERR_NOT_FOUND` without one; `ERR_LOG_IMPORT`. */
export async function readRecordingMeta(directory: string): Promise<RecordingMeta> {
  const file = join(directory, 'meta.json');
  return parseMeta(await readFile(file, 'utf8').catch(notFound(file)), file);
}

/**
 * @param clock - The same one that the store was opened with.
 * @throws `ERR_NOT_FOUND` for a missing part; `ERR_LOG_IMPORT` for a line that is not strace's; `ERR_UNSUPPORTED` for
 *   logs without data; `ERR_INVALID_ARGUMENT` for a resync without `after.ndjson`. What was played before stays.
 */
export async function replayRecording(
  directory: string,
  host: RecordingHost,
  clock: RecordingClock,
  options: ReplayRecordingOptions,
): Promise<RecordingReport> {
  const meta = await readRecordingMeta(directory);
  const listings = await readAfterListings(directory);
  if (options.resync && listings.merged === null) {
    throw storeError('ERR_INVALID_ARGUMENT', `${directory} has no after.ndjson to resync with`);
  }
  const { engine } = host;
  const { name } = options;
  clock.notBefore(engine.world.timeNs);
  const before = join(directory, 'before.tar.gz');
  const namespace = await host.begin({
    before: (await exists(before)) ? before : null,
    name,
    command: meta.argv,
    mount: meta.mount,
  });
  const { group, actor } = engine;
  takeRootFromImage(namespace);
  const program = new ProgramPlayer(engine, namespace, clock, meta, `${name}/`);
  try {
    const log = await play(directory, program, host, options);
    program.end();
    const { player } = program;
    const inexact = player.exactness.files((ino) => player.pathOf(ino));
    const comparisons = compareAll(listings, host, program, inexact, clock.shiftNs);
    let resync: ResyncReport | null = null;
    if (options.resync) {
      engine.group = `${name}/resync`;
      engine.actor = 'resync';
      resync = await putRight(directory, namespace, host, listings, comparisons);
    }
    return makeReport({ name, log, program, inexact, comparisons, resync, clock });
  } finally {
    engine.group = group;
    engine.actor = actor;
    await host.finish(meta.exit);
  }
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
): Promise<LogEnd> {
  const log = await openLog(directory);
  const reader = new StraceReader();
  let unflushed = 0;
  for await (const piece of log.pieces) {
    reader.push(piece, (record) => program.add(record));
    unflushed += piece.length;
    if (unflushed > FLUSH_BYTES) {
      await host.flush(); // one after the other: the next piece comes when this one is safe
      unflushed = 0;
    }
    options.onProgress?.({ bytes: log.readBytes(), totalBytes: log.sizeBytes, lines: reader.line });
  }
  const isTorn = reader.end();
  return { lines: reader.line, isTorn, hasTimes: program.hasTimes };
}

/** Archives that hold the content of what changed, by what made the recording. */
const ARCHIVES = ['upper.tar.gz', 'changed.tar.gz'];

async function putRight(
  directory: string,
  namespace: Namespace,
  host: RecordingHost,
  { merged }: AfterListings,
  [comparison]: readonly Comparison[],
): Promise<ResyncReport> {
  const listing = merged ?? [];
  const resync = new Resync(namespace, listing, comparison);
  resync.names();
  for (const name of ARCHIVES) {
    const archive = join(directory, name);
    if (await exists(archive)) await host.contents(archive, resync);
  }
  resync.attributes();
  const { differences } = compareListings('merged', listing, host.entries('merged'), 0n, () => false);
  return { paths: resync.changed, left: differences.map(({ path }) => path) };
}
