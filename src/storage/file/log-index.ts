import { bundleCount, bundleSeq } from '../../events/bundle-reader.ts';
import { ChunkIndex } from './chunk-index.ts';
import {
  chunkPrefixBytes,
  COMMIT_FRAME_BYTES,
  COMMIT_PREFIX_BYTES,
  FRAME_HEADER_BYTES,
  KIND_BUNDLE,
  KIND_CHUNK,
  KIND_COMMIT,
  KIND_DROPPED,
  KIND_REWRITTEN,
  readUint64,
} from './frame.ts';
import { crc32 } from '../crc32.ts';
import { corrupt, SEGMENT_HEADER_BYTES, type Segment, segmentName } from './segment.ts';
import type { SegmentIndexFile, SegmentState } from './segment-index.ts';
import { SeqIndex } from './seq-index.ts';

/** The last commit frame of the last segment; before the first one, what the segment's header says. */
export interface LastCommit {
  /** Offset behind it. */
  end: number;
  /** Bytes of the segment that were on the disk when it was written. */
  durable: number;
  /** Newest event in front of it. */
  head: number;
  chain: Buffer;
}

/** What stands at the end of a segment from which chunks were dropped. */
export interface Seal {
  /** Offset behind the commit frame that follows it; frames may have been appended since. */
  readonly end: number;
  /** The chain hash that the segment ended with before. */
  readonly chain: Buffer;
}

/**
 * What is known of an open log without reading it again: segments, chunks, and where transactions lie.
 *
 * It is built from frames in their order, checked here: numbers of chunks and events are dense, commits tell the truth.
 */
export class LogIndex {
  readonly segments: Segment[] = [];
  /** Offset behind the last whole frame of each segment, frames that are not written yet included. */
  readonly ends: number[] = [];
  readonly chunks: ChunkIndex;
  readonly seqs = new SeqIndex();
  readonly commit: LastCommit;
  /** Chain hash of the last commit frame of each segment but the last. */
  readonly endChains: Buffer[] = [];
  /** Of a segment from which chunks were dropped: what its successor was made behind. By number. */
  readonly seals = new Map<number, Seal>();
  /** What index files say of segments, by number. */
  readonly states = new Map<number, SegmentState>();
  head: number;
  /** Highest sequence number that the log itself proves to be on the disk. */
  syncedSeq: number;

  constructor(first: Segment, findsEqualChunks: boolean) {
    this.chunks = new ChunkIndex(first.firstChunk - 1, findsEqualChunks);
    this.head = first.firstSeq - 1;
    this.syncedSeq = this.head;
    this.commit = { end: SEGMENT_HEADER_BYTES, durable: 0, head: this.head, chain: Buffer.alloc(32) };
    this.addSegment(first);
  }

  /** The chain hash that a next segment goes on from. */
  get chainAfter(): Buffer {
    const seal = this.seals.get(this.last.number);
    return seal?.end === this.lastEnd ? seal.chain : this.commit.chain;
  }

  get last(): Segment {
    return this.segments[this.segments.length - 1];
  }

  get lastEnd(): number {
    return this.ends[this.ends.length - 1];
  }

  set lastEnd(end: number) {
    this.ends[this.ends.length - 1] = end;
  }

  /** Takes a new last segment. All before it are sealed, so they are on the disk. */
  addSegment(segment: Segment): void {
    if (this.segments.length > 0) this.endChains.push(Buffer.from(this.commit.chain));
    this.segments.push(segment);
    this.ends.push(SEGMENT_HEADER_BYTES);
    this.commit.end = SEGMENT_HEADER_BYTES;
    this.commit.durable = 0;
    this.commit.head = this.head;
    this.commit.chain = Buffer.from(segment.previousChain);
    this.syncedSeq = this.head;
  }

  /** Takes what an index file says of the last segment, which is empty so far. */
  adopt(known: SegmentIndexFile, durable: number): void {
    const { commit } = this;
    this.seqs.addStored(known.seqs, this.segments.length - 1);
    this.chunks.addStored(known.chunks);
    this.head = known.head;
    this.lastEnd = known.end;
    commit.end = known.end;
    commit.durable = durable;
    commit.head = known.head;
    commit.chain = Buffer.from(known.chain, 'hex');
    if (durable === known.end - COMMIT_FRAME_BYTES) this.syncedSeq = this.head;
    this.states.set(this.last.number, known);
    if (known.seal !== null)
      this.seals.set(this.last.number, { ...known.seal, chain: Buffer.from(known.seal.chain, 'hex') });
  }

  /** Takes the next frame of the last segment; a `FrameVisitor`. */
  readonly take = (kind: number, buffer: Buffer, start: number, end: number, offset: number): void => {
    if (kind === KIND_BUNDLE) this.#takeBundle(buffer, start, offset);
    else if (kind === KIND_CHUNK) this.#takeChunk(buffer, start, end, offset);
    else if (kind === KIND_COMMIT) this.#takeCommit(buffer, start, offset);
    else if (kind === KIND_DROPPED) this.chunks.addDropped(readUint64(buffer, start));
    else if (kind === KIND_REWRITTEN) this.#takeSeal(buffer, start, end, offset);
    this.lastEnd = offset + FRAME_HEADER_BYTES + end - start;
  };

  /** Takes note of where a bundle lies; its events may have been counted before, as they came. */
  addBundle(seq: number, count: number, offset: number): void {
    this.seqs.add(seq, this.segments.length - 1, offset);
    this.head = seq + count - 1;
  }

  #takeBundle(buffer: Buffer, start: number, offset: number): void {
    const seq = bundleSeq(buffer, start);
    const count = bundleCount(buffer, start);
    if (seq !== this.head + 1 || count === 0) throw this.#corrupt(`a transaction starts with event ${seq}`, offset);
    this.addBundle(seq, count, offset);
  }

  #takeChunk(buffer: Buffer, start: number, end: number, offset: number): void {
    const prefix = chunkPrefixBytes(this.last.format);
    let sum = 0;
    if (this.last.format > 1) sum = buffer.readUInt32LE(start);
    else {
      const number = readUint64(buffer, start);
      if (number !== this.chunks.head + 1) throw this.#corrupt(`chunk ${number} is out of order`, offset);
      if (this.chunks.findsEqual) sum = crc32(buffer, start + prefix, end);
    }
    this.chunks.add(offset + FRAME_HEADER_BYTES + prefix, end - start - prefix, sum);
  }

  #takeCommit(buffer: Buffer, start: number, offset: number): void {
    if (readUint64(buffer, start) !== offset) throw this.#corrupt('a commit belongs to another place', offset);
    const head = readUint64(buffer, start + 16);
    if (head !== this.head) throw this.#corrupt(`a commit has head ${head}`, offset);
    const { commit } = this;
    commit.durable = readUint64(buffer, start + 8);
    commit.head = head;
    commit.end = offset + FRAME_HEADER_BYTES + COMMIT_PREFIX_BYTES + 32;
    buffer.copy(commit.chain, 0, start + COMMIT_PREFIX_BYTES, start + COMMIT_PREFIX_BYTES + 32);
    if (commit.durable === offset) this.syncedSeq = this.head;
  }

  #takeSeal(buffer: Buffer, start: number, end: number, offset: number): void {
    const commitEnd = offset + FRAME_HEADER_BYTES + end - start + COMMIT_FRAME_BYTES;
    this.seals.set(this.last.number, { end: commitEnd, chain: Buffer.from(buffer.subarray(start, end)) });
  }

  #corrupt(what: string, byte: number): Error {
    return corrupt(what, { segment: segmentName(this.last.number), byte, seq: this.head });
  }
}
