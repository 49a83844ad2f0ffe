/**
 * A trie that is another one with some values replaced, each when it is touched: how a past moment stands on a
 * checkpoint without folding what nobody asks for.
 *
 * Subtrees without a replaced key are the base's own, so a comparison of two of them still costs what differs.
 */

import { Owner, type NodeSource, Trie, TRIE_BITS, TRIE_WIDTH, TrieNode } from './trie.ts';

/** What is replaced. */
export interface Patch<V> {
  /** Whether a key from `first` on and below `end` is replaced. */
  touches(first: number, end: number): boolean;
  /** The greatest replaced key, or -1. */
  readonly lastKey: number;
  /** The value that takes the place of the base's; undefined: none. Called once for each key. */
  resolve(key: number, before: V | undefined): V | undefined;
}

export function patchTrie<V>(base: Trie<V>, patch: Patch<V>): Trie<V> {
  if (patch.lastKey < 0) return base.share();
  let shift = base.shift;
  while (Math.floor(patch.lastKey / 2 ** shift) >= TRIE_WIDTH) shift += TRIE_BITS;
  return Trie.of<V>(patchedNode({ base: raisedRoot(base, shift), shift, first: 0, patch }), shift);
}

interface Place {
  readonly base: TrieNode | null;
  readonly shift: number;
  readonly first: number;
  readonly patch: Patch<unknown>;
}

/** The base's root as a trie of that height would hold it. */
function raisedRoot<V>(base: Trie<V>, shift: number): TrieNode | null {
  let node = base.root;
  for (let at = base.shift; node !== null && at < shift; at += TRIE_BITS) {
    const slots = new Array<unknown>(TRIE_WIDTH);
    slots[0] = node;
    node = new TrieNode(new Owner(), slots);
  }
  return node;
}

function patchedNode(place: Place): TrieNode {
  const node = new TrieNode(new Owner(), new Array<unknown>(TRIE_WIDTH));
  node.source = new PatchedSource(place);
  node.lazy = -1;
  return node;
}

class PatchedSource implements NodeSource {
  readonly #place: Place;
  readonly #loaded = new Map<number, unknown>();

  constructor(place: Place) {
    this.#place = place;
  }

  load(slot: number): unknown {
    if (this.#loaded.has(slot)) return this.#loaded.get(slot);
    const value = this.#make(slot);
    this.#loaded.set(slot, value);
    return value;
  }

  isSame(slot: number, other: NodeSource): boolean {
    if (other === this) return true;
    if (!(other instanceof PatchedSource)) return false;
    const { base } = this.#place;
    return base === other.#place.base && !this.#touches(slot) && !other.#touches(slot);
  }

  #make(slot: number): unknown {
    const { base, shift, patch } = this.#place;
    const before = base?.at(slot);
    if (!this.#touches(slot)) return before;
    const first = this.#firstOf(slot);
    if (shift === 0) return patch.resolve(first, before);
    const child = (before as TrieNode | undefined) ?? null;
    return patchedNode({ base: child, shift: shift - TRIE_BITS, first, patch });
  }

  #touches(slot: number): boolean {
    const first = this.#firstOf(slot);
    return this.#place.patch.touches(first, first + 2 ** this.#place.shift);
  }

  #firstOf(slot: number): number {
    return this.#place.first + slot * 2 ** this.#place.shift;
  }
}
