import { join } from 'node:path';
import type { Transaction } from '../../events/event.ts';
import type { EventLog, ReadParts } from '../../events/event-log.ts';
import type { CheckpointStore, LogAnchor } from '../../events/node-store.ts';
import type { ResultStore } from '../../events/result-store.ts';
import { storeError } from '../../events/log-error.ts';
import { FORMAT_VERSION } from '../../events/upcast.ts';
import { checkExpected, closedLog, readOnlyLog } from '../log-state.ts';
import { anchorOf, holdsAnchor } from './anchor.ts';
import { openCheckpoints } from './checkpoint-files.ts';
import { openResults } from './result-files.ts';
import { dropChunks } from './drop-chunks.ts';
import { DroppedChunks, readDropPlan, removeDropPlan } from './drop-plan.ts';
import { FileChunks } from './file-chunks.ts';
import { follow } from './follower.ts';
import { GroupCommit } from './group-commit.ts';
import { acquireLock, type Lock } from './lock.ts';
import { type LogFileSystem, nodeFileSystem, syncDirectory } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import { createSegment, randomSalt } from './create-segment.ts';
import { LogWriter } from './log-writer.ts';
import { OpenSegments } from './open-segments.ts';
import { cutTail, loadLog, type Recovery, removeUnfinished, segmentNumbers } from './recovery.ts';
import { LOG_FOLDER } from './segment.ts';
import { indexSegments } from './segment-indexing.ts';
import { TransactionReader } from './transaction-reader.ts';

export interface FileLogOptions {
  /** Follow a log that another process may write: no lock, and no change but of what is kept in `results`. Default false. */
  readonly readOnly?: boolean;
  /** Make the log when there is none. Default: unless `readOnly`. */
  readonly create?: boolean;
  /** A segment that would grow beyond this is sealed; a larger frame has one of its own. 4 KiB to 1 GiB, default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Unsynced data reaches the disk within this time. Default 1000; 0 syncs only when asked. */
  readonly syncIntervalMs?: number;
  /** Content that is kept in memory after it was read. Default 32 MiB. */
  readonly chunkCacheBytes?: number;
  /** For tests: where calls are recorded or made to fail. */
  readonly fileSystem?: LogFileSystem;
  /** For tests: gives the salt of each new segment, 32 bits. */
  readonly randomSalt?: () => number;
}

/**
 * A log in files.
 *
 * `close` of a log that has failed releases everything and then throws `ERR_LOG_FAILED`: what was appended last may not
 * be on the disk. What is appended and not flushed is lost when the process ends without `close`.
 */
export interface FileLog extends EventLog {
  readonly directory: string;
  /** The torn tail that was cut when the log was opened for writing, or null. */
  readonly recovery: Recovery | null;
  /** What lies beside the log and can be made from it again. */
  readonly checkpoints: CheckpointStore;
  readonly results: ResultStore;
}

const SEGMENT_BYTES_DEFAULT = 64 << 20;
const SEGMENT_BYTES_MIN = 4096;
/** Offsets in a segment are kept as uint32. */
const SEGMENT_BYTES_MAX = 1 << 30;
const SYNC_INTERVAL_MS_DEFAULT = 1000;
const CHUNK_CACHE_BYTES_DEFAULT = 32 << 20;

/**
 * Opens a log in a directory: `<directory>/log/*.seg`, and while it is open for writing `<directory>/lock`.
 *
 * @throws `ERR_LOG_LOCKED` when a living process writes it; `ERR_LOG_NOT_FOUND` when there is none and none may be made;
 *   `ERR_LOG_CORRUPT`; `ERR_LOG_FORMAT_UNSUPPORTED`; `ERR_INVALID_ARGUMENT`; errors of the file system as they are.
 */
export function openFileLog(directory: string, options: FileLogOptions = {}): FileLog {
  const segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_DEFAULT;
  if (!(segmentBytesMax >= SEGMENT_BYTES_MIN && segmentBytesMax <= SEGMENT_BYTES_MAX)) {
    const bounds = `${SEGMENT_BYTES_MIN} to ${SEGMENT_BYTES_MAX}`;
    throw storeError('ERR_INVALID_ARGUMENT', `segmentBytesMax is ${segmentBytesMax}: ${bounds} are allowed`);
  }
  return options.readOnly === true ? openFollower(directory, options) : openWriter(directory, options, segmentBytesMax);
}

