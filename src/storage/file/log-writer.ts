import { randomInt } from 'node:crypto';
import { dirname } from 'node:path';
import { transactionCount } from '../../events/codec.ts';
import type { ChunkNumber } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { FORMAT_VERSION } from '../../events/upcast.ts';
import { Chain } from './chain.ts';
import {
  CHUNK_PREFIX_BYTES,
  COMMIT_FRAME_BYTES,
  COMMIT_PAYLOAD_BYTES,
  COMMIT_PREFIX_BYTES,
  FRAME_HEADER_BYTES,
  KIND_CHUNK,
  KIND_COMMIT,
  KIND_TRANSACTION,
  sealFrame,
  TRANSACTION_BYTES_MAX,
  writeUint64,
} from './frame.ts';
import { type LogFileSystem, syncDirectory, writeFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader, segmentPath } from './segment.ts';
import { scanFrames } from './segment-scan.ts';

/** Frames gathered in memory before they are written without being asked. */
const BUFFER_BYTES = 1 << 20;
const BUFFER_BYTES_KEPT = 4 << 20;

export interface LogWriterOptions {
  readonly segmentBytesMax: number;
  readonly randomSalt: () => number;
}

/**
 * Appends frames to the last segment: gathers them in a buffer, and writes the buffer with a commit frame at its end.
 *
 * Any failure of a write, a sync or a roll is final ({@link LogWriter.failure}): nothing is written again. What the
 * buffer holds stays readable.
 */
export class LogWriter {
  /** The first failure. */
  failure: unknown = null;
  /** Frames that are not written yet: bytes from {@link LogWriter.written} of the segment on. */
  buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  used = 0;
  /** Bytes of the segment that the operating system has. */
  written: number;
  /** Highest sequence number on the disk. */
  syncedSeq: number;

  readonly #files: LogFileSystem;
  readonly #directory: string;
  readonly #index: LogIndex;
  readonly #options: LogWriterOptions;
  readonly #chain: Chain;
  #fd: number;
  /** Bytes of the segment that are on the disk. */
  #synced: number;
  #syncsInFlight = 0;
  /** Descriptors to close when no sync is in flight. */
  #retired: number[] = [];

