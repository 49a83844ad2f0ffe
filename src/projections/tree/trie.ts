/**
 * A persistent map from small integers to values: a radix trie, 32 ways a level.
 *
 * A node belongs to an {@link Owner}; an edit changes nodes of its own owner in place and copies the others on the way
 * down. Handing out a snapshot is giving both sides a new owner: O(1), nothing is copied until somebody writes. Each
 * node remembers its digest until it changes, so a Merkle root costs what changed since the last one.
 *
 * A node's slots may be lazy: their values come from a {@link NodeSource} (a checkpoint, a past moment) when somebody
 * touches them. That costs nothing on the way to a value that is there: only a slot without a value asks.
 *
 * Chosen by measurement: at 100,000 entries a get costs 30 ns, a set 75 ns, a snapshot 25 ns at any size.
 */

/** Identity of who may change a node in place. */
export class Owner {
  /** Folds a long log, and nobody looks at what is in between: see {@link NameMap}. */
  readonly isBulk: boolean;

  constructor(isBulk = false) {
    this.isBulk = isBulk;
  }
}

export const TRIE_BITS = 5;
export const TRIE_WIDTH = 1 << TRIE_BITS;
const BITS = TRIE_BITS;
const WIDTH = TRIE_WIDTH;
const MASK = WIDTH - 1;

/** Keys are integers from 0 to this. */
export const TRIE_KEY_MAX = 0xffff_ffff;

/** Where the values of lazy slots come from. */
export interface NodeSource {
  /**
   * The child or value of a slot; undefined: there is none. The same object each time, so that copies of a node still
   * share what lies below.
   */
  load(slot: number): unknown;
  /** Whether a slot of this source and the same slot of another one hold the same object, as far as that is known. */
  isSame(slot: number, other: NodeSource): boolean;
}

/** Where a node lies in a store of nodes, for whoever stores tries; the trie only keeps it. */
export interface StoredNode {
  readonly position: number;
}

export class TrieNode {
  owner: Owner;
  /** Children, or on the lowest level values; undefined where there is none, or none yet. */
  readonly slots: unknown[];
  digest: Uint8Array | null = null;
  /** Bits of the slots whose values are still with the source. */
  lazy = 0;
  source: NodeSource | null = null;
  /** What was stored of this node, or of the one that it was copied from. */
  stored: StoredNode | null = null;
  /** Nothing has changed since it was stored. */
  isStored = false;

  constructor(owner: Owner, slots: unknown[]) {
    this.owner = owner;
    this.slots = slots;
  }

  /** The child or value of a slot. */
  at(slot: number): unknown {
    const value = this.slots[slot];
    return value === undefined && this.lazy !== 0 ? this.#fill(slot) : value;
  }

  put(slot: number, value: unknown): void {
    this.lazy &= ~(1 << slot);
    this.slots[slot] = value;
  }

  get isEmpty(): boolean {
    return this.isEmptyFrom(0);
  }

  /** The same, looking at that slot first and going round: who empties slots in order finds the next one at once. */
  isEmptyFrom(first: number): boolean {
    for (let step = 0; step < WIDTH; step++) if (this.at((first + step) & MASK) !== undefined) return false;
    return true;
  }

  #fill(slot: number): unknown {
    const bit = 1 << slot;
    if ((this.lazy & bit) === 0 || this.source === null) return undefined;
    const value = this.source.load(slot);
    this.lazy &= ~bit;
    this.slots[slot] = value;
    return value;
  }
}

export class Trie<V> {
  /** A trie on nodes that are there already. `shift`: bits below the root's own. */
  static of<V>(root: TrieNode | null, shift: number): Trie<V> {
    const trie = new Trie<V>();
    trie.#root = root;
    trie.#shift = shift;
    return trie;
  }

  #root: TrieNode | null = null;
  /** Bits below the root's own: 0 when the root holds values. */
  #shift = 0;

  /** A second handle on the same nodes. Whoever edits either must use owners that own none of them. */
  share(): Trie<V> {
    const copy = new Trie<V>();
    copy.#root = this.#root;
    copy.#shift = this.#shift;
    return copy;
  }

  get isEmpty(): boolean {
    return this.#root === null;
  }

  /** For whoever stores tries: not to be changed. */
  get root(): TrieNode | null {
    return this.#root;
  }

  /** Bits below the root's own. */
  get shift(): number {
    return this.#shift;
  }

