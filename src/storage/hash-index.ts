/**
 * Finds the entries of a column by their hash: open addressing with linear probing over one Uint32Array.
 *
 * Some 10 bytes an entry; a Map of digest strings takes more than 100. Entries are found by the hash only, so the caller
 * compares what it looks for.
 */
export interface HashColumn {
  readonly length: number;
  /** Uint32 hash of the entry. */
  get(index: number): number;
}

const CAPACITY_MIN = 1024;

export class HashIndex {
  readonly #hashes: HashColumn;
  /** Index of an entry plus one; 0 is a free slot. At most half full. */
  #slots = new Uint32Array(CAPACITY_MIN);
  /** High byte of each slot's hash: the entry itself, which lies anywhere in memory, is read only where this fits. */
  #tags = new Uint8Array(CAPACITY_MIN);
  #count = 0;
  #probe = 0;

  constructor(hashes: HashColumn) {
    this.#hashes = hashes;
  }

  /** The first entry with this hash, or -1. {@link HashIndex.next} gives the ones behind it. */
  first(hash: number): number {
    this.#probe = (hash & (this.#slots.length - 1)) - 1;
    return this.next(hash);
  }

  next(hash: number): number {
    const slots = this.#slots;
    const tags = this.#tags;
    const mask = slots.length - 1;
    const tag = hash >>> 24;
    for (;;) {
      this.#probe = (this.#probe + 1) & mask;
      const slot = slots[this.#probe];
      if (slot === 0) return -1;
      if (tags[this.#probe] === tag && this.#hashes.get(slot - 1) === hash) return slot - 1;
    }
  }

  /** Adds the column's newest entry. */
  add(): void {
    const index = this.#hashes.length - 1;
    if (++this.#count * 2 > this.#slots.length) this.#grow();
    this.#insert(index);
  }

  #insert(index: number): void {
    const mask = this.#slots.length - 1;
    const hash = this.#hashes.get(index);
    let at = hash & mask;
    while (this.#slots[at] !== 0) at = (at + 1) & mask;
    this.#slots[at] = index + 1;
    this.#tags[at] = hash >>> 24;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#tags = new Uint8Array(old.length * 2);
    for (let at = 0; at < old.length; at++) if (old[at] !== 0) this.#insert(old[at] - 1);
  }
}
