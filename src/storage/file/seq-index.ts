import { SEGMENT_HEADER_BYTES } from './segment.ts';

/** Log bytes between two entries: what a read of a random event has to walk through. */
const ENTRY_BYTES_MIN = 8192;

/** Entries of a whole segment, read when they are asked for: pairs of seq less first seq, and offset; both u32. */
export interface StoredSeqs {
  readonly firstSeq: number;
  /** Newest event that they cover. */
  readonly head: number;
  /** Null: they can't be read. */
  load(): Buffer | null;
}

interface StoredPart extends StoredSeqs {
  readonly segment: number;
  bytes: Buffer | null;
}

/**
 * Where transactions lie: one entry for every 8 KiB of log, and one for each segment's first transaction.
 *
 * Entries are kept side by side in plain arrays of numbers; those of segments that were not scanned come from their index
 * files.
 */
export class SeqIndex {
  readonly #stored: StoredPart[] = [];
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

  /** Takes the entries of a segment, or of its front: all that is added later comes behind. */
  addStored(stored: StoredSeqs, segment: number): void {
    this.#stored.push({ ...stored, segment, bytes: null });
  }

  /** The last entry at or before `seq`, or null in an empty index. */
  find(seq: number): { readonly segment: number; readonly offset: number } | null {
    if (this.#seqs.length === 0 || seq < this.#seqs[0]) return this.#findStored(seq) ?? this.#first();
    let low = 0;
    let high = this.#seqs.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#seqs[middle] <= seq) low = middle;
      else high = middle;
    }
    return { segment: this.#segments[low], offset: this.#offsets[low] };
  }

  /** Entries of a segment as they are stored. Of a front that came from a file, too. */
  pack(segment: number, firstSeq: number): Buffer {
    const pairs: number[] = [];
    const stored = this.#stored.find((part) => part.segment === segment);
    if (stored !== undefined) {
      const bytes = bytesOf(stored);
      for (let at = 0; at < bytes.length; at += 4) pairs.push(bytes.readUInt32LE(at));
    }
    for (let at = 0; at < this.#seqs.length; at++) {
      if (this.#segments[at] === segment) pairs.push(this.#seqs[at] - firstSeq, this.#offsets[at]);
    }
    const bytes = Buffer.allocUnsafeSlow(pairs.length * 4);
    pairs.forEach((value, index) => bytes.writeUInt32LE(value, index * 4));
    return bytes;
  }

  #first(): { readonly segment: number; readonly offset: number } | null {
    return this.#seqs.length === 0 ? null : { segment: this.#segments[0], offset: this.#offsets[0] };
  }

  #findStored(seq: number): { readonly segment: number; readonly offset: number } | null {
    const stored = this.#stored;
    let low = 0;
    let high = stored.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (stored[middle].firstSeq <= seq) low = middle;
      else high = middle;
    }
    const part = stored[low];
    if (part === undefined) return null;
    const bytes = bytesOf(part);
    let from = 0;
    let to = bytes.length / 8;
    if (to === 0) return null;
    while (to - from > 1) {
      const middle = (from + to) >>> 1;
      if (part.firstSeq + bytes.readUInt32LE(middle * 8) <= seq) from = middle;
      else to = middle;
    }
    return { segment: part.segment, offset: bytes.readUInt32LE(from * 8 + 4) };
  }
}

/** Without its entries a segment is read from its first frame on: slow, and right. */
function bytesOf(part: StoredPart): Buffer {
  if (part.bytes === null) {
    const front = Buffer.alloc(8);
    front.writeUInt32LE(SEGMENT_HEADER_BYTES, 4);
    part.bytes = part.load() ?? front;
  }
  return part.bytes;
}
