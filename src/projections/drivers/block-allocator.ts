import type { StateReader, StateWriter } from './state-bytes.ts';

/**
 * Where a file system on a device puts new blocks: into the lowest free ones, else behind everything that was ever used.
 *
 * Real allocators leave gaps and spread directories over groups. What matters here is that files written one after another
 * lie beside each other, and that freed blocks are used again; both hold for ext4 and xfs.
 */
export class BlockAllocator {
  static decode(reader: StateReader): BlockAllocator {
    const blocks = new BlockAllocator();
    blocks.next = reader.varint();
    blocks.#free = reader.shared(() => {
      const free: number[] = [];
      let end = 0;
      for (let pairs = reader.varint(); pairs > 0; pairs--) {
        free.push(end + reader.varint(), reader.varint());
        end = free[free.length - 2] + free[free.length - 1];
      }
      return free;
    });
    return blocks;
  }

  /** Blocks from here on have never been used. */
  next = 0;
  /** Pairs of start and count, ascending, never adjacent; never changed once made. */
  #free: readonly number[] = [];

  encode(writer: StateWriter): void {
    writer.varint(this.next);
    writer.shared(this.#free, (free) => {
      let end = 0;
      writer.varint(free.length / 2);
      for (let pair = 0; pair < free.length; pair += 2) {
        writer.varint(free[pair] - end);
        writer.varint(free[pair + 1]);
        end = free[pair] + free[pair + 1];
      }
    });
  }

  snapshot(): BlockAllocator {
    const copy = new BlockAllocator();
    copy.next = this.next;
    copy.#free = this.#free;
    return copy;
  }

  /** Gives up to `count` blocks that lie together. */
  take(count: number): { readonly block: number; readonly count: number } {
    if (this.#free.length === 0) {
      const block = this.next;
      this.next += count;
      return { block, count };
    }
    const [block, free] = this.#free;
    const taken = Math.min(free, count);
    this.#free = taken === free ? this.#free.slice(2) : [block + taken, free - taken, ...this.#free.slice(2)];
    return { block, count: taken };
  }

  free(block: number, count: number): void {
    const merged: number[] = [];
    let start = block;
    let end = block + count;
    let isPlaced = false;
    for (let pair = 0; pair < this.#free.length; pair += 2) {
      const from = this.#free[pair];
      const to = from + this.#free[pair + 1];
      if (to < start) merged.push(from, to - from);
      else if (from > end) {
        if (!isPlaced) merged.push(start, end - start);
        isPlaced = true;
        merged.push(from, to - from);
      } else {
        start = Math.min(start, from);
        end = Math.max(end, to);
      }
    }
    if (!isPlaced) merged.push(start, end - start);
    this.#free = merged;
  }

  /** Visits free stretches below {@link BlockAllocator.next}. */
  forEachFree(visit: (block: number, count: number) => void): void {
    for (let pair = 0; pair < this.#free.length; pair += 2) visit(this.#free[pair], this.#free[pair + 1]);
  }
}
