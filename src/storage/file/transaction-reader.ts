import { bundleCount, bundleSeq, decodeTransactions } from '../../events/bundle-reader.ts';
import { BUNDLE_PREFIX_BYTES, type BundleWriter } from '../../events/bundle-writer.ts';
import type { Transaction } from '../../events/event.ts';
import type { ReadParts } from '../../events/event-log.ts';
import { FORMAT_VERSION } from '../../events/upcast.ts';
import { FRAME_HEADER_BYTES, isFrameWhole, isPayloadLength, KIND_BUNDLE } from './frame.ts';
import { type LogFileSystem, readFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { OpenSegments } from './open-segments.ts';
import { corrupt, SEGMENT_HEADER_BYTES, segmentName } from './segment.ts';

/** First and largest reads of one iteration: small, since most readers want one transaction; then growing. */
const WINDOW_BYTES_MIN = 65_536;
const WINDOW_BYTES_MAX = 1 << 20;

/** The first read for one transaction: it starts at most 8 KiB behind an entry of the index. */
const POINT_BYTES = 12_288;

/** Header of a frame and the fixed bytes of a bundle. */
const PEEK_BYTES = FRAME_HEADER_BYTES + BUNDLE_PREFIX_BYTES;

/** What is not written yet; see `LogWriter`. */
export interface UnwrittenFrames {
  readonly buffer: Buffer;
  /** Offset of the buffer's first byte in the last segment. */
  readonly written: number;
  /** Transactions that are behind all frames. */
  readonly bundle: BundleWriter;
}

interface ReadRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly wanted: ReadParts;
}

/** Reads transactions from the segments and from the writer's buffer, with bounded memory. */
export class TransactionReader {
  readonly #files: LogFileSystem;
  readonly #index: LogIndex;
  readonly #open: OpenSegments;
  readonly #unwritten: UnwrittenFrames | null;
  /** The window of the last iteration that ended, for the next one. */
  #spare: Window | null = null;

  constructor(files: LogFileSystem, index: LogIndex, open: OpenSegments, unwritten: UnwrittenFrames | null) {
    this.#files = files;
    this.#index = index;
    this.#open = open;
    this.#unwritten = unwritten;
  }

  /**
   * Whole transactions from the one that holds `fromSeq` to the one that holds `toSeq`.
   *
   * Between two of them the log may grow, flush and roll: what is kept is an offset, not a view.
   *
   * @throws `ERR_LOG_CORRUPT` with segment, byte and seq.
   */
  *read(fromSeq: number, toSeq: number, wanted: ReadParts = 'all'): Generator<Transaction, void> {
    if (toSeq < fromSeq) return;
    const start = this.#index.seqs.find(fromSeq);
    if (start === null) return yield* this.#gathered(fromSeq, toSeq, wanted);
    const window = this.#spare ?? new Window();
    this.#spare = null;
    if (fromSeq === toSeq) window.wanted = POINT_BYTES;
    try {
      for (const transactions of this.#walk(window, start, { fromSeq, toSeq, wanted })) {
        for (const transaction of transactions) yield transaction;
      }
    } finally {
      window.filled = 0;
      window.wanted = WINDOW_BYTES_MIN;
      if (window.own.length <= WINDOW_BYTES_MAX) this.#spare = window;
    }
  }

