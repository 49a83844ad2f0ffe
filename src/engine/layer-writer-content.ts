/** File content on its way into a layer: bytes cut into chunks, and content of other trees shared without copying. */

import { CHUNK_BYTES_MAX, type ChunkStore } from '../events/chunk-store.ts';
import { PAGE_BYTES } from '../projections/tree/page.ts';
import type { Inode } from '../projections/tree/inode.ts';

/** A stretch of content without a gap: what a `Written` event says. */
export interface ContentRun {
  readonly offset: number;
  readonly length: number;
  /** Triples (chunk, offset in the chunk, length). */
  readonly pieces: readonly number[];
}

/** Triples of one run beyond which it is cut, so that no event grows with the file. */
const PIECES_MAX = 3 * 4096;

/** The content of a file as runs of pieces, in order; holes and reservations lie between them. */
export function contentRuns(node: Inode): ContentRun[] {
  const runs: ContentRun[] = [];
  let pieces: number[] = [];
  let offset = 0;
  let end = 0;
  const flush = (): void => {
    if (pieces.length > 0) runs.push({ offset, length: end - offset, pieces });
    pieces = [];
  };
  node.content?.forEachPage((page, index) => {
    for (let quad = 0; quad < page.slices.length; quad += 4) {
      const from = index * PAGE_BYTES + page.slices[quad];
      const length = page.slices[quad + 1] - page.slices[quad];
      if (pieces.length === 0 || from !== end || pieces.length >= PIECES_MAX) {
        flush();
        offset = from;
      }
      addPiece(pieces, page.slices[quad + 2], page.slices[quad + 3], length);
      end = from + length;
    }
  });
  flush();
  return runs;
}

/** Adds a piece, joined to the one before where it goes on in the same chunk. */
function addPiece(pieces: number[], chunk: number, chunkOffset: number, length: number): void {
  const last = pieces.length - 3;
  if (last >= 0 && pieces[last] === chunk && pieces[last + 1] + pieces[last + 2] === chunkOffset) {
    pieces[last + 2] += length;
    return;
  }
  pieces.push(chunk, chunkOffset, length);
}

/**
 * Cuts a stream of bytes and holes into chunks of at most {@link CHUNK_BYTES_MAX} bytes.
 *
 * One buffer for all files of a layer; what is handed in is read during the call, not kept.
 */
export class Chunker {
  readonly #chunks: ChunkStore;
  readonly #emit: (run: ContentRun) => void;
  #buffer: Buffer | null = null;
  #buffered = 0;
  #pieces: number[] = [];
  #offset = 0;
  #position = 0;

  constructor(chunks: ChunkStore, emit: (run: ContentRun) => void) {
    this.#chunks = chunks;
    this.#emit = emit;
  }

  /** Bytes taken since the last {@link Chunker.end}, holes included. */
  get position(): number {
    return this.#position + this.#buffered;
  }

  data(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const room = CHUNK_BYTES_MAX - this.#buffered;
      if (this.#buffered === 0 && bytes.length - at >= CHUNK_BYTES_MAX) {
        this.#put(bytes.subarray(at, at + CHUNK_BYTES_MAX));
        at += CHUNK_BYTES_MAX;
        continue;
      }
      const taken = Math.min(room, bytes.length - at);
      this.#buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES_MAX);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#buffered);
      this.#buffered += taken;
      at += taken;
      if (this.#buffered === CHUNK_BYTES_MAX) this.#flush();
    }
  }

  hole(length: number): void {
    this.#flush();
    this.#endRun();
    this.#position += length;
    this.#offset = this.#position;
  }

  /** Ends the file: everything taken has been emitted. */
  end(): void {
    this.#flush();
    this.#endRun();
    this.#position = 0;
    this.#offset = 0;
  }

  #flush(): void {
    if (this.#buffered === 0 || this.#buffer === null) return;
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffered = 0;
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    this.#pieces.push(this.#chunks.put(bytes), 0, bytes.length);
    this.#position += bytes.length;
    if (this.#pieces.length >= PIECES_MAX) this.#endRun();
  }

  #endRun(): void {
    if (this.#pieces.length > 0) {
      this.#emit({ offset: this.#offset, length: this.#position - this.#offset, pieces: this.#pieces });
    }
    this.#pieces = [];
    this.#offset = this.#position;
  }
}