function openFollower(directory: string, options: FileLogOptions): FileLog {
  const files = options.fileSystem ?? nodeFileSystem;
  const numbers = segmentNumbers(files, directory);
  if (numbers.length === 0) throw notFound(directory);
  const open = new OpenSegments(files);
  try {
    const { index } = loadLog(files, directory, open, { numbers, findsEqualChunks: false });
    return new SegmentLog({ directory, files, options, open, index, writer: null, lock: null, recovery: null });
  } catch (error) {
    open.close();
    throw error;
  }
}

function openWriter(directory: string, options: FileLogOptions, segmentBytesMax: number): FileLog {
  const files = options.fileSystem ?? nodeFileSystem;
  if (options.create === false && segmentNumbers(files, directory).length === 0) throw notFound(directory);
  files.mkdirSync(join(directory, LOG_FOLDER));
  const lock = acquireLock(files, directory);
  const open = new OpenSegments(files);
  let writer: LogWriter | null = null;
  try {
    const salt = options.randomSalt ?? randomSalt;
    removeUnfinished(files, directory);
    if (segmentNumbers(files, directory).length === 0) createFirstSegment(files, directory, salt);
    const numbers = segmentNumbers(files, directory);
    const loaded = loadLog(files, directory, open, { numbers, findsEqualChunks: true });
    const recovery = cutTail(files, directory, loaded);
    let { index } = loaded;
    writer = new LogWriter(files, directory, index, { segmentBytesMax, randomSalt: salt });
    // What a killed writer left unsynced is with the operating system, but nobody else would sync it.
    writer.syncSync();
    if (finishDropping(files, directory, open, index, salt)) {
      writer.abandon();
      open.forget();
      index = loadLog(files, directory, open, { numbers, findsEqualChunks: true }).index;
      writer = new LogWriter(files, directory, index, { segmentBytesMax, randomSalt: salt });
    }
    return new SegmentLog({ directory, files, options, open, index, writer, lock, recovery });
  } catch (error) {
    writer?.abandon();
    open.close();
    lock.release();
    throw error;
  }
}

/**
 * Does what was planned when history was dropped, or the rest of it; a plan whose event never reached the log is void. Tells
 * whether segments may be others now.
 */
function finishDropping(
  files: LogFileSystem,
  directory: string,
  open: OpenSegments,
  index: LogIndex,
  salt: () => number,
): boolean {
  const plan = readDropPlan(files, directory);
  const counts = plan !== null && isDropped(files, open, index, plan.event);
  if (counts) dropChunks(files, open, index, new DroppedChunks(plan), salt);
  removeDropPlan(files, directory);
  return counts;
}

/** Whether that event is in the log, and the one that the plan was made for: a plan may be left of one that never came. */
function isDropped(files: LogFileSystem, open: OpenSegments, index: LogIndex, event: number): boolean {
  if (event > index.head) return false;
  for (const { seq, events } of new TransactionReader(files, index, open, null).read(event, event)) {
    return events[event - seq]?.type === 'HistoryDropped';
  }
  return false;
}

function createFirstSegment(files: LogFileSystem, directory: string, salt: () => number): void {
  const previousChain = Buffer.alloc(32);
  const header = { format: FORMAT_VERSION, salt: salt(), number: 1, firstSeq: 1, firstChunk: 1, previousChain };
  files.closeSync(createSegment(files, directory, header));
  syncDirectory(files, directory);
}

function notFound(directory: string): Error {
  return storeError('ERR_LOG_NOT_FOUND', `there is no log in ${directory}`, { detail: { directory } });
}

interface Parts {
  readonly directory: string;
  readonly files: LogFileSystem;
  readonly options: FileLogOptions;
  readonly open: OpenSegments;
  readonly index: LogIndex;
  readonly writer: LogWriter | null;
  readonly lock: Lock | null;
  readonly recovery: Recovery | null;
}

