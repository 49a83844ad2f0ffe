import type { TableNumbers } from './table-pages.ts';

/**
 * The chunks of a segment in one piece of bytes: count · slots (a power of two) · offset, length and sum of each · hash
 * table, all u32. A slot of the hash table holds an index plus one, or 0; the hash is the sum, the CRC-32 of the content,
 * and collisions go on in the next slot.
 */
export class ChunkTable {
  readonly #bytes: TableNumbers;
  readonly #count: number;
  readonly #mask: number;
  readonly #slots: number;
  #probe = 0;

  constructor(bytes: TableNumbers) {
    this.#bytes = bytes;
    this.#count = bytes.readUInt32LE(0);
    this.#mask = bytes.readUInt32LE(4) - 1;
    this.#slots = 8 + this.#count * 12;
  }

  static pack(offsets: readonly number[], lengths: readonly number[], sums: readonly number[]): Buffer {
    const count = offsets.length;
    let slots = 2;
    while (slots < count * 2) slots *= 2;
    const bytes = Buffer.alloc(8 + count * 12 + slots * 4);
    bytes.writeUInt32LE(count, 0);
    bytes.writeUInt32LE(slots, 4);
    const table = 8 + count * 12;
    for (let index = 0; index < count; index++) {
      bytes.writeUInt32LE(offsets[index], 8 + index * 12);
      bytes.writeUInt32LE(lengths[index], 12 + index * 12);
      bytes.writeUInt32LE(sums[index], 16 + index * 12);
      let slot = sums[index] & (slots - 1);
      while (bytes.readUInt32LE(table + slot * 4) !== 0) slot = (slot + 1) & (slots - 1);
      bytes.writeUInt32LE(index + 1, table + slot * 4);
    }
    return bytes;
  }

  offset(index: number): number {
    return this.#bytes.readUInt32LE(8 + index * 12);
  }

  byteLength(index: number): number {
    return this.#bytes.readUInt32LE(12 + index * 12);
  }

  sum(index: number): number {
    return this.#bytes.readUInt32LE(16 + index * 12);
  }

  /** Index of the first chunk with this sum, or -1. {@link ChunkTable.next} gives the ones behind it. */
  first(sum: number): number {
    this.#probe = (sum & this.#mask) - 1;
    return this.next(sum);
  }

  next(sum: number): number {
    for (;;) {
      this.#probe = (this.#probe + 1) & this.#mask;
      const index = this.#bytes.readUInt32LE(this.#slots + this.#probe * 4) - 1;
      if (index < 0 || this.sum(index) === sum) return index;
    }
  }
}
