import { join } from 'node:path';
import { storeError } from '../../events/log-error.ts';
import { FORMAT_VERSION, unsupportedFormat } from '../../events/upcast.ts';
import { DIGEST_BYTES } from '../columns.ts';
import { crc32 } from '../crc32.ts';
import { readUint64, writeUint64 } from './frame.ts';
import { type LogFileSystem, type LogReader, readFully } from './log-file-system.ts';

/**
 * Segments: the files of a log (docs/log-format.md, "Segment header"). All integers little endian.
 *
 *     0         8         12        16       20        24       32        40          48               80    84
 *     ┌─────────┬─────────┬─────────┬────────┬─────────┬────────┬─────────┬───────────┬────────────────┬─────┐
 *     │ magic   │ format  │ crc of  │ salt   │ zero    │ number │ first   │ first     │ chain hash of  │ crc │
 *     │ OVERLOG │ u32     │ 0 to 12 │ u32    │ u32     │ u64    │ seq u64 │ chunk u64 │ the one before │     │
 *     └─────────┴─────────┴─────────┴────────┴─────────┴────────┴─────────┴───────────┴────────────────┴─────┘
 *
 * Magic and format have a checksum of their own, the same in every format: so a newer format is told from a broken one
 * by a version that knows nothing else of it.
 */
export const SEGMENT_HEADER_BYTES = 84;

/** "OVERLOG" and a NUL. */
const MAGIC = Buffer.from('OVERLOG\0', 'latin1');

export interface SegmentHeader {
  readonly format: number;
  /** Seed of the frames' checksums. */
  readonly salt: number;
  /** From 1, dense. */
  readonly number: number;
  /** Sequence number of the first event that it can hold. */
  readonly firstSeq: number;
  /** Number of the first chunk that it can hold. */
  readonly firstChunk: number;
  /** Chain hash of the last commit frame before this segment; zeros in the first one. */
  readonly previousChain: Buffer;
}

/** A segment of an open log. */
export interface Segment extends SegmentHeader {
  readonly path: string;
}

export const LOG_FOLDER = 'log';

const NAME = /^\d{20}\.seg$/;

export const segmentName = (number: number): string => `${String(number).padStart(20, '0')}.seg`;

export function segmentPath(directory: string, number: number): string {
  return join(directory, LOG_FOLDER, segmentName(number));
}

/** Numbers of a log's segments, ascending; empty when there is no log. */
export function listSegments(files: LogFileSystem, directory: string): number[] {
  const names = files.readdirSync(join(directory, LOG_FOLDER)).filter((name) => NAME.test(name));
  return names.map((name) => Number(name.slice(0, 20))).sort((a, b) => a - b);
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(header.format, 8);
  bytes.writeUInt32LE(crc32(bytes, 0, 12), 12);
  bytes.writeUInt32LE(header.salt, 16);
  writeUint64(bytes, header.number, 24);
  writeUint64(bytes, header.firstSeq, 32);
  writeUint64(bytes, header.firstChunk, 40);
  header.previousChain.copy(bytes, 48, 0, DIGEST_BYTES);
  bytes.writeUInt32LE(crc32(bytes, 0, 80), 80);
  return bytes;
}

/**
 * Reads and checks a segment's header.
 *
 * @throws `ERR_LOG_CORRUPT` when it is not one; `ERR_LOG_FORMAT_UNSUPPORTED` when it is one of a newer format.
 */
export function readSegmentHeader(files: LogReader, fd: number, directory: string, number: number): Segment {
  const path = segmentPath(directory, number);
  const segment = segmentName(number);
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const length = readFully(files, fd, bytes, SEGMENT_HEADER_BYTES, 0);
  if (length < 16 || !bytes.subarray(0, 8).equals(MAGIC)) {
    throw corrupt(`${path} is not a segment of a log: its magic is wrong`, { segment, byte: 0, seq: null });
  }
  if (bytes.readUInt32LE(12) !== crc32(bytes, 0, 12)) {
    throw corrupt(`the header of ${path} does not match its checksum`, { segment, byte: 8, seq: null });
  }
  const format = bytes.readUInt32LE(8);
  if (format < 1 || format > FORMAT_VERSION) throw unsupportedFormat(format, { segment });
  if (length < SEGMENT_HEADER_BYTES || bytes.readUInt32LE(80) !== crc32(bytes, 0, 80)) {
    throw corrupt(`the header of ${path} does not match its checksum`, { segment, byte: 16, seq: null });
  }
  const header = {
    path,
    format,
    salt: bytes.readUInt32LE(16),
    number: readUint64(bytes, 24),
    firstSeq: readUint64(bytes, 32),
    firstChunk: readUint64(bytes, 40),
    previousChain: bytes.subarray(48, 80),
  };
  if (header.number !== number) {
    throw corrupt(`${path} says that it is segment ${header.number}`, { segment, byte: 24, seq: null });
  }
  return header;
}

/** The salt in a segment's header, which is new when the segment was written anew. */
export function saltOf(files: LogReader, fd: number): number {
  const bytes = Buffer.alloc(4);
  readFully(files, fd, bytes, 4, 16);
  return bytes.readUInt32LE(0);
}

/** History was dropped while somebody had the log open for reading: what they know of it is of the old one. */
export function rewritten({ number }: { readonly number: number }): Error {
  const segment = segmentName(number);
  const message = `history was dropped from the log while it was open (segment ${segment} is another one now): open it again`;
  return storeError('ERR_LOG_REWRITTEN', message, { detail: { segment } });
}

export interface Place {
  readonly segment: string;
  readonly byte: number;
  /** The newest event in front of that place. */
  readonly seq: number | null;
}

/** An `ERR_LOG_CORRUPT` that says where. */
export function corrupt(what: string, place: Place, cause?: unknown): Error {
  const seq = place.seq === null ? '' : `, after event ${place.seq}`;
  const message = `corrupt log: ${what} (segment ${place.segment}, byte ${place.byte}${seq})`;
  return storeError('ERR_LOG_CORRUPT', message, { detail: { ...place }, ...(cause === undefined ? {} : { cause }) });
}
