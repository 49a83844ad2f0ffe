import { type LogFileSystem, readFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { OpenSegments } from './open-segments.ts';

/** What is read at a time when reading goes forward: some 60 files of 1 KiB, which lie one behind the other. */
const WINDOW_BYTES = 65_536;

/** Longer pieces are better read into a buffer of their own. */
export const READ_AHEAD_BYTES_MAX = 16_384;

/**
 * Reads short pieces of segments. A piece that lies closely behind the one before is taken with what follows it, since
 * files that were written together are read together, and a call to the system costs as much as the rest of a read.
 *
 * What a segment holds never changes, so a window stays right while the log grows.
 */
export class ReadAhead {
  /** Holds the piece of the last {@link ReadAhead.read}, from `at` on, until the next one. */
  buffer = Buffer.alloc(0);
  at = 0;
  readonly #files: LogFileSystem;
  readonly #index: LogIndex;
  readonly #open: OpenSegments;
  #segment = -1;
  #base = 0;
  #filled = 0;
  /** Where the last piece ended. */
  #last = 0;

  constructor(files: LogFileSystem, index: LogIndex, open: OpenSegments) {
    this.#files = files;
    this.#index = index;
    this.#open = open;
  }

  /**
   * @param length - At most {@link READ_AHEAD_BYTES_MAX}.
   * @returns False when the segment ends before the piece does.
   */
  read(segment: number, start: number, length: number): boolean {
    const isSame = segment === this.#segment;
    if (!isSame || start < this.#base || start + length > this.#base + this.#filled) {
      if (this.buffer.length === 0) this.buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
      const goesForward = isSame && start >= this.#last && start - this.#last < WINDOW_BYTES;
      // Only frames that the log knows of: behind them a follower may see what a crash has left, which is cut later.
      const wanted = goesForward ? Math.min(WINDOW_BYTES, this.#index.ends[segment] - start) : length;
      const fd = this.#open.descriptor(this.#index.segments[segment]);
      this.#filled = 0;
      this.#filled = readFully(this.#files, fd, this.buffer, Math.max(wanted, length), start);
      this.#segment = segment;
      this.#base = start;
    }
    this.at = start - this.#base;
    this.#last = start + length;
    return this.at + length <= this.#filled;
  }
}
