import { hash } from 'node:crypto';
import { CHUNK_BYTES_MAX, type ChunkStore } from '../events/chunk-store.ts';
import type { ChunkNumber } from '../events/event.ts';
import { crc32 } from './crc32.ts';
import { Uint32Column } from './columns.ts';
import { HashIndex } from './hash-index.ts';
import { chunkTooLarge, closedLog, droppedChunk, droppedSum, unknownChunk } from './log-state.ts';

/** Content lies in slabs: a buffer for each chunk would cost more than copying a small one. */
const SLAB_BYTES_MIN = 65_536;
const SLAB_BYTES_MAX = 1 << 20;

/** Chunks with one CRC that are compared before a new one is stored anyway; bounds what made-up collisions cost. */
const COMPARED_MAX = 16;

/**
 * Chunks in memory.
 *
 * Equal chunks are found by CRC-32 and comparing: the content is at hand, so SHA-256, which takes three times as long
 * as the rest of a put, waits until somebody asks for a digest.
 */
export class MemoryChunks implements ChunkStore {
  readonly #slabs: Buffer[] = [];
  #used = 0;
  readonly #slabOf = new Uint32Column();
  readonly #offsets = new Uint32Column();
  readonly #lengths = new Uint32Column();
  readonly #sums = new Uint32Column();
  readonly #index = new HashIndex(this.#sums);
  readonly #digests = new Map<ChunkNumber, Buffer>();
  #closed = false;

  get head(): ChunkNumber {
    return this.#lengths.length;
  }

  put(bytes: Uint8Array): ChunkNumber {
    if (this.#closed) throw closedLog();
    const length = bytes.length;
    if (length === 0 || length > CHUNK_BYTES_MAX) throw chunkTooLarge(length);
    const sum = crc32(bytes, 0, length);
    const found = this.#find(bytes, sum);
    if (found !== 0) return found;
    const slab = this.#room(length);
    slab.set(bytes, this.#used);
    this.#slabOf.push(this.#slabs.length - 1);
    this.#offsets.push(this.#used);
    this.#lengths.push(length);
    this.#sums.push(sum);
    this.#index.add();
    this.#used += length;
    return this.#lengths.length;
  }

  putDropped(count: number): void {
    if (this.#closed) throw closedLog();
    for (let each = 0; each < count; each++) {
      this.#slabOf.push(0);
      this.#offsets.push(0);
      this.#lengths.push(0);
      this.#sums.push(droppedSum(this.head));
      this.#index.add();
    }
  }

  get(chunk: ChunkNumber): Uint8Array {
    const index = this.#indexOf(chunk);
    if (this.#lengths.get(index) === 0) throw droppedChunk(chunk);
    const offset = this.#offsets.get(index);
    return this.#slabs[this.#slabOf.get(index)].subarray(offset, offset + this.#lengths.get(index));
  }

  byteLength(chunk: ChunkNumber): number {
    return this.#lengths.get(this.#indexOf(chunk));
  }

  sum(chunk: ChunkNumber): number {
    return this.#sums.get(this.#indexOf(chunk));
  }

  digest(chunk: ChunkNumber): Uint8Array {
    const known = this.#digests.get(chunk);
    if (known !== undefined) return known;
    const digest = hash('sha256', this.get(chunk), 'buffer');
    this.#digests.set(chunk, digest);
    return digest;
  }

  close(): void {
    this.#closed = true;
  }

  #find(bytes: Uint8Array, sum: number): ChunkNumber {
    const length = bytes.length;
    let index = this.#index.first(sum);
    for (let compared = 0; index !== -1 && compared < COMPARED_MAX; compared++) {
      const offset = this.#offsets.get(index);
      const slab = this.#slabs[this.#slabOf.get(index)];
      if (this.#lengths.get(index) === length && slab.compare(bytes, 0, length, offset, offset + length) === 0) {
        return index + 1;
      }
      index = this.#index.next(sum);
    }
    return 0;
  }

  #room(length: number): Buffer {
    const slab = this.#slabs.at(-1);
    if (slab !== undefined && this.#used + length <= slab.length) return slab;
    // Doubling from small, so that an empty store is small too.
    const next = Buffer.allocUnsafeSlow(Math.min(SLAB_BYTES_MAX, SLAB_BYTES_MIN << Math.min(this.#slabs.length, 4)));
    this.#slabs.push(next);
    this.#used = 0;
    return next;
  }

  #indexOf(chunk: ChunkNumber): number {
    if (chunk >= 1 && chunk <= this.#lengths.length) return chunk - 1;
    throw unknownChunk(chunk);
  }
}
