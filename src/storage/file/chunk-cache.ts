import type { ChunkNumber } from '../../events/event.ts';

/**
 * Content of the chunks that were read last, bounded by bytes.
 *
 * Two generations of at most half of the bytes each: when the young one is full it becomes the old one, and the old one
 * goes. A hit in the young one changes nothing; an order of use, kept in a Map, made hits twice as dear.
 */
export class ChunkCache {
  readonly #bytesMax: number;
  #young = new Map<ChunkNumber, Uint8Array>();
  #old = new Map<ChunkNumber, Uint8Array>();
  /** Of the young ones. */
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(chunk: ChunkNumber): Uint8Array | undefined {
    const young = this.#young.get(chunk);
    if (young !== undefined) return young;
    const old = this.#old.get(chunk);
    if (old !== undefined) this.set(chunk, old);
    return old;
  }

  /** Adds a chunk that is not among the young. */
  set(chunk: ChunkNumber, bytes: Uint8Array): void {
    const half = this.#bytesMax / 2;
    if (bytes.length > half) return;
    if (this.#bytes + bytes.length > half) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#young.set(chunk, bytes);
    this.#bytes += bytes.length;
  }
}
