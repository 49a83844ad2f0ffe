/**
 * Tries in a store of nodes: written by what changed since they were written last, loaded by what is touched.
 *
 * ```
 * inner  01 · present u32 · a reference for each child that is present
 * leaf   02 · present u32 · inline u32 · holders u8 · a reference for each holder
 *           · for each value that is present and not inline: which holder, u8
 *           · for each value that is inline: length varint ‖ value
 * ```
 *
 * A leaf holds the values that changed since it was stored before, and names the older leaves that hold the others: a
 * write here and there in a large table then stores what was written, not its 31 neighbours.
 */

import type { NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { type NodeSource, Owner, type Trie, TRIE_BITS, TRIE_WIDTH, TrieNode } from '../tree/trie.ts';
import { readRef, writeRef } from './node-ref.ts';

/** Owns what was loaded, so that nobody changes it in place. */
export const STORED = new Owner();

const INNER = 1;
const LEAF = 2;

/** How values of a trie are written and read. */
export interface ValueCodec<V> {
  /** Stores the parts of a value that are nodes of their own; null: it has none. */
  prepare(value: V): Generator<void, void> | null;
  encode(writer: ByteWriter, value: V): void;
  /** @param key - Of the value. */
  decode(reader: ByteReader, key: number): V;
}

/** Reads a trie's nodes. */
export interface TrieLoading<V> {
  readonly nodes: NodeReader;
  readonly codec: Pick<ValueCodec<V>, 'decode'>;
  /** The same trie, made without the store: where a node of it can't be read. */
  readonly rescue: () => Trie<V>;
}

/** A node as it is stored, and what is known of its slots. */
class StoredTrieNode<V> implements NodeSource, NodeRef {
  readonly position: number;
  readonly digest: string;
  /** Children or values: as they were when the node was stored, or as far as they are loaded. */
  readonly values: unknown[];
  /** Of an inner node its children; of a leaf the nodes that hold the values, this one included. */
  readonly refs: (NodeRef | undefined)[];
  readonly #loading: { readonly trie: TrieLoading<V>; readonly shift: number; readonly first: number } | null;

  constructor(
    ref: NodeRef,
    values: unknown[],
    refs: (NodeRef | undefined)[],
    loading: StoredTrieNode<V>['loading'] = null,
  ) {
    this.position = ref.position;
    this.digest = ref.digest;
    this.values = values;
    this.refs = refs;
    this.#loading = loading;
  }

  get loading(): { readonly trie: TrieLoading<V>; readonly shift: number; readonly first: number } | null {
    return this.#loading;
  }

  isSame(slot: number, other: NodeSource): boolean {
    if (other === this) return true;
    return other instanceof StoredTrieNode && isSameRef(this.refs[slot], other.refs[slot]);
  }

  load(slot: number): unknown {
    const known = this.values[slot];
    if (known !== undefined) return known;
    const ref = this.refs[slot];
    const loading = this.#loading;
    if (ref === undefined || loading === null) return undefined;
    const { trie, shift, first } = loading;
    const key = first + slot * 2 ** shift;
    let value: unknown;
    try {
      value =
        shift > 0
          ? loadNode(trie, ref, shift - TRIE_BITS, key)
          : decodeSlot(trie.nodes.node(ref), slot, (reader) => trie.codec.decode(reader, key));
    } catch (error) {
      if (!isDamage(error)) throw error;
      value = shift > 0 ? trie.rescue().nodeAt(key, shift - TRIE_BITS) : trie.rescue().get(key);
    }
    this.values[slot] = value;
    return value;
  }
}

export const isDamage = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_CHECKPOINT_DAMAGED';

const isSameRef = (here: NodeRef | undefined, there: NodeRef | undefined): boolean =>
  here !== undefined && there !== undefined && here.position === there.position && here.digest === there.digest;

/** The root node of a stored trie; its slots are loaded when they are touched. */
export function loadNode<V>(trie: TrieLoading<V>, ref: NodeRef, shift: number, first: number): TrieNode {
  const reader = new ByteReader(trie.nodes.node(ref));
  const kind = reader.byte();
  const present = reader.uint32();
  const refs = kind === INNER ? readChildren(reader, present) : readHolders(reader, present, ref);
  const node = new TrieNode(STORED, new Array<unknown>(TRIE_WIDTH));
  const stored = new StoredTrieNode(ref, new Array<unknown>(TRIE_WIDTH), refs, { trie, shift, first });
  node.source = stored;
  node.lazy = present | 0;
  node.stored = stored;
  node.isStored = true;
  return node;
}

function readChildren(reader: ByteReader, present: number): (NodeRef | undefined)[] {
  const refs = new Array<NodeRef | undefined>(TRIE_WIDTH);
  for (let slot = 0; slot < TRIE_WIDTH; slot++) if ((present >>> slot) & 1) refs[slot] = readRef(reader);
  return refs;
}

function readHolders(reader: ByteReader, present: number, self: NodeRef): (NodeRef | undefined)[] {
  const inline = reader.uint32();
  const holders: NodeRef[] = [];
  for (let count = reader.byte(); count > 0; count--) holders.push(readRef(reader));
  const refs = new Array<NodeRef | undefined>(TRIE_WIDTH);
  for (let slot = 0; slot < TRIE_WIDTH; slot++) {
    if ((present >>> slot) & 1) refs[slot] = (inline >>> slot) & 1 ? self : holders[reader.byte()];
  }
  return refs;
}

/** The value that a leaf holds inline in a slot. */
function decodeSlot<T>(bytes: Buffer, slot: number, decode: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes, 1);
  const present = reader.uint32();
  const inline = reader.uint32();
  readHoldersOver(reader, present, inline);
  for (let before = 0; before < slot; before++) {
    if ((inline >>> before) & 1) {
      const length = reader.varint();
      reader.at += length;
    }
  }
  reader.varint();
  return decode(reader);
}