  /** @param index - Of the loaded log, its tail cut; the writer goes on from there. */
  constructor(files: LogFileSystem, directory: string, index: LogIndex, options: LogWriterOptions) {
    this.#files = files;
    this.#directory = directory;
    this.#index = index;
    this.#options = options;
    this.#fd = files.openSync(index.last.path, 'r+');
    this.written = index.lastEnd;
    this.#synced = Math.max(index.commit.durable, SEGMENT_HEADER_BYTES);
    this.syncedSeq = index.syncedSeq;
    this.#chain = new Chain(index.commit.chain);
    const { commit, last } = index;
    scanFrames(files, this.#fd, commit.end, last.salt, (kind, buffer, start, end) => {
      this.#chain.add(buffer, kind, start - FRAME_HEADER_BYTES, end);
    });
  }

  /** Whether frames stand behind the last commit frame: in the buffer, or found so when the log was opened. */
  get #isUncommitted(): boolean {
    return this.#index.commit.end !== this.#index.lastEnd;
  }

  /** Whether everything appended is on the disk. */
  get isSynced(): boolean {
    return !this.#isUncommitted && (this.#synced === this.written || this.#isMarked);
  }

  /** Whether the last frame is a commit that counts all before it as durable. */
  get #isMarked(): boolean {
    return this.#index.commit.end === this.written && this.#synced === this.written - COMMIT_FRAME_BYTES;
  }

  /** @returns Offset of the content in the segment. */
  appendChunk(number: ChunkNumber, digest: Buffer, content: Uint8Array): number {
    const payloadBytes = CHUNK_PREFIX_BYTES + content.length;
    const start = this.#room(FRAME_HEADER_BYTES + payloadBytes);
    const { buffer } = this;
    const payload = start + FRAME_HEADER_BYTES;
    writeUint64(buffer, number, payload);
    buffer.set(digest, payload + 8);
    buffer.set(content, payload + CHUNK_PREFIX_BYTES);
    return this.#append(KIND_CHUNK, start, payloadBytes) + FRAME_HEADER_BYTES + CHUNK_PREFIX_BYTES;
  }

  /** @param bytes - As the codec encodes it; copied. */
  appendTransaction(seq: number, bytes: Uint8Array): void {
    if (bytes.length > TRANSACTION_BYTES_MAX) {
      const message = `a transaction of ${bytes.length} bytes: at most ${TRANSACTION_BYTES_MAX} are allowed`;
      throw storeError('ERR_LOG_RECORD_TOO_LARGE', message, { detail: { bytes: bytes.length, seq } });
    }
    const start = this.#room(FRAME_HEADER_BYTES + bytes.length);
    this.buffer.set(bytes, start + FRAME_HEADER_BYTES);
    const offset = this.#append(KIND_TRANSACTION, start, bytes.length);
    this.#index.addTransaction(seq, transactionCount(bytes, 0), offset);
  }

  /** Hands the buffer to the operating system, with a commit frame at its end. */
  write(): void {
    this.check();
    if (this.#isUncommitted) this.#guard(() => this.#write());
  }

  syncSync(): void {
    this.write();
    if (this.isSynced) return;
    this.#guard(() => {
      this.#files.fdatasyncSync(this.#fd);
      this.#markSynced(this.#index.last.number, this.written, this.#index.head);
    });
  }

  /** Writes, then syncs without blocking. `done` gets the failure, already noted. */
  startSync(done: (failure: Error | null) => void): void {
    this.write();
    const segment = this.#index.last.number;
    const { written } = this;
    const { head } = this.#index;
    this.#syncsInFlight++;
    this.#files.fdatasync(this.#fd, (error) => {
      this.#syncsInFlight--;
      this.#closeRetired();
      if (error === null) this.#markSynced(segment, written, head);
      else this.failure ??= error;
      done(this.failure === null ? null : this.failed());
    });
  }

  /**
   * Syncs, marks everything as durable, and closes the segment. A later change of any byte in front of the mark is then
   * known as corruption and not taken for a torn tail.
   */
  close(): void {
    try {
      this.syncSync();
      if (this.#isMarked) return;
      this.#guard(() => {
        this.#commit();
        this.#writeBuffer();
        this.#files.fdatasyncSync(this.#fd);
      });
    } finally {
      this.abandon();
    }
  }

  /** Closes the segment as it is. */
  abandon(): void {
    this.#retired.push(this.#fd);
    this.#closeRetired();
  }

  /** @throws `ERR_LOG_FAILED` after a failure. */
  check(): void {
    if (this.failure !== null) throw this.failed();
  }

  failed(): Error {
    const { failure } = this;
    const why = failure instanceof Error ? failure.message : String(failure);
    return storeError('ERR_LOG_FAILED', `the log takes no more writes after a failure: ${why}`, { cause: failure });
  }

  /** Makes room for a frame in the buffer. Whatever fails here fails before the frame is part of the log. */
  #room(frameBytes: number): number {
    this.check();
    const wanted = frameBytes + COMMIT_FRAME_BYTES;
    const end = this.written + this.used;
    const isFull = end + wanted > this.#options.segmentBytesMax && end > SEGMENT_HEADER_BYTES;
    if (isFull || this.#index.last.format !== FORMAT_VERSION) this.#roll();
    if (this.used + wanted > this.buffer.length) {
      this.write();
      if (wanted > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(wanted);
    }
    return this.used;
  }

  /** Takes the frame that lies at the buffer's end. Returns its offset in the segment. */
  #append(kind: number, start: number, payloadBytes: number): number {
    const end = sealFrame(this.buffer, start, kind, payloadBytes, this.#index.last.salt);
    this.#chain.add(this.buffer, kind, start, end);
    this.used = end;
    this.#index.lastEnd = this.written + end;
    return this.written + start;
  }

  #write(): void {
    this.#commit();
    this.#writeBuffer();
  }

  #commit(): void {
    const { buffer, used: start } = this;
    const payload = start + FRAME_HEADER_BYTES;
    const { commit, last, head } = this.#index;
    writeUint64(buffer, this.written + start, payload);
    writeUint64(buffer, this.#synced, payload + 8);
    writeUint64(buffer, head, payload + 16);
    const chain = this.#chain.commit(buffer, payload);
    chain.copy(buffer, payload + COMMIT_PREFIX_BYTES);
    this.used = sealFrame(buffer, start, KIND_COMMIT, COMMIT_PAYLOAD_BYTES, last.salt);
    chain.copy(commit.chain);
    commit.durable = this.#synced;
    commit.end = this.written + this.used;
    this.#index.lastEnd = commit.end;
  }

  #writeBuffer(): void {
    writeFully(this.#files, this.#fd, this.buffer, this.used, this.written);
    this.written += this.used;
    this.used = 0;
    if (this.buffer.length > BUFFER_BYTES_KEPT) this.buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** Seals the segment and starts the next one. The next one appears only after the old one is on the disk. */
  #roll(): void {
    this.#guard(() => {
      if (this.#isUncommitted) this.#write();
      this.#files.fdatasyncSync(this.#fd);
      const { last, head, chunks, commit } = this.#index;
      this.#markSynced(last.number, this.written, head);
      const header: SegmentHeader = {
        format: FORMAT_VERSION,
        salt: this.#options.randomSalt(),
        number: last.number + 1,
        firstSeq: head + 1,
        firstChunk: chunks.head + 1,
        previousChain: Buffer.from(commit.chain),
      };
      const fd = createSegment(this.#files, this.#directory, header);
      this.#retired.push(this.#fd);
      this.#closeRetired();
      this.#fd = fd;
      this.#index.addSegment({ ...header, path: segmentPath(this.#directory, header.number) });
      this.written = SEGMENT_HEADER_BYTES;
      this.#synced = SEGMENT_HEADER_BYTES;
    });
  }

  #markSynced(segment: number, written: number, head: number): void {
    if (segment === this.#index.last.number && written > this.#synced) this.#synced = written;
    if (head > this.syncedSeq) this.syncedSeq = head;
  }

  #closeRetired(): void {
    if (this.#syncsInFlight > 0) return;
    for (const fd of this.#retired) this.#files.closeSync(fd);
    this.#retired = [];
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failure ??= error;
      throw this.failed();
    }
  }
}

/**
 * Makes a segment. It appears under its name when it is whole and on the disk.
 *
 * @returns A descriptor for writing.
 */
export function createSegment(files: LogFileSystem, directory: string, header: SegmentHeader): number {
  const path = segmentPath(directory, header.number);
  const unfinished = `${path}.tmp`;
  const fd = files.openSync(unfinished, 'wx+');
  try {
    writeFully(files, fd, encodeSegmentHeader(header), SEGMENT_HEADER_BYTES, 0);
    files.fsyncSync(fd);
    files.renameSync(unfinished, path);
    syncDirectory(files, dirname(path));
    return fd;
  } catch (error) {
    files.closeSync(fd);
    throw error;
  }
}

export const randomSalt = (): number => randomInt(0x1_0000_0000);
