/**
 * What a scan of a segment finds, kept in a file beside the checkpoints: with it an opening does not read the segment.
 *
 *     meta length u32 · meta (V8 serialization) · SHA-256 of the meta · sections, the first two covered by a SHA-256 in the meta:
 *     entries of transactions · digests of the pages of the table of chunks · those pages
 *
 * It covers the segment up to a commit frame, whose chain hash must be the one that the file states: then these are the
 * bytes that were scanned. Frames behind it are scanned as ever. The checksums of what it covers are checked when it is
 * read, and by `verify`.
 */

import { hash } from 'node:crypto';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { CHECKPOINT_FOLDER } from './checkpoint-files.ts';
import type { StoredChunks } from './chunk-index.ts';
import { isErrno, type LogFileSystem, readFully, syncDirectory, writeFully } from './log-file-system.ts';
import { type Segment, segmentName } from './segment.ts';
import type { StoredSeqs } from './seq-index.ts';
import { digestsOfPages, type TableNumbers, TablePages } from './table-pages.ts';

/** Raised when older files can't be used. */
const VERSION = 3;
const META_BYTES_MAX = 4096;
const DIGEST = 32;

/** What a scan knows at a commit frame. */
export interface SegmentState {
  /** Offset behind the commit frame. */
  readonly end: number;
  readonly head: number;
  readonly chunkHead: number;
  /** Chain hash, hex. */
  readonly chain: string;
  /** As {@link Seal} of the log's index; chain hash in hex. */
  readonly seal: { readonly end: number; readonly chain: string } | null;
}

interface Section {
  readonly bytes: number;
  readonly digest: string;
}

interface Meta extends SegmentState {
  readonly version: number;
  readonly number: number;
  readonly salt: number;
  readonly firstSeq: number;
  readonly firstChunk: number;
  readonly seqs: Section;
  /** Digests of the table's pages. */
  readonly chunkPages: Section;
  /** Length of the table of chunks. */
  readonly chunkBytes: number;
}

/** What an index file says. */
export interface SegmentIndexFile extends SegmentState {
  readonly seqs: StoredSeqs;
  readonly chunks: StoredChunks;
}

/** The same as it is found: the table of chunks may be damaged, which shows when a part of it is asked for. */
type FoundIndex = SegmentState & {
  readonly seqs: StoredSeqs;
  /** @param rescue - The table, made from the segment. */
  readonly chunks: Omit<StoredChunks, 'load'> & { load(rescue: () => Buffer): TableNumbers };
};

const pathOf = (directory: string, number: number): string =>
  join(directory, CHECKPOINT_FOLDER, segmentName(number).replace('.seg', '.index'));

