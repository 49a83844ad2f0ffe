import { hash } from 'node:crypto';
import { decodeTransactions } from '../../events/bundle-reader.ts';
import { isStoreError, storeError } from '../../events/log-error.ts';
import { Chain } from './chain.ts';
import {
  chunkPrefixBytes,
  COMMIT_FRAME_BYTES,
  COMMIT_PREFIX_BYTES,
  FRAME_HEADER_BYTES,
  KIND_BUNDLE,
  KIND_CHUNK,
  KIND_COMMIT,
} from './frame.ts';
import { type LogFileSystem, nodeFileSystem } from './log-file-system.ts';
import { LogIndex } from './log-index.ts';
import { OpenSegments } from './open-segments.ts';
import { corruptFrame, followSegment, openSegment, refuseDurable, segmentNumbers } from './recovery.ts';
import { corrupt, type Segment, segmentName, segmentPath } from './segment.ts';
import { ENDS_INSIDE, type FrameVisitor, scanFrames } from './segment-scan.ts';

/** What a whole log holds. */
export interface LogSummary {
  readonly segments: number;
  readonly chunks: number;
  readonly transactions: number;
  readonly events: number;
  /** Bytes of the segments up to the last whole frame. */
  readonly bytes: number;
  readonly head: number;
  /** Bytes behind the last whole frame: a torn tail, or what a writer is writing now. */
  readonly tornBytes: number;
  /** Where they begin; null: there are none. */
  readonly torn: TornTail | null;
}

export interface TornTail {
  readonly segment: string;
  readonly byte: number;
  readonly reason: string;
  /** All of the frame is there, but it is not what was written. A killed writer leaves no such thing; a loss of power may. */
  readonly isChanged: boolean;
}

export interface VerifyOptions {
  /** Called after each MiB or so, and at the end. */
  readonly onProgress?: (progress: { readonly bytes: number; readonly bytesTotal: number }) => void;
  readonly fileSystem?: LogFileSystem;
}

const PROGRESS_BYTES = 1 << 20;

/**
 * Walks a log and proves that it is what was written: headers, checksums, the chain of commits, which covers
 * the content of every chunk, dense numbers, and that every transaction decodes. Takes no lock and changes nothing.
 *
 * @throws `ERR_LOG_CORRUPT` for the first problem, with segment, byte and seq; `ERR_LOG_FORMAT_UNSUPPORTED`;
 *   `ERR_LOG_NOT_FOUND` when there is no log.
 */
export function verifyLog(directory: string, options: VerifyOptions = {}): LogSummary {
  const files = options.fileSystem ?? nodeFileSystem;
  const numbers = segmentNumbers(files, directory);
  if (numbers.length === 0) throw storeError('ERR_LOG_NOT_FOUND', `there is no log in ${directory}`);
  const open = new OpenSegments(files);
  try {
    return walk(files, directory, open, numbers, options.onProgress);
  } finally {
    open.close();
  }
}

function walk(
  files: LogFileSystem,
  directory: string,
  open: OpenSegments,
  numbers: readonly number[],
  onProgress: VerifyOptions['onProgress'],
): LogSummary {
  const index = new LogIndex(openSegment(files, directory, open, numbers[0]), false);
  const firstSeq = index.head;
  const firstChunk = index.chunks.head;
  let bytesTotal = 0;
  for (const number of numbers) {
    bytesTotal += files.sizeSync(open.descriptor({ number, path: segmentPath(directory, number) }));
  }
  let bytes = 0;
  let torn: TornTail | null = null;
  let tornBytes = 0;
  let transactions = 0;
  for (let at = 0; at < numbers.length; at++) {
    if (at > 0) followSegment(index, openSegment(files, directory, open, numbers[at]));
    const { last } = index;
    const fd = open.descriptor(last);
    let reported = 0;
    const check = checker(index, last, (count) => {
      transactions += count;
    });
    const { end, bad } = scanFrames(files, fd, index.lastEnd, last, (kind, buffer, start, stop, offset) => {
      check(kind, buffer, start, stop, offset);
      index.take(kind, buffer, start, stop, offset);
      if (onProgress !== undefined && offset - reported >= PROGRESS_BYTES) {
        reported = offset;
        onProgress({ bytes: bytes + offset, bytesTotal });
      }
    });
    bytes += end;
    if (bad === null) continue;
    if (at < numbers.length - 1) throw corruptFrame(index, bad);
    refuseDurable(files, fd, index, bad);
    tornBytes = files.sizeSync(fd) - end;
    // The closing mark of a log, of which the length was changed, seems to be cut off.
    const isChanged = bad.reason !== ENDS_INSIDE || tornBytes === COMMIT_FRAME_BYTES;
    torn = { segment: segmentName(last.number), byte: bad.offset, reason: bad.reason, isChanged };
  }
  onProgress?.({ bytes: bytesTotal, bytesTotal });
  return {
    segments: numbers.length,
    chunks: index.chunks.head - firstChunk,
    transactions,
    events: index.head - firstSeq,
    bytes,
    head: index.head,
    tornBytes,
    torn,
  };
}

/** Checks what opening a log takes on trust: digests, the chain, and that transactions decode. */
export function checker(index: LogIndex, segment: Segment, counted: (transactions: number) => void): FrameVisitor {
  const chain = new Chain(segment.previousChain, segment.format);
  const fail = (what: string, byte: number, cause?: unknown): Error =>
    corrupt(what, { segment: segmentName(segment.number), byte, seq: index.head }, cause);
  return (kind, buffer, start, end, offset) => {
    if (kind === KIND_COMMIT) {
      const frame = start - FRAME_HEADER_BYTES;
      const expected = chain.commit(buffer, frame, frame);
      const stated = buffer.subarray(start + COMMIT_PREFIX_BYTES, end);
      if (!expected.equals(stated)) throw fail('the chain hash differs: frames were changed, dropped or moved', offset);
      return;
    }
    chain.add(buffer, kind, start - FRAME_HEADER_BYTES, end);
    if (kind === KIND_CHUNK && segment.format === 1) {
      const prefix = chunkPrefixBytes(1);
      const content = buffer.subarray(start + prefix, end);
      const digest = buffer.subarray(start + 8, start + prefix);
      if (!hash('sha256', content, 'buffer').equals(digest)) throw fail('a chunk does not match its digest', offset);
    } else if (kind === KIND_BUNDLE) {
      try {
        counted(decodeTransactions(buffer.subarray(start, end), segment.format).length);
      } catch (error) {
        if (isStoreError(error, 'ERR_LOG_CORRUPT')) throw fail(error.message, offset, error);
        throw error;
      }
    }
  };
}
