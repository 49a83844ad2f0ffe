/**
 * Copies out of a damaged log what is whole: everything in front of the first damage, as a log of its own, and the bytes
 * from there on as they are. Events behind a damage cannot be folded, since nobody knows what is missing between.
 */

import { join } from 'node:path';
import { decodeTransactions } from '../../events/bundle-reader.ts';
import { isStoreError, storeError } from '../../events/log-error.ts';
import { openFileLog, type FileLog } from './file-log.ts';
import { ForgivingReads } from './forgiving-reads.ts';
import { chunkPrefixBytes, KIND_BUNDLE, KIND_CHUNK, KIND_DROPPED, readUint64 } from './frame.ts';
import { type LogFileSystem, nodeFileSystem, readFully, syncDirectory, writeFully } from './log-file-system.ts';
import { LogIndex } from './log-index.ts';
import { OpenSegments } from './open-segments.ts';
import { followSegment, openSegment, segmentNumbers } from './recovery.ts';
import { segmentName, segmentPath } from './segment.ts';
import { scanFrames } from './segment-scan.ts';
import { checker } from './verify.ts';

export interface Salvage {
  /** What the new log holds. */
  readonly events: number;
  readonly chunks: number;
  /** The first damage; null: the log is whole. */
  readonly damage: { readonly segment: string; readonly byte: number; readonly reason: string } | null;
  /** Bytes from the damage on, copied to the folder `unread`. */
  readonly unreadBytes: number;
  /** How many of these the disk did not give (EIO): zeros stand for them, whole blocks. */
  readonly lostBytes: number;
}

const UNREAD = 'unread';
const PIECE_BYTES = 1 << 20;

/**
 * @param target - A directory that holds no log yet; it is made.
 * @throws `ERR_LOG_NOT_FOUND` when there is no log; `ERR_INVALID_ARGUMENT` when the target holds one;
 *   `ERR_LOG_FORMAT_UNSUPPORTED`.
 */
export function salvageLog(
  directory: string,
  target: string,
  options: {
    readonly onProgress?: (progress: { readonly events: number }) => void;
    readonly fileSystem?: LogFileSystem;
  } = {},
): Salvage {
  const files = options.fileSystem ?? nodeFileSystem;
  const numbers = segmentNumbers(files, directory);
  if (numbers.length === 0) throw storeError('ERR_LOG_NOT_FOUND', `there is no log in ${directory}`);
  if (segmentNumbers(files, target).length > 0) {
    throw storeError('ERR_INVALID_ARGUMENT', `${target} holds a log already`, { detail: { directory: target } });
  }
  const copy = openFileLog(target, { syncIntervalMs: 0, fileSystem: files });
  const source = new ForgivingReads(files);
  const open = new OpenSegments(source);
  try {
    const found = copyWhole({ source, directory, open, copy, onProgress: options.onProgress }, numbers);
    const behind = found === null ? [] : numbers.filter((number) => number >= found.number);
    const unread = behind.map((number): Unread => {
      const from = number === found?.number ? found.byte : 0;
      return keepUnread(files, source, open, { path: segmentPath(directory, number), number, from, target });
    });
    if (unread.length > 0) syncDirectory(files, join(target, UNREAD));
    const damage = found && { segment: segmentName(found.number), byte: found.byte, reason: found.reason };
    const sum = (of: (each: Unread) => number): number => unread.reduce((before, each) => before + of(each), 0);
    const [unreadBytes, lostBytes] = [sum(({ bytes }) => bytes), sum(({ lost }) => lost)];
    return { events: copy.head, chunks: copy.chunks.head, damage, unreadBytes, lostBytes };
  } finally {
    open.close();
    copy.closeSync();
  }
}

interface Damage {
  readonly number: number;
  readonly byte: number;
  readonly reason: string;
}

interface Copying {
  readonly source: ForgivingReads;
  readonly directory: string;
  readonly open: OpenSegments;
  readonly copy: FileLog;
  readonly onProgress: ((progress: { readonly events: number }) => void) | undefined;
}

/** Copies frame by frame up to the first damage. */
function copyWhole({ source, directory, open, copy, onProgress }: Copying, numbers: readonly number[]): Damage | null {
  let index: LogIndex | null = null;
  for (const number of numbers) {
    let byte = 0;
    const reasonOf = (from: number, otherwise: string): string => {
      const lost = source.firstLost(segmentPath(directory, number), from);
      return lost === null ? otherwise : `${otherwise}; the disk does not give byte ${lost} (EIO)`;
    };
    try {
      const segment = openSegment(source, directory, open, number);
      if (index === null) index = new LogIndex(segment, false);
      else followSegment(index, segment);
      const known = index;
      const check = checker(known, segment, () => {});
      byte = known.lastEnd;
      const { bad } = scanFrames(source, open.descriptor(segment), known.lastEnd, segment, (...frame) => {
        const [kind, buffer, start, end, offset] = frame;
        byte = offset;
        check(...frame);
        known.take(...frame);
        if (kind === KIND_CHUNK) {
          const content = buffer.subarray(start + chunkPrefixBytes(segment.format), end);
          if (copy.chunks.put(content) !== known.chunks.head) throw new Error('a chunk stands there twice');
        } else if (kind === KIND_DROPPED) copy.chunks.putDropped(readUint64(buffer, start));
        else if (kind === KIND_BUNDLE) {
          for (const each of decodeTransactions(buffer.subarray(start, end), segment.format)) copy.append(each);
          onProgress?.({ events: copy.head });
        }
      });
      if (bad !== null) return { number, byte: bad.offset, reason: reasonOf(bad.offset, bad.reason) };
    } catch (error) {
      if (!(error instanceof Error) || isStoreError(error, 'ERR_LOG_FORMAT_UNSUPPORTED')) throw error;
      if ('syscall' in error || isStoreError(error, 'ERR_LOG_FAILED')) throw error;
      return { number, byte, reason: reasonOf(byte, error.message) };
    }
  }
  return null;
}

interface Unread {
  readonly bytes: number;
  /** Of these: zeros in the place of what could not be read. */
  readonly lost: number;
}

/** Copies the bytes of a segment from the damage on into a file of their own. */
function keepUnread(
  files: LogFileSystem,
  source: ForgivingReads,
  open: OpenSegments,
  { path, number, from, target }: { path: string; number: number; from: number; target: string },
): Unread {
  files.mkdirSync(join(target, UNREAD));
  const fd = open.descriptor({ number, path });
  const bytes = Math.max(0, source.sizeSync(fd) - from);
  const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, bytes));
  const kept = files.openSync(join(target, UNREAD, `${segmentName(number)}-from-${from}`), 'wx+');
  try {
    for (let done = 0; done < bytes;) {
      const read = readFully(source, fd, piece, Math.min(piece.length, bytes - done), from + done);
      if (read === 0) throw new Error(`${path} became shorter while it was read`);
      writeFully(files, kept, piece, read, done);
      done += read;
    }
    files.fsyncSync(kept);
  } finally {
    files.closeSync(kept);
  }
  return { bytes, lost: source.lostBytes(path, from) };
}
