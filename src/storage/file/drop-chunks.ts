/**
 * Writes segments anew without the content of some chunks (docs/log-format.md, "Dropping history").
 *
 * Transactions stay as they are; frames of chunks that go become one frame that counts them, so that all numbers stay. A
 * new segment has another salt and a chain of its own; in front of its last commit stands the chain hash that the segment
 * ended with before, which is what the next one goes on from. It takes the place of the old one by a rename, so there is
 * one or the other, and both are right: nothing depends on which segments have been done.
 */

import { dirname } from 'node:path';
import { Chain } from './chain.ts';
import type { DroppedChunks } from './drop-plan.ts';
import {
  chunkPrefixBytes,
  COMMIT_FRAME_BYTES,
  COMMIT_PAYLOAD_BYTES,
  COMMIT_PREFIX_BYTES,
  DROPPED_PAYLOAD_BYTES,
  FRAME_HEADER_BYTES,
  KIND_BUNDLE,
  KIND_CHUNK,
  KIND_COMMIT,
  KIND_DROPPED,
  KIND_REWRITTEN,
  readUint64,
  REWRITTEN_PAYLOAD_BYTES,
  sealFrame,
  writeChunkHeader,
  writeUint64,
} from './frame.ts';
import { type LogFileSystem, syncDirectory, writeFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { OpenSegments } from './open-segments.ts';
import { corruptFrame } from './recovery.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import { type FrameVisitor, scanFrames } from './segment-scan.ts';

/** Bytes that are gathered before they are written. */
const BUFFER_BYTES = 1 << 20;

/**
 * Drops chunks from all segments that hold them; those of format 1 stay.
 *
 * @param index - Of the whole log, which ends with a commit. It does not fit the log any more afterwards.
 */
export function dropChunks(
  files: LogFileSystem,
  open: OpenSegments,
  index: LogIndex,
  dropped: DroppedChunks,
  randomSalt: () => number,
): void {
  index.segments.forEach((segment, at) => {
    const next = index.segments[at + 1];
    const head = (next?.firstChunk ?? index.chunks.head + 1) - 1;
    if (segment.format === 1 || !holdsAny(index, segment, head, dropped)) return;
    const headSeq = (next?.firstSeq ?? index.head + 1) - 1;
    const chain = next?.previousChain ?? index.chainAfter;
    const fd = open.descriptor(segment);
    const salt = newSalt(randomSalt, segment.salt);
    rewriteSegment(files, fd, { index, segment, end: index.ends[at], headSeq, chain, salt, dropped });
  });
}

/** A plan that is gone through again finds nothing to do. */
function holdsAny(index: LogIndex, segment: Segment, head: number, dropped: DroppedChunks): boolean {
  if (!dropped.hasAny(segment.firstChunk, head)) return false;
  for (let chunk = segment.firstChunk; chunk <= head; chunk++) {
    if (dropped.has(chunk) && index.chunks.byteLength(chunk) > 0) return true;
  }
  return false;
}

/** Followers tell the new segment from the old one by it. */
function newSalt(randomSalt: () => number, old: number): number {
  const salt = randomSalt();
  return salt === old ? (salt ^ 1) >>> 0 : salt;
}

interface Rewriting {
  readonly index: LogIndex;
  readonly segment: Segment;
  /** Behind its last frame, a commit. */
  readonly end: number;
  readonly headSeq: number;
  /** What the next segment goes on from. */
  readonly chain: Buffer;
  readonly salt: number;
  readonly dropped: DroppedChunks;
}

function rewriteSegment(files: LogFileSystem, fd: number, rewriting: Rewriting): void {
  const { index, segment, end, headSeq, chain, salt } = rewriting;
  const unfinished = `${segment.path}.tmp`;
  const target = files.openSync(unfinished, 'wx+');
  try {
    const writer = new SegmentCopy(files, target, { ...segment, salt });
    const { bad } = scanFrames(files, fd, SEGMENT_HEADER_BYTES, segment, copyFrames(writer, rewriting));
    if (bad !== null && bad.offset < end) throw corruptFrame(index, bad);
    writer.end(headSeq, chain);
    files.fsyncSync(target);
  } finally {
    files.closeSync(target);
  }
  files.renameSync(unfinished, segment.path);
  syncDirectory(files, dirname(segment.path));
}

function copyFrames(writer: SegmentCopy, { segment, end: stop, dropped }: Rewriting): FrameVisitor {
  let chunk = segment.firstChunk;
  return (kind, buffer, start, end, offset) => {
    if (offset >= stop) return;
    if (kind === KIND_CHUNK) {
      if (dropped.has(chunk)) writer.drop(1);
      else writer.chunk(buffer, start, end);
      chunk++;
    } else if (kind === KIND_DROPPED) {
      const count = readUint64(buffer, start);
      writer.drop(count);
      chunk += count;
    } else if (kind === KIND_BUNDLE) writer.frame(kind, buffer.subarray(start, end));
  };
}

/** The new segment: a header, frames, and at the end what its successor goes on from. */
class SegmentCopy {
  readonly #files: LogFileSystem;
  readonly #fd: number;
  readonly #salt: number;
  readonly #chain: Chain;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;
  #written = 0;
  #dropped = 0;

  constructor(files: LogFileSystem, fd: number, segment: Segment) {
    this.#files = files;
    this.#fd = fd;
    this.#salt = segment.salt;
    this.#chain = new Chain(segment.previousChain, segment.format);
    this.#used = encodeSegmentHeader(segment).copy(this.#buffer, 0);
  }

  drop(count: number): void {
    this.#dropped += count;
  }

  /** A chunk's frame with its payload from `start` to `end`, under the new salt. */
  chunk(buffer: Buffer, start: number, end: number): void {
    this.#sealDropped();
    const content = start + chunkPrefixBytes(2);
    const frame = this.#room(FRAME_HEADER_BYTES + end - start);
    const at = writeChunkHeader(this.#buffer, frame, end - content, buffer.readUInt32LE(start), this.#salt);
    buffer.copy(this.#buffer, at, content, end);
    this.#add(KIND_CHUNK, frame, at + end - content);
  }

  frame(kind: number, payload: Buffer): void {
    this.#sealDropped();
    this.#seal(kind, payload);
  }

  end(head: number, chain: Buffer): void {
    this.#sealDropped();
    const seal = Buffer.alloc(REWRITTEN_PAYLOAD_BYTES);
    chain.copy(seal);
    this.#seal(KIND_REWRITTEN, seal);
    const frame = this.#room(COMMIT_FRAME_BYTES);
    const payload = frame + FRAME_HEADER_BYTES;
    const offset = this.#written + frame;
    writeUint64(this.#buffer, offset, payload);
    writeUint64(this.#buffer, offset, payload + 8); // all of it is synced before it has a name
    writeUint64(this.#buffer, head, payload + 16);
    this.#chain.commit(this.#buffer, frame, frame).copy(this.#buffer, payload + COMMIT_PREFIX_BYTES);
    this.#used = sealFrame(this.#buffer, frame, KIND_COMMIT, COMMIT_PAYLOAD_BYTES, this.#salt);
    this.#flush();
  }

  #sealDropped(): void {
    if (this.#dropped === 0) return;
    const payload = Buffer.alloc(DROPPED_PAYLOAD_BYTES);
    writeUint64(payload, this.#dropped, 0);
    this.#dropped = 0;
    this.#seal(KIND_DROPPED, payload);
  }

  #seal(kind: number, payload: Buffer): void {
    const frame = this.#room(FRAME_HEADER_BYTES + payload.length);
    payload.copy(this.#buffer, frame + FRAME_HEADER_BYTES);
    this.#add(kind, frame, sealFrame(this.#buffer, frame, kind, payload.length, this.#salt));
  }

  #add(kind: number, start: number, end: number): void {
    this.#chain.add(this.#buffer, kind, start, end);
    this.#used = end;
  }

  /** Where the next frame starts in the buffer. */
  #room(bytes: number): number {
    if (this.#used + bytes > this.#buffer.length) this.#flush();
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
    return this.#used;
  }

  #flush(): void {
    writeFully(this.#files, this.#fd, this.#buffer, this.#used, this.#written);
    this.#written += this.#used;
    this.#used = 0;
  }
}