  get(key: number): V | undefined {
    const root = this.#root;
    let shift = this.#shift;
    if (root === null || key >>> shift > MASK) return undefined;
    let node = root;
    while (shift > 0) {
      const child = node.slots[(key >>> shift) & MASK] as TrieNode | undefined;
      if (child !== undefined) node = child;
      else {
        const loaded: unknown = node.lazy === 0 ? undefined : node.at((key >>> shift) & MASK);
        if (loaded === undefined) return undefined;
        node = loaded as TrieNode;
      }
      shift -= BITS;
    }
    const value = node.slots[key & MASK] as V | undefined;
    return value === undefined && node.lazy !== 0 ? (node.at(key & MASK) as V | undefined) : value;
  }

  /** The node of that height that holds a key; undefined: there is none. */
  nodeAt(key: number, height: number): TrieNode | undefined {
    let node = this.#root ?? undefined;
    for (let shift = this.#shift; shift > height; shift -= BITS) {
      node = node?.at((key >>> shift) & MASK) as TrieNode | undefined;
    }
    return node;
  }

  set(key: number, value: V, owner: Owner): void {
    const leaf = this.#leafForEdit(key, owner);
    if (leaf.lazy === 0) leaf.slots[key & MASK] = value;
    else leaf.put(key & MASK, value);
  }

