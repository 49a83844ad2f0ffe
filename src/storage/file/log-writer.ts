import { BundleWriter } from '../../events/bundle-writer.ts';
import type { Transaction } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { FORMAT_VERSION } from '../../events/upcast.ts';
import { transactionTooLarge } from '../log-state.ts';
import { Chain } from './chain.ts';
import { createSegment } from './create-segment.ts';
import {
  CHUNK_PREFIX_BYTES,
  COMMIT_FRAME_BYTES,
  COMMIT_PAYLOAD_BYTES,
  COMMIT_PREFIX_BYTES,
  DROPPED_PAYLOAD_BYTES,
  FRAME_HEADER_BYTES,
  KIND_BUNDLE,
  KIND_COMMIT,
  KIND_DROPPED,
  sealFrame,
  TRANSACTION_BYTES_MAX,
  writeChunkHeader,
  writeUint64,
} from './frame.ts';
import type { LogFileSystem } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import { SEGMENT_HEADER_BYTES, type SegmentHeader, segmentPath } from './segment.ts';
import { SegmentOutput } from './segment-output.ts';
import { scanFrames } from './segment-scan.ts';

/** Frames gathered in memory before they are written without being asked: room for a mebibyte of content in its frames. */
const BUFFER_BYTES = (1 << 20) + (1 << 17);
const BUFFER_BYTES_KEPT = 4 << 20;

/** A bundle is sealed when it has so many bytes: who reads one transaction decodes the bundle that holds it. */
const BUNDLE_BYTES = 8192;

/**
 * A commit frame ends a write when so many bytes stand behind the last one. A write of one small transaction would else be
 * half commit frame, and its hash would take longer than the write(2).
 */
const COMMIT_BYTES = 65_536;

/** A hurried write of less is hashed at once, which takes some 10 µs (SHA-256 at 0.67 ms a MiB). */
const HURRIED_BYTES_MIN = 16_384;

export interface LogWriterOptions {
  readonly segmentBytesMax: number;
  readonly randomSalt: () => number;
}

/**
 * Appends frames to the last segment: gathers them in a buffer and writes the buffer; at the end of what is synced, and at
 * least every {@link COMMIT_BYTES}, with a commit frame.
 *
 * Any failure of a write, a sync or a roll is final ({@link LogWriter.failure}): nothing is written again. What the
 * buffer holds stays readable.
 */
export class LogWriter {
  /** Called when a segment was sealed. */
  onRolled: () => void = () => {};
  /** The first failure. */
  failure: unknown = null;
  /** Frames that are not written yet: bytes from {@link LogWriter.written} of the segment on. */
  buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  used = 0;
  /** Transactions that are not in a frame yet. Their chunks are in the buffer, or written. */
  readonly bundle = new BundleWriter();
  /** Bytes of the segment that the operating system has. */
  written: number;
  /** Highest sequence number on the disk. */
  syncedSeq: number;

  readonly #files: LogFileSystem;
  readonly #directory: string;
  readonly #index: LogIndex;
  readonly #options: LogWriterOptions;
  #chain: Chain;
  readonly #output: SegmentOutput;
  /** Bytes of the segment that are on the disk. */
  #synced: number;

  /** @param index - Of the loaded log, its tail cut; the writer goes on from there. */
  constructor(files: LogFileSystem, directory: string, index: LogIndex, options: LogWriterOptions) {
    this.#files = files;
    this.#directory = directory;
    this.#index = index;
    this.#options = options;
    const fd = files.openSync(index.last.path, 'r+');
    this.#output = new SegmentOutput(files, fd);
    this.written = index.lastEnd;
    this.#synced = Math.max(index.commit.durable, SEGMENT_HEADER_BYTES);
    this.syncedSeq = index.syncedSeq;
    const { commit, last } = index;
    this.#chain = new Chain(commit.chain, last.format);
    try {
      scanFrames(files, fd, commit.end, last, (kind, buffer, start, end) => {
        this.#chain.add(buffer, kind, start - FRAME_HEADER_BYTES, end);
      });
    } catch (error) {
      this.#output.close();
      throw error;
    }
  }

