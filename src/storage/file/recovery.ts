import { join } from 'node:path';
import {
  COMMIT_FRAME_BYTES,
  COMMIT_PAYLOAD_BYTES,
  type FrameFormat,
  isFrameWhole,
  KIND_COMMIT,
  readUint64,
} from './frame.ts';
import { readCommit } from './anchor.ts';
import {
  isErrno,
  type LogFileSystem,
  type LogReader,
  readFully,
  syncDirectory,
  writeFully,
} from './log-file-system.ts';
import { LogIndex } from './log-index.ts';
import type { OpenSegments } from './open-segments.ts';
import {
  corrupt,
  LOG_FOLDER,
  listSegments,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type Segment,
  segmentName,
  segmentPath,
} from './segment.ts';
import { readSegmentIndex } from './segment-index.ts';
import { type BadFrame, type ScanEnd, scanFrames } from './segment-scan.ts';

/**
 * Opening a log that was closed, killed or cut by power loss.
 *
 * A bad frame is a **torn tail**, how a crash looks, when nothing says that its bytes were once on the disk. It is
 * **corruption** in a segment that is not the last one (it was synced before the next one was made), and when a later
 * commit frame counts its bytes as durable.
 */

/** A torn tail that was cut when the log was opened. */
export interface Recovery {
  readonly segment: string;
  /** Offset of the cut. */
  readonly byte: number;
  /** Bytes that were cut off. */
  readonly bytes: number;
  /** Sequence number of the last event in front of the cut. */
  readonly seq: number;
  readonly reason: string;
  /** Where the bytes were kept. */
  readonly keptIn: string;
}

export interface LoadedLog {
  readonly index: LogIndex;
  /** What stands behind the last whole frame, if it is not the end of the file. */
  readonly torn: BadFrame | null;
}

/**
 * Reads all segments; writes nothing.
 *
 * @param numbers - Of the log's segments, at least one.
 */
export function loadLog(
  files: LogFileSystem,
  directory: string,
  open: OpenSegments,
  options: { numbers: readonly number[]; findsEqualChunks: boolean },
): LoadedLog {
  const { numbers } = options;
  const first = openSegment(files, directory, open, numbers[0]);
  const index = new LogIndex(first, options.findsEqualChunks);
  let isKnown = true;
  for (let at = 0; at < numbers.length; at++) {
    if (at > 0) followSegment(index, openSegment(files, directory, open, numbers[at]));
    // Tables come first: behind a segment that has to be scanned all are.
    isKnown &&= adoptIndex(files, directory, open, index, at === numbers.length - 1);
    const torn = scanLast(files, open, index).bad;
    if (torn === null) continue;
    if (at < numbers.length - 1) throw corruptFrame(index, torn);
    refuseDurable(files, open.descriptor(index.last), index, torn);
    return { index, torn };
  }
  return { index, torn: null };
}

/** Takes what the index file of the last segment says, if it is of this segment. Tells whether it did. */
function adoptIndex(
  files: LogFileSystem,
  directory: string,
  open: OpenSegments,
  index: LogIndex,
  isLast: boolean,
): boolean {
  const segment = index.last;
  const known = readSegmentIndex(files, directory, segment);
  if (known === null) return false;
  const fd = open.descriptor(segment);
  if (!isLast && files.sizeSync(fd) !== known.end) return false;
  const offset = known.end - COMMIT_FRAME_BYTES;
  const commit = readCommit(files, fd, offset, segment);
  if (commit === null || commit.head !== known.head || commit.chain !== known.chain) return false;
  index.adopt(
    {
      ...known,
      chunks: { ...known.chunks, load: () => known.chunks.load(() => scanChunks(files, open, segment, known)) },
    },
    commit.durable,
  );
  return true;
}

/** The table of a segment's chunks, from the segment itself. */
function scanChunks(
  files: LogFileSystem,
  open: OpenSegments,
  segment: Segment,
  known: { readonly end: number; readonly chunks: { readonly first: number; readonly head: number } },
): Buffer {
  const index = new LogIndex(segment, true);
  const { bad } = scanFrames(files, open.descriptor(segment), SEGMENT_HEADER_BYTES, segment, (...frame) => {
    if (frame[4] < known.end) index.take(...frame);
  });
  if (bad !== null && bad.offset < known.end) throw corruptFrame(index, bad);
  return index.chunks.pack(known.chunks.first, known.chunks.head);
}

export function openSegment(files: LogReader, directory: string, open: OpenSegments, number: number): Segment {
  const fd = open.descriptor({ number, path: segmentPath(directory, number) });
  return readSegmentHeader(files, fd, directory, number);
}

/** Adds a segment to the index after checking that it goes on where the one before it ends. */
export function followSegment(index: LogIndex, segment: Segment): void {
  const before = index.last;
  const place = { segment: segmentName(segment.number), byte: 0, seq: index.head };
  if (segment.number !== before.number + 1) throw corrupt(`segment ${before.number + 1} is missing`, place);
  if (index.lastEnd !== index.commit.end) {
    throw corrupt('a sealed segment does not end with a commit', {
      segment: segmentName(before.number),
      byte: index.lastEnd,
      seq: index.head,
    });
  }
  if (segment.firstSeq !== index.head + 1) throw corrupt(`the segment starts with event ${segment.firstSeq}`, place);
  if (segment.firstChunk !== index.chunks.head + 1) {
    throw corrupt(`the segment starts with chunk ${segment.firstChunk}`, place);
  }
  if (!segment.previousChain.equals(index.chainAfter)) {
    throw corrupt('the segment does not follow from the one before it: the chain hash differs', place);
  }
  index.addSegment(segment);
}

