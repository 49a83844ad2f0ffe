import type { ChunkNumber } from './event.ts';

/** Largest chunk in bytes; larger content is split at multiples of this. */
export const CHUNK_BYTES_MAX = 65_536;

/**
 * Pieces of file content, each stored once.
 *
 * A chunk's number is its name within one log, its SHA-256 the one that is the same in every log. Chunks lie in the log
 * itself, in front of the transaction that speaks of them, so one sync makes both durable.
 */
export interface ChunkStore {
  /** Number of the newest chunk; 0 when there is none. */
  readonly head: ChunkNumber;

  /**
   * Stores a piece of content, or finds it stored already.
   *
   * @param bytes - 1 to {@link CHUNK_BYTES_MAX} bytes; copied, not kept.
   * @throws `ERR_LOG_RECORD_TOO_LARGE` when empty or over the bound; `ERR_LOG_FAILED` after a failed write.
   */
  put(bytes: Uint8Array): ChunkNumber;

  /**
   * Gives the next `count` numbers to chunks whose content was dropped: a copy of a log has the same numbers.
   *
   * @param count - From 1.
   */
  putDropped(count: number): void;

  /**
   * The chunk's bytes.
   *
   * @returns A view that the store may keep: read it, do not change it.
   * @throws `ERR_LOG_CHUNK_UNKNOWN` for a number that is not in the log; `ERR_LOG_CORRUPT` when its bytes do not match
   *   the stored checksum; `ERR_HISTORY_DROPPED` when its content was dropped.
   */
  get(chunk: ChunkNumber): Uint8Array;

  /** Length of a chunk in bytes, without reading its content; 0: its content was dropped. */
  byteLength(chunk: ChunkNumber): number;

  /** CRC-32 of a chunk's content, without reading it: other sums, other bytes. Says nothing when its content was dropped. */
  sum(chunk: ChunkNumber): number;

  /** SHA-256 of the chunk, 32 bytes; not to be changed. Computed when it is asked for, so it throws as `get` does. */
  digest(chunk: ChunkNumber): Uint8Array;
}

/** What a fold or a reader needs of a {@link ChunkStore}. */
export type ChunkReader = Pick<ChunkStore, 'get' | 'byteLength' | 'sum' | 'digest'>;
