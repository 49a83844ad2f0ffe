import { createHash, type Hash } from 'node:crypto';
import { chunkPrefixBytes, COMMIT_PREFIX_BYTES, FRAME_HEADER_BYTES, KIND_CHUNK } from './frame.ts';

const NOTHING = Buffer.alloc(0);

/**
 * The chain hash: SHA-256 over (previous chain hash ‖ frames since the previous commit frame ‖ the commit payload in front
 * of its hash), so that nobody can change, drop or reorder a frame without changing every later commit.
 *
 * Of a chunk frame of format 1, header, number and digest take part, and the digest stands for the content. Format 2
 * stores no digests: there the content itself takes part. A hash over a whole write costs half of one for each chunk.
 */
export class Chain {
  #hash: Hash;
  readonly #format: number;
  /** Bytes that are taken later; empty: none are. */
  #later: Buffer = NOTHING;

  /** @param previous - The hash that it goes on from; read, not kept. */
  constructor(previous: Buffer, format: number) {
    this.#hash = createHash('sha256').update(previous);
    this.#format = format;
  }

  /** Takes the frame of `buffer` from `start` to `end`. */
  add(buffer: Buffer, kind: number, start: number, end: number): void {
    const isCut = kind === KIND_CHUNK && this.#format === 1;
    this.#hash.update(buffer.subarray(start, isCut ? start + FRAME_HEADER_BYTES + chunkPrefixBytes(1) : end));
  }

  /** Takes the first bytes of a buffer later: they must stay as they are until {@link Chain.catchUp}. */
  addLater(buffer: Buffer, end: number): void {
    this.catchUp();
    this.#later = buffer.subarray(0, end);
  }

  get isBehind(): boolean {
    return this.#later.length > 0;
  }

  catchUp(): void {
    if (!this.isBehind) return;
    this.#hash.update(this.#later);
    this.#later = NOTHING;
  }

  /**
   * Ends the link: computes the hash over what was added, the frames in `buffer` from `start` to the commit frame that
   * starts at `frame`, and that frame's payload up to the hash.
   *
   * @param start - Only in a segment of format 2, or equal to `frame`.
   * @returns The new chain hash, a buffer of its own.
   */
  commit(buffer: Buffer, start: number, frame: number): Buffer {
    const payload = frame + FRAME_HEADER_BYTES;
    if (frame > start) this.#hash.update(buffer.subarray(start, frame));
    const chain = this.#hash.update(buffer.subarray(payload, payload + COMMIT_PREFIX_BYTES)).digest();
    this.#hash = createHash('sha256').update(chain);
    return chain;
  }
}
