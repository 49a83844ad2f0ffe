/**
 * Copies out of a damaged log what is whole: everything in front of the first damage, as a log of its own, and the bytes
 * from there on as they are. Events behind a damage cannot be folded, since nobody knows what is missing between.
 */

import { join } from 'node:path';
import { decodeTransactions } from '../../events/bundle-reader.ts';
import { isStoreError, storeError } from '../../events/log-error.ts';
import { openFileLog, type FileLog } from './file-log.ts';
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
}

const UNREAD = 'unread';

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
  const open = new OpenSegments(files);
  try {
    const found = copyWhole({ files, directory, open, copy, onProgress: options.onProgress }, numbers);
    const unreadBytes = found === null ? 0 : keepUnread(files, directory, open, target, numbers, found);
    const damage = found && { segment: segmentName(found.number), byte: found.byte, reason: found.reason };
    return { events: copy.head, chunks: copy.chunks.head, damage, unreadBytes };
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
  readonly files: LogFileSystem;
  readonly directory: string;
  readonly open: OpenSegments;
  readonly copy: FileLog;
  readonly onProgress: ((progress: { readonly events: number }) => void) | undefined;
}

/** Copies frame by frame up to the first damage. */
function copyWhole({ files, directory, open, copy, onProgress }: Copying, numbers: readonly number[]): Damage | null {
  let index: LogIndex | null = null;
  for (const number of numbers) {
    let byte = 0;
    try {
      const segment = openSegment(files, directory, open, number);
      if (index === null) index = new LogIndex(segment, false);
      else followSegment(index, segment);
      const known = index;
      const check = checker(known, segment, () => {});
      byte = known.lastEnd;
      const { bad } = scanFrames(files, open.descriptor(segment), known.lastEnd, segment, (...frame) => {
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
      if (bad !== null) return { number, byte: bad.offset, reason: bad.reason };
    } catch (error) {
      if (!(error instanceof Error) || isStoreError(error, 'ERR_LOG_FORMAT_UNSUPPORTED')) throw error;
      if ('syscall' in error || isStoreError(error, 'ERR_LOG_FAILED')) throw error;
      return { number, byte, reason: error.message };
    }
  }
  return null;
}

/** Copies the bytes from the damage on, each segment into a file of its own. */
function keepUnread(
  files: LogFileSystem,
  directory: string,
  open: OpenSegments,
  target: string,
  numbers: readonly number[],
  damage: Damage,
): number {
  let sum = 0;
  files.mkdirSync(join(target, UNREAD));
  for (const number of numbers) {
    if (number < damage.number) continue;
    const fd = open.descriptor({ number, path: segmentPath(directory, number) });
    const from = number === damage.number ? damage.byte : 0;
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, files.sizeSync(fd) - from));
    readFully(files, fd, bytes, bytes.length, from);
    const kept = files.openSync(join(target, UNREAD, `${segmentName(number)}-from-${from}`), 'wx+');
    try {
      writeFully(files, kept, bytes, bytes.length, 0);
      files.fsyncSync(kept);
    } finally {
      files.closeSync(kept);
    }
    sum += bytes.length;
  }
  syncDirectory(files, join(target, UNREAD));
  return sum;
}
