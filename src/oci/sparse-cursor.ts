import type { SparseMap } from './gnu.ts';

/** Walks through a sparse file: tells which holes lie in front of the next stored byte. */
export class SparseCursor {
  readonly #map: SparseMap;
  readonly #realSize: number;
  #extent = 0;
  #position = 0;

  /** @param map - Checked by `sparseFault`; kept. */
  constructor(map: SparseMap, realSize: number) {
    this.#map = map;
    this.#realSize = realSize;
  }

  /** Length of the hole in front of the next stored byte; the cursor then stands behind it. Only while stored bytes are left. */
  takeHole(): number {
    const map = this.#map;
    while (this.#position >= map[this.#extent] + map[this.#extent + 1] || map[this.#extent + 1] === 0)
      this.#extent += 2;
    const length = Math.max(0, map[this.#extent] - this.#position);
    this.#position += length;
    return length;
  }

  /** Stored bytes from here to the end of the extent; after {@link takeHole}. */
  get extentBytes(): number {
    return this.#map[this.#extent] + this.#map[this.#extent + 1] - this.#position;
  }

  advance(length: number): void {
    this.#position += length;
  }

  /** Length of the hole at the end, once all stored bytes are taken. */
  takeLastHole(): number {
    const length = this.#realSize - this.#position;
    this.#position = this.#realSize;
    return length;
  }
}