function readHoldersOver(reader: ByteReader, present: number, inline: number): void {
  for (let count = reader.byte(); count > 0; count--) readRef(reader);
  for (let others = (present & ~inline) >>> 0; others !== 0; others = (others & (others - 1)) >>> 0) reader.at++;
}

/** Writes tries, a node at a time. */
export class TrieStoring<V> {
  readonly #nodes: NodeWriter;
  readonly #codec: ValueCodec<V>;
  readonly #leaf = new ByteWriter();
  readonly #value = new ByteWriter();

  constructor(nodes: NodeWriter, codec: ValueCodec<V>) {
    this.#nodes = nodes;
    this.#codec = codec;
  }

  /**
   * Stores what is not stored yet below a node that nobody changes any more. It yields after each node.
   *
   * @param shift - Bits below the node's own.
   * @returns Null for a node that holds nothing.
   */
  *store(node: TrieNode, shift: number): Generator<void, NodeRef | null> {
    const before = node.stored as StoredTrieNode<V> | null;
    if (node.isStored && before !== null && this.#nodes.keeps(before)) return before;
    const ref = shift === 0 ? yield* this.#storeLeaf(node, before) : yield* this.#storeInner(node, before, shift);
    yield;
    return ref;
  }

  *#storeInner(node: TrieNode, before: StoredTrieNode<V> | null, shift: number): Generator<void, NodeRef | null> {
    const refs = new Array<NodeRef | undefined>(TRIE_WIDTH);
    let present = 0;
    for (let slot = 0; slot < TRIE_WIDTH; slot++) {
      const child = this.#untouched(node, before, slot) ?? (yield* this.#storeChild(node, slot, shift));
      if (child === null) continue;
      refs[slot] = child;
      present |= 1 << slot;
    }
    if (present === 0) return null;
    const writer = this.#leaf;
    writer.reset();
    writer.byte(INNER);
    writer.uint32(present);
    for (const ref of refs) if (ref !== undefined) writeRef(writer, ref);
    return this.#stored(node, refs);
  }

  *#storeChild(node: TrieNode, slot: number, shift: number): Generator<void, NodeRef | null> {
    const child = node.at(slot) as TrieNode | undefined;
    return child === undefined ? null : yield* this.store(child, shift - TRIE_BITS);
  }

  /** Where the store has what a slot holds, if nobody has touched the slot since. */
  #untouched(node: TrieNode, before: StoredTrieNode<V> | null, slot: number): NodeRef | null {
    if (before === null) return null;
    const isLazy = ((node.lazy >>> slot) & 1) === 1;
    const isSame = isLazy ? node.source === before : this.#isValueOf(node, before, slot);
    const ref = isSame ? before.refs[slot] : undefined;
    return ref !== undefined && this.#nodes.keeps(ref) ? ref : null;
  }

  /** Only of leaves: a child node knows itself whether it has changed. */
  #isValueOf(node: TrieNode, before: StoredTrieNode<V>, slot: number): boolean {
    const value = node.slots[slot];
    return value !== undefined && !(value instanceof TrieNode) && before.values[slot] === value;
  }

  *#storeLeaf(node: TrieNode, before: StoredTrieNode<V> | null): Generator<void, NodeRef | null> {
    const refs = new Array<NodeRef | undefined>(TRIE_WIDTH);
    const holders: NodeRef[] = [];
    let present = 0;
    let inline = 0;
    for (let slot = 0; slot < TRIE_WIDTH; slot++) {
      const holder = this.#untouched(node, before, slot);
      if (holder !== null) {
        refs[slot] = holder;
        if (!holders.includes(holder)) holders.push(holder);
      } else {
        const value = node.at(slot) as V | undefined;
        if (value === undefined) continue;
        const parts = this.#codec.prepare(value);
        if (parts !== null) yield* parts;
        inline |= 1 << slot;
      }
      present |= 1 << slot;
    }
    if (present === 0) return null;
    const writer = this.#leaf;
    writer.reset();
    writer.byte(LEAF);
    writer.uint32(present);
    writer.uint32(inline);
    writer.byte(holders.length);
    for (const holder of holders) writeRef(writer, holder);
    for (const ref of refs) if (ref !== undefined) writer.byte(holders.indexOf(ref));
    for (let slot = 0; slot < TRIE_WIDTH; slot++) if ((inline >>> slot) & 1) this.#writeValue(node.slots[slot] as V);
    return this.#stored(node, refs, inline);
  }

  #writeValue(value: V): void {
    this.#value.reset();
    this.#codec.encode(this.#value, value);
    this.#leaf.shortBlob(this.#value.bytes());
  }

  #stored(node: TrieNode, refs: (NodeRef | undefined)[], inline = 0): NodeRef {
    const ref = this.#nodes.write(this.#leaf.bytes());
    for (let slot = 0; slot < TRIE_WIDTH; slot++) if ((inline >>> slot) & 1) refs[slot] = ref;
    // What is still lazy stays with its source; the values that are there are those that were stored.
    const isLoadedFrom = node.source instanceof StoredTrieNode ? node.source.loading : null;
    const stored = new StoredTrieNode(ref, node.slots, refs, isLoadedFrom);
    node.stored = stored;
    node.isStored = true;
    if (node.lazy !== 0) node.source = stored;
    return ref;
  }
}
