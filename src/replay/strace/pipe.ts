/** A stretch of data on its way. `bytes` null: the log does not hold it. */
export interface Segment {
  readonly bytes: Buffer | null;
  readonly length: number;
  /** It came from a file that is inexact itself. */
  readonly isTainted?: boolean;
}

/** Bytes that may lie in a pipe at once, as far as they are kept here (/proc/sys/fs/pipe-max-size is 1 MiB by default). */
const KEPT_BYTES_MAX = 8 * 2 ** 20;

/**
 * What lies in a pipe: known where a process of the recording wrote it, so that splice(2) from the pipe into a file can
 * be replayed.
 */
export class Pipe {
  #segments: Segment[] = [];
  #bytes = 0;
  /** Bytes that were read before the log showed that they had been written. */
  #debt = 0;

  put(segments: readonly Segment[]): void {
    for (const segment of segments) {
      const skipped = Math.min(this.#debt, segment.length);
      this.#debt -= skipped;
      if (skipped === segment.length) continue;
      this.#segments.push(part(segment, skipped, segment.length));
      this.#bytes += segment.length - skipped;
    }
    while (this.#bytes > KEPT_BYTES_MAX) this.#bytes -= (this.#segments.shift() as Segment).length;
  }

  /** Takes bytes out; what the log has not shown to be in the pipe is unknown. */
  take(length: number): Segment[] {
    const taken: Segment[] = [];
    let left = length;
    while (left > 0 && this.#segments.length > 0) {
      const first = this.#segments[0];
      if (first.length <= left) this.#segments.shift();
      else this.#segments[0] = part(first, left, first.length);
      const bytes = Math.min(left, first.length);
      taken.push(part(first, 0, bytes));
      left -= bytes;
      this.#bytes -= bytes;
    }
    if (left > 0) {
      this.#debt += left;
      taken.push({ bytes: null, length: left });
    }
    return taken;
  }

  /** As {@link Pipe.take}, but everything stays where it is: tee(2). */
  look(length: number): Segment[] {
    const seen: Segment[] = [];
    let left = length;
    for (const segment of this.#segments) {
      if (left === 0) break;
      const bytes = Math.min(left, segment.length);
      seen.push(part(segment, 0, bytes));
      left -= bytes;
    }
    if (left > 0) seen.push({ bytes: null, length: left });
    return seen;
  }
}

function part(segment: Segment, start: number, end: number): Segment {
  if (start === 0 && end === segment.length) return segment;
  return { ...segment, bytes: segment.bytes?.subarray(start, end) ?? null, length: end - start };
}
