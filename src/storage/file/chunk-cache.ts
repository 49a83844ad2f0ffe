import type { ChunkNumber } from '../../events/event.ts';

/** Content of the chunks that were read last, bounded by bytes. A Map keeps the order of insertion: oldest first. */
export class ChunkCache {
  readonly #bytesMax: number;
  readonly #chunks = new Map<ChunkNumber, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(chunk: ChunkNumber): Uint8Array | undefined {
    const bytes = this.#chunks.get(chunk);
    if (bytes === undefined) return undefined;
    this.#chunks.delete(chunk);
    this.#chunks.set(chunk, bytes);
    return bytes;
  }

  set(chunk: ChunkNumber, bytes: Uint8Array): void {
    if (bytes.length > this.#bytesMax) return;
    this.#chunks.set(chunk, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, content] of this.#chunks) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#chunks.delete(oldest);
      this.#bytes -= content.length;
    }
  }
}