  /** Whether frames stand behind the last commit frame: in the buffer, or found so when the log was opened. */
  get #isUncommitted(): boolean {
    return this.#index.commit.end !== this.#index.lastEnd || !this.bundle.isEmpty;
  }

  /** Whether everything appended is on the disk. */
  get isSynced(): boolean {
    return !this.#isUncommitted && (this.#synced === this.written || this.#isMarked);
  }

  /** Whether the last frame is a commit that counts all before it as durable. */
  get #isMarked(): boolean {
    return this.#index.commit.end === this.written && this.#synced === this.written - COMMIT_FRAME_BYTES;
  }

  /**
   * @param sum - CRC-32 of the content.
   * @returns Offset of the content in the segment.
   */
  appendChunk(content: Uint8Array, sum: number): number {
    const frameBytes = FRAME_HEADER_BYTES + CHUNK_PREFIX_BYTES + content.length;
    this.#makeRoom(frameBytes);
    const start = this.used;
    const at = writeChunkHeader(this.buffer, start, content.length, sum, this.#index.last.salt);
    this.buffer.set(content, at);
    this.used = start + frameBytes;
    this.#index.lastEnd = this.written + this.used;
    return this.written + at;
  }

  /** Says that so many chunks would stand here. */
  appendDropped(count: number): void {
    this.#makeRoom(FRAME_HEADER_BYTES + DROPPED_PAYLOAD_BYTES);
    writeUint64(this.buffer, count, this.used + FRAME_HEADER_BYTES);
    this.used = sealFrame(this.buffer, this.used, KIND_DROPPED, DROPPED_PAYLOAD_BYTES, this.#index.last.salt);
    this.#index.lastEnd = this.written + this.used;
  }

  /**
   * @throws As the codec, or `ERR_LOG_RECORD_TOO_LARGE`; nothing has changed then.
   */
  appendTransaction(transaction: Transaction): void {
    this.check();
    const { bundle } = this;
    if (this.#index.last.format !== FORMAT_VERSION) this.#roll();
    if (bundle.byteLength >= BUNDLE_BYTES) {
      this.#sealBundle();
      if (this.used + 2 * BUNDLE_BYTES > this.buffer.length) this.write();
    }
    const isFirst = bundle.isEmpty;
    this.#add(transaction);
    if (this.#isTooFull(0, isFirst)) {
      bundle.undo();
      this.#roll();
      this.#add(transaction);
    }
    this.#index.head = transaction.seq + transaction.events.length - 1;
  }

  #add(transaction: Transaction): void {
    const { bundle } = this;
    const before = bundle.byteLength;
    bundle.append(transaction);
    const bytes = bundle.byteLength - before;
    if (bytes <= TRANSACTION_BYTES_MAX - before) return;
    bundle.undo();
    if (!bundle.isEmpty) {
      this.#sealBundle();
      return this.#add(transaction);
    }
    throw transactionTooLarge(bytes, TRANSACTION_BYTES_MAX, transaction.seq);
  }

  /** Hands the buffer to the operating system. */
  write(): void {
    this.check();
    if (this.used > 0 || !this.bundle.isEmpty) this.#guard(() => this.#write());
  }

  /** As write, but leaves the hash over a long stretch, and the commit frame behind it, to {@link LogWriter.settle}. */
  writeHurried(): void {
    if (this.used < HURRIED_BYTES_MIN || this.buffer.length > BUFFER_BYTES_KEPT) return this.write();
    this.check();
    this.#guard(() => {
      this.#sealBundle();
      this.#chain.addLater(this.buffer, this.used);
      this.#writeBuffer();
    });
  }

  /** Does what a hurried write has left. */
  settle(): void {
    if (!this.#chain.isBehind || this.failure !== null) return;
    this.#guard(() => {
      this.#chain.catchUp();
      if (!this.bundle.isEmpty || !this.#isCommitDue) return;
      this.#commit();
      this.#writeBuffer();
    });
  }

  /** The same, with a commit frame at the end of everything. */
  writeCommitted(): void {
    this.check();
    if (this.#isUncommitted) this.#guard(() => this.#writeCommitted());
  }

  syncSync(): void {
    this.writeCommitted();
    if (this.isSynced) return;
    this.#guard(() => {
      this.#output.syncSync();
      this.#markSynced(this.#index.last.number, this.written, this.#index.head);
    });
  }

  /** Writes, then syncs without blocking. `done` gets the failure, already noted. */
  startSync(done: (failure: Error | null) => void): void {
    this.writeCommitted();
    const segment = this.#index.last.number;
    const { written } = this;
    const { head } = this.#index;
    this.#output.sync((error) => {
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
        this.#output.syncSync();
      });
    } finally {
      this.abandon();
    }
  }

  /** Closes the segment as it is. */
  abandon(): void {
    this.#output.close();
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
  #makeRoom(frameBytes: number): void {
    this.check();
    this.#chain.catchUp();
    const isOld = this.#index.last.format !== FORMAT_VERSION;
    if (isOld || this.#isTooFull(frameBytes, this.bundle.isEmpty)) this.#roll();
    const wanted = frameBytes + COMMIT_FRAME_BYTES + this.#bundleFrameBytes;
    if (this.used + wanted <= this.buffer.length) return;
    this.write();
    if (wanted > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(wanted);
  }

  /**
   * Whether a frame has to go into the next segment: this one would exceed its bound, and holds something already.
   *
   * @param isFirst - No transaction is gathered in front of it.
   */
  #isTooFull(frameBytes: number, isFirst: boolean): boolean {
    const end = this.written + this.used;
    if (isFirst && end === SEGMENT_HEADER_BYTES) return false;
    return end + frameBytes + this.#bundleFrameBytes + COMMIT_FRAME_BYTES > this.#options.segmentBytesMax;
  }

  get #bundleFrameBytes(): number {
    return this.bundle.isEmpty ? 0 : FRAME_HEADER_BYTES + this.bundle.byteLength;
  }

  /** Makes a frame of the transactions that have been gathered. */
  #sealBundle(): void {
    this.#chain.catchUp();
    const { bundle } = this;
    if (bundle.isEmpty) return;
    const bytes = bundle.bytes();
    const wanted = FRAME_HEADER_BYTES + bytes.length + COMMIT_FRAME_BYTES;
    if (this.used + wanted > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.used + wanted, this.buffer.length));
      this.buffer.copy(larger, 0, 0, this.used);
      this.buffer = larger;
    }
    const start = this.used;
    this.buffer.set(bytes, start + FRAME_HEADER_BYTES);
    this.used = sealFrame(this.buffer, start, KIND_BUNDLE, bytes.length, this.#index.last.salt);
    this.#index.lastEnd = this.written + this.used;
    this.#index.addBundle(bundle.firstSeq, bundle.count, this.written + start);
    bundle.clear();
  }

  #write(): void {
    this.#sealBundle();
    if (this.#isCommitDue) this.#commit();
    else this.#chain.add(this.buffer, KIND_BUNDLE, 0, this.used);
    this.#writeBuffer();
  }

  #writeCommitted(): void {
    this.#sealBundle();
    this.#commit();
    this.#writeBuffer();
  }

  /**
   * Also in front of the first one of a segment, which checkpoints name, and when more is durable than the last one says: what
   * it counts is told from a torn tail.
   */
  get #isCommitDue(): boolean {
    const { commit, lastEnd } = this.#index;
    if (commit.end === SEGMENT_HEADER_BYTES) return true;
    return lastEnd - commit.end >= COMMIT_BYTES || this.#synced > Math.max(commit.durable, SEGMENT_HEADER_BYTES);
  }

  #commit(): void {
    const { buffer, used: start } = this;
    const payload = start + FRAME_HEADER_BYTES;
    const { commit, last, head } = this.#index;
    writeUint64(buffer, this.written + start, payload);
    writeUint64(buffer, this.#synced, payload + 8);
    writeUint64(buffer, head, payload + 16);
    const chain = this.#chain.commit(buffer, 0, start);
    chain.copy(buffer, payload + COMMIT_PREFIX_BYTES);
    this.used = sealFrame(buffer, start, KIND_COMMIT, COMMIT_PAYLOAD_BYTES, last.salt);
    chain.copy(commit.chain);
    commit.durable = this.#synced;
    commit.head = head;
    commit.end = this.written + this.used;
    this.#index.lastEnd = commit.end;
  }

  #writeBuffer(): void {
    this.#output.write(this.buffer, this.used, this.written);
    this.written += this.used;
    this.used = 0;
    if (this.buffer.length > BUFFER_BYTES_KEPT) this.buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** Seals the segment and starts the next one. The next one appears only after the old one is on the disk. */
  #roll(): void {
    this.#guard(() => {
      if (this.#isUncommitted) this.#writeCommitted();
      this.#output.syncSync();
      const { last, head, chunks } = this.#index;
      this.#markSynced(last.number, this.written, head);
      const header: SegmentHeader = {
        format: FORMAT_VERSION,
        salt: this.#options.randomSalt(),
        number: last.number + 1,
        firstSeq: head + 1,
        firstChunk: chunks.head + 1,
        previousChain: Buffer.from(this.#index.chainAfter),
      };
      const fd = createSegment(this.#files, this.#directory, header);
      this.#output.replace(fd);
      this.#index.addSegment({ ...header, path: segmentPath(this.#directory, header.number) });
      this.#chain = new Chain(header.previousChain, FORMAT_VERSION);
      this.written = SEGMENT_HEADER_BYTES;
      this.#synced = SEGMENT_HEADER_BYTES;
      this.onRolled();
    });
  }

  #markSynced(segment: number, written: number, head: number): void {
    if (segment === this.#index.last.number && written > this.#synced) this.#synced = written;
    if (head > this.syncedSeq) this.syncedSeq = head;
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