  *#walk(
    window: Window,
    start: { readonly segment: number; readonly offset: number },
    range: ReadRange,
  ): Generator<Transaction[], void> {
    const { fromSeq, toSeq } = range;
    const index = this.#index;
    let { segment, offset } = start;
    let done = 0;
    while (done < toSeq) {
      if (offset >= index.ends[segment]) {
        if (++segment >= index.segments.length) {
          yield this.#gathered(Math.max(done + 1, fromSeq), toSeq, range.wanted);
          return;
        }
        offset = SEGMENT_HEADER_BYTES;
        window.filled = 0;
        continue;
      }
      const frameBytes = this.#look(window, segment, offset);
      const { buffer, at } = window;
      if (buffer[at + 8] === KIND_BUNDLE) {
        const seq = bundleSeq(buffer, at + FRAME_HEADER_BYTES);
        // An opening does not look at what an index file covers: a frame that is not what it was could hide others.
        if (done === 0 ? seq > fromSeq : seq !== done + 1) throw this.#corrupt(segment, offset);
        done = seq + bundleCount(buffer, at + FRAME_HEADER_BYTES) - 1;
        if (seq > toSeq) return;
        if (done >= fromSeq) yield this.#transactions(window, segment, offset, frameBytes, range);
      }
      offset += frameBytes;
    }
  }

  /** Brings the first bytes of a frame into the window. Returns the frame's length. */
  #look(window: Window, segment: number, offset: number): number {
    this.#fill(window, segment, offset, Math.min(PEEK_BYTES, this.#index.ends[segment] - offset));
    const length = window.buffer.readUInt32LE(window.at + 4);
    const { format } = this.#index.segments[segment];
    if (!isPayloadLength(window.buffer[window.at + 8], length, format)) throw this.#corrupt(segment, offset);
    return FRAME_HEADER_BYTES + length;
  }

  #transactions(
    window: Window,
    segment: number,
    offset: number,
    frameBytes: number,
    { fromSeq, toSeq, wanted }: ReadRange,
  ): Transaction[] {
    this.#fill(window, segment, offset, frameBytes);
    const ofSegment = this.#index.segments[segment];
    const { buffer, at } = window;
    const end = at + frameBytes;
    if (!isFrameWhole(buffer, at, end, ofSegment)) throw this.#corrupt(segment, offset);
    return decodeTransactions(buffer.subarray(at + FRAME_HEADER_BYTES, end), ofSegment.format, fromSeq, toSeq, wanted);
  }

  /** Of the transactions that the writer has not made a frame of. */
  #gathered(fromSeq: number, toSeq: number, wanted: ReadParts): Transaction[] {
    const bundle = this.#unwritten?.bundle;
    const isHere = bundle !== undefined && !bundle.isEmpty && bundle.firstSeq <= fromSeq;
    if (!isHere && fromSeq <= toSeq) throw this.#corrupt(this.#index.segments.length - 1, this.#index.lastEnd);
    if (bundle === undefined || bundle.isEmpty || bundle.firstSeq > toSeq) return [];
    return decodeTransactions(bundle.bytes(), FORMAT_VERSION, fromSeq, toSeq, wanted);
  }

  #fill(window: Window, segment: number, offset: number, length: number): void {
    const unwritten = this.#unwritten;
    if (unwritten !== null && segment === this.#index.segments.length - 1 && offset >= unwritten.written) {
      window.buffer = unwritten.buffer;
      window.at = offset - unwritten.written;
      window.filled = 0; // not the window's own bytes: look again the next time
      return;
    }
    if (window.filled > 0 && offset >= window.base && offset + length <= window.base + window.filled) {
      window.buffer = window.own;
      window.at = offset - window.base;
      return;
    }
    window.reserve(length);
    const fd = this.#open.descriptor(this.#index.segments[segment]);
    const filled = readFully(this.#files, fd, window.own, Math.max(window.wanted, length), offset);
    if (filled < length) throw this.#corrupt(segment, offset);
    window.buffer = window.own;
    window.wanted = Math.min(window.wanted * 2, WINDOW_BYTES_MAX);
    window.base = offset;
    window.filled = filled;
    window.at = 0;
  }

  #corrupt(segment: number, byte: number): Error {
    const place = { segment: segmentName(this.#index.segments[segment].number), byte, seq: null };
    return corrupt('a frame does not match its checksum', place);
  }
}

/** Bytes of a segment that one iteration has read. */
class Window {
  own: Buffer = Buffer.alloc(0);
  /** Offset of the first byte in the segment; `filled` bytes are there. */
  base = 0;
  filled = 0;
  /** Where the frame that is looked at lies: in the own buffer or in the writer's. */
  buffer: Buffer = this.own;
  at = 0;

  /** Bytes of the next read; doubles with every one. */
  wanted = WINDOW_BYTES_MIN;

  reserve(length: number): void {
    const bytes = Math.max(this.wanted, length);
    if (this.own.length < bytes) this.own = Buffer.allocUnsafeSlow(bytes);
  }
}