  /**
   * Makes the way to a key editable and forgets the digests on it.
   *
   * @param copy - Called when the value is not the owner's: gives the value that takes its place.
   * @returns The value, or undefined when there is none; then no entry has changed.
   */
  edit(key: number, owner: Owner, copy: (value: V, owner: Owner) => V): V | undefined {
    if (this.#root === null || key >>> this.#shift > MASK) return undefined;
    let node = own(this.#root, owner);
    this.#root = node;
    for (let shift = this.#shift; shift > 0; shift -= BITS) {
      const slot = (key >>> shift) & MASK;
      const child = node.at(slot) as TrieNode | undefined;
      if (child === undefined) return undefined;
      node = node.slots[slot] = own(child, owner);
    }
    const before = node.at(key & MASK) as V | undefined;
    if (before === undefined) return undefined;
    const after = copy(before, owner);
    if (after !== before) node.slots[key & MASK] = after;
    return after;
  }

  delete(key: number, owner: Owner): void {
    if (this.get(key) === undefined) return;
    this.#root = deleteBelow(this.#root as TrieNode, this.#shift, key, owner);
  }

  /** Removes every key from `first` on; calls `dropped` with each value that goes. */
  deleteFrom(first: number, owner: Owner, dropped: (value: V) => void): void {
    if (this.#root === null) return;
    this.#root = deleteFromBelow(this.#root, this.#shift, 0, first, owner, dropped as (value: unknown) => void);
  }

  /** Visits values in the order of their keys, from `first` on, until `visit` answers false. */
  forEach(visit: (value: V, key: number) => boolean | void, first = 0): void {
    if (this.#root)
      visitNode(this.#root, this.#shift, 0, first, visit as (value: unknown, key: number) => boolean | void);
  }

  /**
   * Visits the keys whose values are not the same object in both tries, in order. Costs what differs: subtrees shared
   * by both are skipped.
   */
  diff(other: Trie<V>, visit: (key: number, here: V | undefined, there: V | undefined) => void): void {
    const shift = Math.max(this.#shift, other.#shift);
    diffNodes(
      raise(this.#root, this.#shift, shift),
      raise(other.#root, other.#shift, shift),
      shift,
      0,
      visit as (key: number, here: unknown, there: unknown) => void,
    );
  }

  /**
   * Digest of all entries and of the depth, which the highest key ever held decides: the same history gives the same digest.
   *
   * @param ofValue - Digest of one value, 32 bytes.
   * @param combine - Digest of a node from its slots' digests (null: empty slot).
   */
  digest(ofValue: (value: V) => Uint8Array, combine: (parts: (Uint8Array | null)[]) => Uint8Array): Uint8Array | null {
    if (this.#root === null) return null;
    return digestNode(this.#root, this.#shift, ofValue as (value: unknown) => Uint8Array, combine);
  }

  /** Makes the trie as deep as if it had held that key once: it stays as deep as its highest key ever made it. */
  deepen(key: number, owner: Owner): TrieNode {
    if (this.#root === null) {
      this.#root = new TrieNode(owner, new Array(WIDTH));
      this.#shift = 0;
    }
    while (key >>> this.#shift > MASK) {
      const slots = new Array<unknown>(WIDTH);
      slots[0] = this.#root;
      this.#root = new TrieNode(owner, slots);
      this.#shift += BITS;
    }
    return this.#root;
  }

  #leafForEdit(key: number, owner: Owner): TrieNode {
    let node = own(this.deepen(key, owner), owner);
    this.#root = node;
    for (let shift = this.#shift; shift > 0; shift -= BITS) {
      const slot = (key >>> shift) & MASK;
      const child = node.at(slot) as TrieNode | undefined;
      const owned = child ? own(child, owner) : new TrieNode(owner, new Array(WIDTH));
      node.slots[slot] = owned;
      node = owned;
    }
    return node;
  }
}

function own(node: TrieNode, owner: Owner): TrieNode {
  if (node.owner === owner) {
    node.digest = null;
    node.isStored = false;
    return node;
  }
  const copy = new TrieNode(owner, node.slots.slice());
  copy.lazy = node.lazy;
  copy.source = node.source;
  copy.stored = node.stored;
  return copy;
}

function deleteBelow(node: TrieNode, shift: number, key: number, owner: Owner): TrieNode | null {
  const owned = own(node, owner);
  const slot = (key >>> shift) & MASK;
  const left = shift === 0 ? null : deleteBelow(owned.at(slot) as TrieNode, shift - BITS, key, owner);
  owned.put(slot, left ?? undefined);
  return left === null && owned.isEmptyFrom(slot + 1) ? null : owned;
}

function deleteFromBelow(
  node: TrieNode,
  shift: number,
  base: number,
  first: number,
  owner: Owner,
  dropped: (value: unknown) => void,
): TrieNode | null {
  const span = 2 ** shift;
  if (base + span * WIDTH <= first) return node;
  if (base >= first) {
    visitNode(node, shift, base, 0, (value) => dropped(value));
    return null;
  }
  const owned = own(node, owner);
  for (let slot = 0; slot < WIDTH; slot++) {
    const at = base + slot * span;
    if (at + span <= first) continue;
    const value = owned.at(slot);
    if (value === undefined) continue;
    if (shift === 0) {
      dropped(value);
      owned.put(slot, undefined);
    } else {
      owned.put(slot, deleteFromBelow(value as TrieNode, shift - BITS, at, first, owner, dropped) ?? undefined);
    }
  }
  return owned.isEmpty ? null : owned;
}

function visitNode(
  node: TrieNode,
  shift: number,
  base: number,
  first: number,
  visit: (value: unknown, key: number) => boolean | void,
): boolean {
  const span = 2 ** shift;
  for (let slot = 0; slot < WIDTH; slot++) {
    const at = base + slot * span;
    if (at + span <= first) continue;
    const value = node.at(slot);
    if (value === undefined) continue;
    const goOn = shift === 0 ? visit(value, at) : visitNode(value as TrieNode, shift - BITS, at, first, visit);
    if (goOn === false) return false;
  }
  return true;
}

/** The node as a trie of `to` bits would hold it. */
function raise(node: TrieNode | null, from: number, to: number): TrieNode | null {
  if (node === null) return null;
  let raised = node;
  for (let shift = from; shift < to; shift += BITS) {
    const slots = new Array<unknown>(WIDTH);
    slots[0] = raised;
    raised = new TrieNode(new Owner(), slots);
  }
  return raised;
}

function diffNodes(
  here: TrieNode | null,
  there: TrieNode | null,
  shift: number,
  base: number,
  visit: (key: number, here: unknown, there: unknown) => void,
): void {
  if (here === there) return;
  const span = 2 ** shift;
  for (let slot = 0; slot < WIDTH; slot++) {
    if (isSameLazySlot(here, there, slot)) continue;
    const left = here?.at(slot);
    const right = there?.at(slot);
    if (left === right) continue;
    const at = base + slot * span;
    if (shift === 0) visit(at, left, right);
    else diffNodes((left as TrieNode) ?? null, (right as TrieNode) ?? null, shift - BITS, at, visit);
  }
}

/** Whether both would load the same from their sources, so that there is no need to. */
function isSameLazySlot(here: TrieNode | null, there: TrieNode | null, slot: number): boolean {
  const bit = 1 << slot;
  if (here === null || there === null || (here.lazy & there.lazy & bit) === 0) return false;
  return here.source !== null && there.source !== null && here.source.isSame(slot, there.source);
}

function digestNode(
  node: TrieNode,
  shift: number,
  ofValue: (value: unknown) => Uint8Array,
  combine: (parts: (Uint8Array | null)[]) => Uint8Array,
): Uint8Array | null {
  if (node.digest) return node.digest;
  const parts: (Uint8Array | null)[] = [];
  let isEmpty = true;
  for (let slot = 0; slot < WIDTH; slot++) {
    const value = node.at(slot);
    const part =
      value === undefined
        ? null
        : shift === 0
          ? ofValue(value)
          : digestNode(value as TrieNode, shift - BITS, ofValue, combine);
    parts.push(part);
    isEmpty &&= part === null;
  }
  if (isEmpty) return null; // all that a lazy node would have held is gone
  node.digest = combine(parts);
  return node.digest;
}