/** Takes what is new in the last segment. */
export function scanLast(files: LogFileSystem, open: OpenSegments, index: LogIndex): ScanEnd {
  const { last } = index;
  return scanFrames(files, open.descriptor(last), index.lastEnd, last, index.take);
}

export function corruptFrame(index: LogIndex, bad: BadFrame): Error {
  return corrupt(bad.reason, { segment: segmentName(index.last.number), byte: bad.offset, seq: index.head });
}

/** @throws `ERR_LOG_CORRUPT` when a later commit frame says that the bad frame was on the disk. */
export function refuseDurable(files: LogFileSystem, fd: number, index: LogIndex, bad: BadFrame): void {
  if (commitsBehind(files, fd, bad.offset, index.last)) throw corruptFrame(index, bad);
}

const SEARCH_BYTES = 1 << 20;

/** Length and kind of a commit frame, as its bytes 4 to 8. */
const COMMIT_MARK = Buffer.of(COMMIT_PAYLOAD_BYTES, 0, 0, 0, KIND_COMMIT);

/** Whether a whole commit frame behind `offset` counts more than `offset` bytes as durable. */
function commitsBehind(files: LogFileSystem, fd: number, offset: number, segment: FrameFormat): boolean {
  const buffer = Buffer.allocUnsafeSlow(SEARCH_BYTES);
  let base = offset;
  for (;;) {
    const filled = readFully(files, fd, buffer, SEARCH_BYTES, base);
    const bytes = buffer.subarray(0, filled);
    for (let mark = bytes.indexOf(COMMIT_MARK, 4); mark !== -1; mark = bytes.indexOf(COMMIT_MARK, mark + 1)) {
      const start = mark - 4;
      const end = start + COMMIT_FRAME_BYTES;
      if (end > filled) break;
      const isOwn = readUint64(bytes, start + 9) === base + start && isFrameWhole(bytes, start, end, segment);
      if (isOwn && readUint64(bytes, start + 17) > offset) return true;
    }
    if (filled < SEARCH_BYTES) return false;
    base += SEARCH_BYTES - COMMIT_FRAME_BYTES; // one that straddles the end is found again
  }
}

/**
 * Cuts a torn tail, after its bytes are kept aside.
 *
 * The cut is synced before anything is appended: else blocks of the old tail could come back behind new frames after a
 * second crash.
 */
export function cutTail(files: LogFileSystem, directory: string, loaded: LoadedLog): Recovery | null {
  const { index, torn } = loaded;
  if (torn === null) return null;
  const { last } = index;
  const segment = segmentName(last.number);
  const folder = join(directory, LOG_FOLDER);
  const stem = join(folder, `torn-${segment.slice(0, 20)}-${torn.offset}`);
  const fd = files.openSync(last.path, 'r+');
  try {
    const bytes = files.sizeSync(fd) - torn.offset;
    const keptIn = keepAside(files, fd, { offset: torn.offset, bytes, stem });
    syncDirectory(files, folder);
    files.ftruncateSync(fd, torn.offset);
    files.fsyncSync(fd);
    return { segment, byte: torn.offset, bytes, seq: index.head, reason: torn.reason, keptIn };
  } finally {
    files.closeSync(fd);
  }
}

/** Copies the bytes into a new file. The same place can be torn more than once, so its name gets a number. */
function keepAside(
  files: LogFileSystem,
  fd: number,
  { offset, bytes, stem }: { offset: number; bytes: number; stem: string },
): string {
  let path = `${stem}.bin`;
  let kept = openNew(files, path);
  for (let copy = 2; kept === null; copy++) {
    path = `${stem}-${copy}.bin`;
    kept = openNew(files, path);
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(bytes, SEARCH_BYTES));
    for (let done = 0; done < bytes;) {
      const count = readFully(files, fd, buffer, Math.min(buffer.length, bytes - done), offset + done);
      if (count === 0) break;
      writeFully(files, kept, buffer, count, done);
      done += count;
    }
    files.fdatasyncSync(kept);
  } finally {
    files.closeSync(kept);
  }
  return path;
}

function openNew(files: LogFileSystem, path: string): number | null {
  try {
    return files.openSync(path, 'wx+');
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return null;
    throw error;
  }
}

/** Removes what a killed writer left of a segment that it was making. */
export function removeUnfinished(files: LogFileSystem, directory: string): void {
  const folder = join(directory, LOG_FOLDER);
  for (const name of files.readdirSync(folder)) {
    if (name.endsWith('.seg.tmp')) files.unlinkSync(join(folder, name));
  }
}

export function segmentNumbers(files: LogFileSystem, directory: string): number[] {
  try {
    return listSegments(files, directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
