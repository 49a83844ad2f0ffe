import { hash } from 'node:crypto';
import { CHUNK_BYTES_MAX, type ChunkStore } from '../../events/chunk-store.ts';
import type { ChunkNumber } from '../../events/event.ts';
import { DIGEST_BYTES } from '../columns.ts';
import { chunkTooLarge, readOnlyLog, unknownChunk } from '../log-state.ts';
import { ChunkCache } from './chunk-cache.ts';
import { CHUNK_PREFIX_BYTES, FRAME_HEADER_BYTES, isFrameWhole } from './frame.ts';
import { type LogFileSystem, readFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { LogWriter } from './log-writer.ts';
import type { OpenSegments } from './open-segments.ts';
import { READ_AHEAD_BYTES_MAX, ReadAhead } from './read-ahead.ts';
import { corrupt, segmentName } from './segment.ts';

/** A chunk's frame in front of its content. */
const FRAME_PREFIX_BYTES = FRAME_HEADER_BYTES + CHUNK_PREFIX_BYTES;

/** Chunks of a log in files. */
export class FileChunks implements ChunkStore {
  readonly #files: LogFileSystem;
  readonly #index: LogIndex;
  readonly #open: OpenSegments;
  readonly #writer: LogWriter | null;
  readonly #cache: ChunkCache;
  readonly #ahead: ReadAhead;
  readonly #beforeAppend: () => void;
  readonly #digest = Buffer.allocUnsafeSlow(DIGEST_BYTES);

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
    this.#digest.write(hash('sha256', bytes, 'binary'), 0, DIGEST_BYTES, 'latin1');
    const known = chunks.find(this.#digest);
    if (known !== 0) return known;
    const offset = writer.appendChunk(chunks.head + 1, this.#digest, bytes);
    chunks.add(offset, length, this.#digest, 0);
    return chunks.head;
  }

  get(chunk: ChunkNumber): Uint8Array {
    this.#check(chunk);
    const cached = this.#cache.get(chunk);
    if (cached !== undefined) return cached;
    const segment = this.#segmentOf(chunk);
    const length = this.#index.chunks.byteLength(chunk);
    const offset = this.#index.chunks.offset(chunk);
    const content = this.#unwritten(segment, offset, length) ?? this.#read(chunk, segment, offset, length);
    this.#cache.set(chunk, content);
    return content;
  }

  byteLength(chunk: ChunkNumber): number {
    this.#check(chunk);
    return this.#index.chunks.byteLength(chunk);
  }

  digest(chunk: ChunkNumber): Uint8Array {
    this.#check(chunk);
    return this.#index.chunks.digest(chunk);
  }

  /** A copy from the writer's buffer, which is used again after the next write. */
  #unwritten(segment: number, offset: number, length: number): Uint8Array | null {
    const writer = this.#writer;
    if (writer === null || segment !== this.#index.segments.length - 1 || offset < writer.written) return null;
    const at = offset - writer.written;
    return Buffer.from(writer.buffer.subarray(at, at + length));
  }

  #read(chunk: ChunkNumber, segment: number, offset: number, length: number): Uint8Array {
    const { salt, number } = this.#index.segments[segment];
    const frameBytes = FRAME_PREFIX_BYTES + length;
    const start = offset - FRAME_PREFIX_BYTES;
    let content: Uint8Array | null = null;
    if (frameBytes <= READ_AHEAD_BYTES_MAX) {
      const ahead = this.#ahead;
      if (ahead.read(segment, start, frameBytes)) {
        const end = ahead.at + frameBytes;
        if (isFrameWhole(ahead.buffer, ahead.at, end, salt)) {
          content = Buffer.from(ahead.buffer.subarray(ahead.at + FRAME_PREFIX_BYTES, end));
        }
      }
    } else {
      const frame = Buffer.allocUnsafe(frameBytes);
      const fd = this.#open.descriptor(this.#index.segments[segment]);
      const read = readFully(this.#files, fd, frame, frameBytes, start);
      if (read === frameBytes && isFrameWhole(frame, 0, frameBytes, salt)) content = frame.subarray(FRAME_PREFIX_BYTES);
    }
    if (content !== null) return content;
    const place = { segment: segmentName(number), byte: start, seq: null };
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