/** A log in segments, for its one writer or for a follower (without a writer). */
class SegmentLog implements FileLog {
  readonly directory: string;
  readonly recovery: Recovery | null;
  readonly readOnly: boolean;
  readonly chunks: FileChunks;
  readonly checkpoints: CheckpointStore;
  readonly results: ResultStore;
  readonly #files: LogFileSystem;
  readonly #index: LogIndex;
  readonly #open: OpenSegments;
  readonly #writer: LogWriter | null;
  readonly #lock: Lock | null;
  readonly #commits: GroupCommit | null;
  readonly #reader: TransactionReader;
  #closed = false;

  constructor({ directory, files, options, open, index, writer, lock, recovery }: Parts) {
    this.directory = directory;
    this.recovery = recovery;
    this.readOnly = writer === null;
    const beside = {
      readOnly: this.readOnly,
      get head() {
        return index.head;
      },
      anchor: () => anchorOf(index),
      holds: (anchor: LogAnchor) => holdsAnchor(files, open, index, anchor),
    };
    this.checkpoints = openCheckpoints(files, directory, beside);
    this.results = openResults(files, directory, beside);
    this.#files = files;
    this.#index = index;
    this.#open = open;
    this.#writer = writer;
    if (writer !== null) writer.onRolled = () => setImmediate(() => this.#indexSealed()).unref();
    this.#lock = lock;
    this.#commits =
      writer === null ? null : new GroupCommit(writer, options.syncIntervalMs ?? SYNC_INTERVAL_MS_DEFAULT);
    this.#reader = new TransactionReader(files, index, open, writer);
    const cacheBytes = options.chunkCacheBytes ?? CHUNK_CACHE_BYTES_DEFAULT;
    this.chunks = new FileChunks({ files, index, open, writer, cacheBytes, beforeAppend: () => this.#checkWritable() });
  }

  get head(): number {
    return this.#index.head;
  }

  get syncedSeq(): number {
    return this.#writer === null ? this.#index.syncedSeq : this.#writer.syncedSeq;
  }

  get failed(): boolean {
    return this.#writer !== null && this.#writer.failure !== null;
  }

  append(transaction: Transaction): void {
    const writer = this.#checkWritable();
    checkExpected(transaction, this.#index.head);
    writer.appendTransaction(transaction);
  }

  read(fromSeq = 1, toSeq = this.#index.head, wanted: ReadParts = 'all'): Iterable<Transaction> {
    this.#checkOpen();
    return this.#reader.read(Math.max(1, fromSeq), Math.min(toSeq, this.#index.head), wanted);
  }

  flush(): Promise<void> {
    if (this.#closed) return Promise.reject(closedLog());
    return this.#commits?.flush() ?? Promise.resolve();
  }

  flushSync(isHurried = false): void {
    this.#checkOpen();
    if (isHurried) this.#writer?.writeHurried();
    else this.#writer?.write();
  }

  settle(): void {
    this.#writer?.settle();
  }

  sync(): Promise<void> {
    if (this.#closed) return Promise.reject(closedLog());
    return this.#commits?.sync() ?? Promise.resolve();
  }

  syncSync(): void {
    this.#checkOpen();
    this.#writer?.syncSync();
  }

  refresh(): number {
    this.#checkOpen();
    if (this.#writer === null) follow(this.#files, this.directory, this.#open, this.#index);
    return this.#index.head;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#writer !== null && !this.failed) await this.#commits?.sync();
    } finally {
      this.closeSync();
    }
  }

  closeSync(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#commits?.stop();
    try {
      this.#writer?.close();
      if (this.#writer !== null && !this.failed) indexSegments(this.#files, this.directory, this.#index, true);
    } finally {
      this.#open.close();
      this.checkpoints.close();
      this.#lock?.release();
    }
  }

  #indexSealed(): void {
    if (!this.#closed && !this.failed) indexSegments(this.#files, this.directory, this.#index, false);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedLog();
  }

  #checkWritable(): LogWriter {
    this.#checkOpen();
    if (this.#writer === null) throw readOnlyLog();
    this.#commits?.touch();
    return this.#writer;
  }
}