/** The index of a segment; null where there is none that fits its header. Sections are read when they are asked for. */
export function readSegmentIndex(files: LogFileSystem, directory: string, segment: Segment): FoundIndex | null {
  const path = pathOf(directory, segment.number);
  try {
    const fd = files.openSync(path, 'r');
    try {
      const front = Buffer.allocUnsafe(4 + META_BYTES_MAX + DIGEST);
      const read = readFully(files, fd, front, front.length, 0);
      const length = read < 4 ? Infinity : front.readUInt32LE(0);
      if (4 + length + DIGEST > read) return null;
      const bytes = front.subarray(4, 4 + length);
      if (!hash('sha256', bytes, 'buffer').equals(front.subarray(4 + length, 4 + length + DIGEST))) return null;
      const meta = deserialize(bytes) as Meta;
      if (meta.version !== VERSION || !fits(meta, segment)) return null;
      const start = 4 + length + DIGEST;
      return {
        ...meta,
        seqs: { firstSeq: meta.firstSeq, head: meta.head, load: () => readSection(files, path, start, meta.seqs) },
        chunks: {
          first: meta.firstChunk,
          head: meta.chunkHead,
          load: (rescue) => openTable(files, path, start + meta.seqs.bytes, meta, rescue),
        },
      };
    } finally {
      files.closeSync(fd);
    }
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** There is none, or the system does not give it, for whatever reason: the segment says the same. */
const isAbsent = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

/** What is wrong with the file of an index, all of it read; null: nothing, or it is of another version. */
export function damageOfIndex(bytes: Buffer): string | null {
  const length = bytes.length < 4 ? Infinity : bytes.readUInt32LE(0);
  const start = 4 + length + DIGEST;
  if (start > bytes.length) return 'it ends too early';
  const meta = bytes.subarray(4, 4 + length);
  if (!hash('sha256', meta, 'buffer').equals(bytes.subarray(4 + length, start)))
    return 'its head is not what was stored';
  const { version, seqs, chunkPages, chunkBytes } = deserialize(meta) as Meta;
  if (version !== VERSION) return null;
  const end = start + seqs.bytes;
  const table = end + chunkPages.bytes;
  if (bytes.length !== table + chunkBytes) return 'it has another length';
  const digests = bytes.subarray(end, table);
  const isWhole =
    hash('sha256', bytes.subarray(start, end), 'hex') === seqs.digest &&
    hash('sha256', digests, 'hex') === chunkPages.digest &&
    digestsOfPages(bytes.subarray(table)).equals(digests);
  return isWhole ? null : 'a table is not what was stored';
}

const fits = (meta: Meta, segment: Segment): boolean =>
  meta.number === segment.number &&
  meta.salt === segment.salt &&
  meta.firstSeq === segment.firstSeq &&
  meta.firstChunk === segment.firstChunk;

/** The table of chunks: its pages' digests are read, a page when it is touched. */
function openTable(
  files: LogFileSystem,
  path: string,
  start: number,
  { chunkPages, chunkBytes }: Meta,
  rescue: () => Buffer,
): TableNumbers {
  const digests = readSection(files, path, start, chunkPages);
  if (digests === null) return rescue();
  const table = start + chunkPages.bytes;
  return new TablePages(digests, chunkBytes, (at, length) => readPart(files, path, table + at, length), rescue);
}

/** Null: it can't be read, or is not what was written. */
function readSection(files: LogFileSystem, path: string, start: number, section: Section): Buffer | null {
  const bytes = readPart(files, path, start, section.bytes);
  return bytes !== null && hash('sha256', bytes, 'hex') === section.digest ? bytes : null;
}

/** Null: it can't be read. */
function readPart(files: LogFileSystem, path: string, start: number, length: number): Buffer | null {
  try {
    const fd = files.openSync(path, 'r');
    try {
      const bytes = Buffer.allocUnsafeSlow(length);
      return readFully(files, fd, bytes, length, start) < length ? null : bytes;
    } finally {
      files.closeSync(fd);
    }
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Writes the index of a segment. The file has its name when it is whole and on the disk. */
export function writeSegmentIndex(
  files: LogFileSystem,
  directory: string,
  segment: Segment,
  index: SegmentState & { readonly seqs: Buffer; readonly chunks: Buffer },
): void {
  const { seqs, chunks, ...state } = index;
  const { number, salt, firstSeq, firstChunk } = segment;
  const digests = digestsOfPages(chunks);
  const sectionOf = (bytes: Buffer): Section => ({ bytes: bytes.length, digest: hash('sha256', bytes, 'hex') });
  const meta: Meta = {
    ...state,
    version: VERSION,
    number,
    salt,
    firstSeq,
    firstChunk,
    seqs: sectionOf(seqs),
    chunkPages: sectionOf(digests),
    chunkBytes: chunks.length,
  };
  const bytes = serialize(meta);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  const whole = Buffer.concat([length, bytes, hash('sha256', bytes, 'buffer'), seqs, digests, chunks]);
  const path = pathOf(directory, number);
  files.mkdirSync(join(directory, CHECKPOINT_FOLDER));
  removeQuietly(files, `${path}.tmp`);
  const fd = files.openSync(`${path}.tmp`, 'wx+');
  try {
    writeFully(files, fd, whole, whole.length, 0);
    files.fdatasyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
  files.renameSync(`${path}.tmp`, path);
  syncDirectory(files, join(directory, CHECKPOINT_FOLDER));
}

function removeQuietly(files: LogFileSystem, path: string): void {
  try {
    files.unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
