import { hash } from 'node:crypto';
import { CHUNK_BYTES_MAX, type ChunkStore } from '../../events/chunk-store.ts';
import type { ChunkNumber } from '../../events/event.ts';
import { isStoreError } from '../../events/log-error.ts';
import { crc32 } from '../crc32.ts';
import { chunkTooLarge, droppedChunk, readOnlyLog, unknownChunk } from '../log-state.ts';
import { ChunkCache } from './chunk-cache.ts';
import { chunkPrefixBytes, FRAME_HEADER_BYTES, isFrameWhole } from './frame.ts';
import { type LogFileSystem, readFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { LogWriter } from './log-writer.ts';
import type { OpenSegments } from './open-segments.ts';
import { READ_AHEAD_BYTES_MAX, ReadAhead } from './read-ahead.ts';
import { corrupt, segmentName } from './segment.ts';

/** Chunks with one CRC that are compared before a new one is stored anyway; bounds what made-up collisions cost. */
const COMPARED_MAX = 16;

/** Shorter content is not kept to compare with: it would take the place of what saves more. */
const REPEATED_BYTES_MIN = 4096;

/** Digests that are kept after they were asked for. */
const DIGESTS_MAX = 16_384;

/**
 * Chunks of a log in files.
 *
 * Equal chunks are found by CRC-32, which the frame needs anyway, and comparing. SHA-256, which takes as long as the rest of
 * a put, waits until somebody asks for a digest.
 */
export class FileChunks implements ChunkStore {
  readonly #files: LogFileSystem;
  readonly #index: LogIndex;
  readonly #open: OpenSegments;
  readonly #writer: LogWriter | null;
  readonly #cache: ChunkCache;
  readonly #ahead: ReadAhead;
  readonly #beforeAppend: () => void;
  readonly #digests = new Map<ChunkNumber, Buffer>();
  /** The chunk that was found equal last, and what is in it. */
  #repeated: ChunkNumber = 0;
  #repeatedContent: Uint8Array = new Uint8Array(0);

  constructor(parts: {
    files: LogFileSystem;
    index: LogIndex;
    open: OpenSegments;
    writer: LogWriter | null;
    cacheBytes: number;
    /** Called in front of each append; throws when the log is closed. */
    beforeAppend: () => void;
  }) {
    this.#files = parts.files;
    this.#index = parts.index;
    this.#open = parts.open;
    this.#writer = parts.writer;
    this.#cache = new ChunkCache(parts.cacheBytes);
    this.#ahead = new ReadAhead(parts.files, parts.index, parts.open);
    this.#beforeAppend = parts.beforeAppend;
  }

  get head(): ChunkNumber {
    return this.#index.chunks.head;
  }

  put(bytes: Uint8Array): ChunkNumber {
    const writer = this.#writer;
    if (writer === null) throw readOnlyLog();
    this.#beforeAppend();
    const { length } = bytes;
    if (length === 0 || length > CHUNK_BYTES_MAX) throw chunkTooLarge(length);
    const { chunks } = this.#index;
    if (this.#isRepeated(bytes)) return this.#repeated;
    const sum = crc32(bytes, 0, length);
    const known = this.#find(bytes, sum);
    if (known !== 0) return known;
    chunks.add(writer.appendChunk(bytes, sum), length, sum);
    return chunks.head;
  }

  putDropped(count: number): void {
    const writer = this.#writer;
    if (writer === null) throw readOnlyLog();
    this.#beforeAppend();
    writer.appendDropped(count);
    this.#index.chunks.addDropped(count);
  }

  get(chunk: ChunkNumber): Uint8Array {
    this.#check(chunk);
    const cached = this.#cache.get(chunk);
    if (cached !== undefined) return cached;
    const segment = this.#segmentOf(chunk);
    const length = this.#index.chunks.byteLength(chunk);
    if (length === 0) throw droppedChunk(chunk);
    const offset = this.#index.chunks.offset(chunk);
    const content = this.#unwritten(segment, offset, length) ?? this.#read(chunk, segment, offset, length);
    this.#cache.set(chunk, content);
    return content;
  }

  byteLength(chunk: ChunkNumber): number {
    this.#check(chunk);
    return this.#index.chunks.byteLength(chunk);
  }

  sum(chunk: ChunkNumber): number {
    this.#check(chunk);
    return this.#index.chunks.sum(chunk);
  }

  digest(chunk: ChunkNumber): Uint8Array {
    this.#check(chunk);
    const known = this.#digests.get(chunk);
    if (known !== undefined) return known;
    const digest = hash('sha256', this.get(chunk), 'buffer');
    if (this.#digests.size >= DIGESTS_MAX) this.#digests.clear();
    this.#digests.set(chunk, digest);
    return digest;
  }

  /** Whether this is once more what was found last: zeros of a disk image, a pattern. Comparing takes a tenth of a checksum (1 µs and 12 for 64 KiB). */
  #isRepeated(bytes: Uint8Array): boolean {
    const content = this.#repeatedContent;
    const last = bytes.length - 1;
    if (content.length !== bytes.length || content[0] !== bytes[0] || content[last] !== bytes[last]) return false;
    // It may have been dropped meanwhile.
    return this.#index.chunks.byteLength(this.#repeated) === bytes.length && Buffer.compare(content, bytes) === 0;
  }

  #find(bytes: Uint8Array, sum: number): ChunkNumber {
    const { chunks } = this.#index;
    let chunk = chunks.firstWithSum(sum);
    for (let compared = 0; chunk !== 0 && compared < COMPARED_MAX; compared++) {
      if (chunks.byteLength(chunk) === bytes.length && this.#isEqual(chunk, bytes)) return chunk;
      chunk = chunks.nextWithSum(sum);
    }
    return 0;
  }

  /** A chunk that is damaged on the disk is equal to none: the content is stored once more. */
  #isEqual(chunk: ChunkNumber, bytes: Uint8Array): boolean {
    try {
      const content = this.get(chunk);
      if (Buffer.compare(content, bytes) !== 0) return false;
      if (content.length >= REPEATED_BYTES_MIN) {
        this.#repeated = chunk;
        this.#repeatedContent = content;
      }
      return true;
    } catch (error) {
      if (isStoreError(error, 'ERR_LOG_CORRUPT')) return false;
      throw error;
    }
  }

  /** A copy from the writer's buffer, which is used again after the next write. */
  #unwritten(segment: number, offset: number, length: number): Uint8Array | null {
    const writer = this.#writer;
    if (writer === null || segment !== this.#index.segments.length - 1 || offset < writer.written) return null;
    const at = offset - writer.written;
    return Buffer.from(writer.buffer.subarray(at, at + length));
  }

  #read(chunk: ChunkNumber, segment: number, offset: number, length: number): Uint8Array {
    const ofSegment = this.#index.segments[segment];
    const prefixBytes = FRAME_HEADER_BYTES + chunkPrefixBytes(ofSegment.format);
    const frameBytes = prefixBytes + length;
    const start = offset - prefixBytes;
    let content: Uint8Array | null = null;
    if (frameBytes <= READ_AHEAD_BYTES_MAX) {
      const ahead = this.#ahead;
      if (ahead.read(segment, start, frameBytes)) {
        const end = ahead.at + frameBytes;
        if (isFrameWhole(ahead.buffer, ahead.at, end, ofSegment)) {
          content = Buffer.from(ahead.buffer.subarray(ahead.at + prefixBytes, end));
        }
      }
    } else {
      const frame = Buffer.allocUnsafe(frameBytes);
      const fd = this.#open.descriptor(ofSegment);
      const read = readFully(this.#files, fd, frame, frameBytes, start);
      if (read === frameBytes && isFrameWhole(frame, 0, frameBytes, ofSegment)) content = frame.subarray(prefixBytes);
    }
    if (content !== null) return content;
    const place = { segment: segmentName(ofSegment.number), byte: start, seq: null };
    throw corrupt(`chunk ${chunk} does not match its checksum`, place);
  }

  /** Index of the segment that holds a chunk: the last one whose first chunk is not behind it. */
  #segmentOf(chunk: ChunkNumber): number {
    const { segments } = this.#index;
    let low = 0;
    let high = segments.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (segments[middle].firstChunk <= chunk) low = middle;
      else high = middle;
    }
    return low;
  }

  #check(chunk: ChunkNumber): void {
    if (!this.#index.chunks.has(chunk)) throw unknownChunk(chunk);
  }
}
