/** What a log consists of, frame by frame, for whoever looks at the bytes. */

import { bundleCount, bundleSeq, decodeTransactions } from '../../events/bundle-reader.ts';
import type { Transaction } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import {
  chunkPrefixBytes,
  COMMIT_PREFIX_BYTES,
  FRAME_HEADER_BYTES,
  KIND_BUNDLE,
  KIND_CHUNK,
  KIND_DROPPED,
  KIND_REWRITTEN,
  readUint64,
} from './frame.ts';
import { type LogFileSystem, nodeFileSystem } from './log-file-system.ts';
import { OpenSegments } from './open-segments.ts';
import { openSegment, segmentNumbers } from './recovery.ts';
import { SEGMENT_HEADER_BYTES, type Segment, segmentName } from './segment.ts';
import { scanFrames } from './segment-scan.ts';

/** A record: where it lies, how many bytes it takes, and what it says. */
export type DumpRecord = { readonly segment: string; readonly offset: number; readonly bytes: number } & (
  | {
      readonly record: 'segment';
      readonly format: number;
      readonly number: number;
      readonly firstSeq: number;
      readonly firstChunk: number;
      readonly previousChain: string;
    }
  | { readonly record: 'chunk'; readonly number: number; readonly length: number }
  | {
      readonly record: 'transactions';
      readonly seq: number;
      readonly events: number;
      readonly transactions: readonly Transaction[];
    }
  | { readonly record: 'commit'; readonly durable: number; readonly head: number; readonly chain: string }
  /** So many chunks stood there, from that number on; no moment that was kept speaks of them. */
  | { readonly record: 'dropped'; readonly number: number; readonly chunks: number }
  /** Chunks were dropped from this segment; it ended with this chain hash before. */
  | { readonly record: 'rewritten'; readonly chain: string }
  /** No whole frame stands there; nothing behind it in this segment is shown. */
  | { readonly record: 'bad'; readonly reason: string }
);

/** Frames that are read before they are given. */
const FRAMES = 256;

/**
 * All records of a log, in the order of their bytes. It takes no lock, and shows damage instead of refusing it.
 *
 * @throws `ERR_LOG_NOT_FOUND`; `ERR_LOG_CORRUPT` for a header that is none; `ERR_LOG_FORMAT_UNSUPPORTED`.
 */
export function* dumpLog(directory: string, files: LogFileSystem = nodeFileSystem): Generator<DumpRecord, void> {
  const numbers = segmentNumbers(files, directory);
  if (numbers.length === 0) throw storeError('ERR_LOG_NOT_FOUND', `there is no log in ${directory}`);
  const open = new OpenSegments(files);
  let chunk: number | null = null;
  try {
    for (const number of numbers) {
      const segment = openSegment(files, directory, open, number);
      chunk ??= segment.firstChunk;
      yield headerRecord(segment);
      let at = SEGMENT_HEADER_BYTES;
      for (;;) {
        const records: DumpRecord[] = [];
        const stopped = scanSome(files, open.descriptor(segment), at, segment, (record, end) => {
          const numbered = record.record === 'chunk' || record.record === 'dropped';
          records.push(numbered ? { ...record, number: chunk as number } : record);
          if (numbered) chunk = (chunk as number) + (record.record === 'dropped' ? record.chunks : 1);
          at = end;
          return records.length < FRAMES;
        });
        yield* records;
        if (stopped === 'more') continue;
        if (stopped !== null)
          yield {
            segment: segmentName(number),
            offset: stopped.offset,
            bytes: 0,
            record: 'bad',
            reason: stopped.reason,
          };
        break;
      }
    }
  } finally {
    open.close();
  }
}

function headerRecord(segment: Segment): DumpRecord {
  const { format, number, firstSeq, firstChunk, previousChain } = segment;
  const place = { segment: segmentName(number), offset: 0, bytes: SEGMENT_HEADER_BYTES };
  return {
    ...place,
    record: 'segment',
    format,
    number,
    firstSeq,
    firstChunk,
    previousChain: previousChain.toString('hex'),
  };
}

/** Ends a scan early. */
class Enough extends Error {}

/** Reads frames as long as `take` wants more. Gives `more`, or where a bad frame stands, or null at the end. */
function scanSome(
  files: LogFileSystem,
  fd: number,
  from: number,
  segment: Segment,
  take: (record: DumpRecord, end: number) => boolean,
): 'more' | { offset: number; reason: string } | null {
  try {
    return scanFrames(files, fd, from, segment, (kind, buffer, start, end, offset) => {
      const bytes = FRAME_HEADER_BYTES + end - start;
      const place = { segment: segmentName(segment.number), offset, bytes };
      const record = { ...place, ...frameRecord(kind, buffer, start, end, segment.format) } as DumpRecord;
      if (!take(record, offset + bytes)) throw new Enough();
    }).bad;
  } catch (error) {
    if (error instanceof Enough) return 'more';
    throw error;
  }
}

function frameRecord(kind: number, buffer: Buffer, start: number, end: number, format: number): object {
  if (kind === KIND_CHUNK) return { record: 'chunk', number: 0, length: end - start - chunkPrefixBytes(format) };
  if (kind === KIND_DROPPED) return { record: 'dropped', number: 0, chunks: readUint64(buffer, start) };
  if (kind === KIND_REWRITTEN) return { record: 'rewritten', chain: buffer.toString('hex', start, end) };
  if (kind === KIND_BUNDLE) {
    const bytes = buffer.subarray(start, end);
    const transactions = decodeTransactions(bytes, format);
    return { record: 'transactions', seq: bundleSeq(buffer, start), events: bundleCount(buffer, start), transactions };
  }
  return {
    record: 'commit',
    durable: readUint64(buffer, start + 8),
    head: readUint64(buffer, start + 16),
    chain: buffer.toString('hex', start + COMMIT_PREFIX_BYTES, end),
  };
}
