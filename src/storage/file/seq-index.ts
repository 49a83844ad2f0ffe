/** Log bytes between two entries: what a read of a random event has to walk through. */
const ENTRY_BYTES_MIN = 32_768;

/**
 * Where transactions lie: one entry for every 32 KiB of log, and one for each segment's first transaction.
 *
 * Entries are kept side by side in plain arrays of numbers: 10 GB of log have 300,000.
 */
export class SeqIndex {
  readonly #seqs: number[] = [];
  /** Index in the list of segments. */
  readonly #segments: number[] = [];
  readonly #offsets: number[] = [];
  #lastSegment = -1;
  #lastOffset = 0;

  /** Takes a transaction whose frame starts at `offset`; keeps it when the last entry is far enough away. */
  add(seq: number, segment: number, offset: number): void {
    if (segment === this.#lastSegment && offset - this.#lastOffset < ENTRY_BYTES_MIN) return;
    this.#seqs.push(seq);
    this.#segments.push(segment);
    this.#offsets.push(offset);
    this.#lastSegment = segment;
    this.#lastOffset = offset;
  }

  /** The last entry at or before `seq`, or null in an empty index. */
  find(seq: number): { readonly segment: number; readonly offset: number } | null {
    if (this.#seqs.length === 0) return null;
    let low = 0;
    let high = this.#seqs.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#seqs[middle] <= seq) low = middle;
      else high = middle;
    }
    return { segment: this.#segments[low], offset: this.#offsets[low] };
  }
}
