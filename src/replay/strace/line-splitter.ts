/** Splits a stream of bytes into lines, whatever the pieces are, without copying lines that lie in one piece. */

import { lineError } from './strace-error.ts';

/** Longest line: a write of 1 MiB takes up to 4 MiB as C escapes, a vector of them more. */
export const LINE_BYTES_MAX = 256 * 2 ** 20;

const NEWLINE = 0x0a;

export class LineSplitter {
  /** Number of the line that was given last, from 1. */
  line = 0;
  #parts: Buffer[] = [];
  #partBytes = 0;

  /**
   * Calls `onLine` for each line that ends in this piece, with the buffer that it lies in.
   *
   * @param chunk - Kept by reference as long as a line of it is.
   * @throws `ERR_LOG_IMPORT` for a line over {@link LINE_BYTES_MAX}.
   */
  push(chunk: Buffer, onLine: (buffer: Buffer, start: number, end: number) => void): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.line++;
      if (this.#parts.length > 0) {
        const whole = this.#join(chunk.subarray(start, end));
        onLine(whole, 0, whole.length);
      } else {
        onLine(chunk, start, end);
      }
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#parts.push(chunk.subarray(start));
    this.#partBytes += chunk.length - start;
    if (this.#partBytes > LINE_BYTES_MAX) throw lineError(this.line + 1, 'it is longer than any line of strace');
  }

  /** What stands behind the last newline: a line that was cut off; null where there is none. */
  rest(): Buffer | null {
    return this.#parts.length === 0 ? null : this.#join(Buffer.alloc(0));
  }

  #join(last: Buffer): Buffer {
    const whole = Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#partBytes = 0;
    return whole;
  }
}
