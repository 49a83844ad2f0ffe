/**
 * What drivers keep, as bytes and back. Snapshots share nearly everything, and so do their bytes: a node of a trie, or a
 * value in it, is written where it first comes up, and named by its number from then on.
 *
 * ```
 * shared   0 ‖ the value, which gets the next number when it ends; or the value's number + 1 (varint)
 * trie     0: it is empty; or bits below the root + 1 ‖ the root, shared
 * node     present u32 ‖ for each slot that is present: a node, shared, or on the lowest level a value
 * ```
 *
 * Numbers are those of one writer, so a reader has to read everything in the order in which it was written.
 */

import { ByteReader, ByteWriter } from '../bytes.ts';
import { STORED } from '../stored/stored-trie.ts';
import { Trie, TRIE_BITS, TRIE_WIDTH, TrieNode } from '../tree/trie.ts';

export class StateWriter extends ByteWriter {
  readonly #numbers = new Map<object, number>();

  /** Any integer: small ones take a byte, whatever their sign. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** A value that is not changed any more, once however often it comes up. */
  shared<T extends object>(value: T, write: (value: T) => void): void {
    const number = this.#numbers.get(value);
    if (number !== undefined) return this.varint(number + 1);
    this.varint(0);
    write(value);
    this.#numbers.set(value, this.#numbers.size);
  }

  trie<V>(trie: Trie<V>, write: (value: V) => void): void {
    const { root, shift } = trie;
    this.byte(root === null ? 0 : shift + 1);
    if (root !== null) this.#node(root, shift, (value) => write(value as V));
  }

  /** Numbers that are near their neighbours': each as what it is more than the one before. */
  numbers(trie: Trie<number>): void {
    let before = 0;
    this.trie(trie, (value) => {
      this.signed(value - before);
      before = value;
    });
  }

  #node(node: TrieNode, shift: number, write: (value: unknown) => void): void {
    this.shared(node, () => {
      let present = 0;
      for (let slot = 0; slot < TRIE_WIDTH; slot++) if (node.at(slot) !== undefined) present |= 1 << slot;
      this.uint32(present);
      for (let slot = 0; slot < TRIE_WIDTH; slot++) {
        const value = node.at(slot);
        if (value === undefined) continue;
        if (shift === 0) write(value);
        else this.#node(value as TrieNode, shift - TRIE_BITS, write);
      }
    });
  }
}

/** Reads what a {@link StateWriter} wrote. Nobody owns what it gives: whoever changes a value makes a copy first. */
export class StateReader extends ByteReader {
  readonly #values: unknown[] = [];

  signed(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  shared<T extends object>(read: () => T): T {
    const number = this.varint();
    if (number > 0) return this.#values[number - 1] as T;
    const value = read();
    this.#values.push(value);
    return value;
  }

  trie<V>(read: () => V): Trie<V> {
    const shift = this.byte() - 1;
    return shift < 0 ? new Trie<V>() : Trie.of<V>(this.#node(shift, read), shift);
  }

  numbers(): Trie<number> {
    let before = 0;
    return this.trie(() => (before += this.signed()));
  }

  #node(shift: number, read: () => unknown): TrieNode {
    return this.shared(() => {
      const present = this.uint32();
      // No longer than it has to be: most tries are of a small file and have one value.
      const slots = new Array<unknown>(TRIE_WIDTH - Math.clz32(present));
      for (let slot = 0; slot < slots.length; slot++) {
        if (((present >>> slot) & 1) === 1) slots[slot] = shift === 0 ? read() : this.#node(shift - TRIE_BITS, read);
      }
      return new TrieNode(STORED, slots);
    });
  }
}
