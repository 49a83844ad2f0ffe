/**
 * A directory's entries: a persistent sorted map from names to numbers (inode numbers, or the seq of a whiteout).
 *
 * A B-tree with owners as in trie.ts. A directory of up to 64 names is one sorted array; the first write after a
 * snapshot of a directory of 100,000 names copies two nodes, not the directory. The order is that of UTF-16 units, which
 * is fast and total; listings that promise byte order sort with compareNames.
 *
 * A node may be one that a checkpoint holds: it is filled when somebody goes down to it.
 *
 * A map that begins in a bulk fold is a hash table at first: keeping names sorted that nobody lists was a quarter of the
 * fold of a long log. It becomes a B-tree when somebody shares it or wants its names in order.
 */

import { childSlot, forgetSearch, search } from './last-search.ts';
import { inGroups, insertAt, removeAt } from './lists.ts';
import { Owner, type StoredNode } from './trie.ts';

const NODE_ENTRIES_MAX = 64;
const NODE_ENTRIES_LOW = 16;
/** Of a node that is made of entries that are all there. */
const NODE_ENTRIES_MADE = 48;

/** What a node is filled with. */
export type NameNodeParts = Pick<NameNode, 'names' | 'values' | 'children'>;

/** Where what a node holds comes from, when somebody touches it. */
export interface NameSource {
  /** Called once. */
  fill(): NameNodeParts;
  /** Looks up one name without filling the node: for a node that stands for a whole map. */
  find?(name: string): number | undefined;
  /** As {@link NameMap.diff}, where both sources know what they differ in; false: they don't. */
  diff?(other: NameSource, visit: (name: string, here: number | undefined, there: number | undefined) => void): boolean;
  /** The same, against a map that this source may have changed entries of. */
  diffFrom?(base: NameMap, visit: (name: string, before: number | undefined, now: number | undefined) => void): boolean;
}

export class NameNode {
  owner: Owner;
  /** Leaf: the names. Inner node: the smallest name below each child. */
  names: string[];
  values: number[];
  children: NameNode[] | null;
  /** Gives what the node holds; null: it is there. */
  source: NameSource | null = null;
  /** Where the node is stored as it is; null: nowhere. */
  stored: StoredNode | null = null;

  constructor(owner: Owner, names: string[], values: number[], children: NameNode[] | null) {
    this.owner = owner;
    this.names = names;
    this.values = values;
    this.children = children;
  }

  /** A node that is filled from a source when it is touched. */
  static lazy(owner: Owner, source: NameSource): NameNode {
    const node = new NameNode(owner, [], [], null);
    node.source = source;
    return node;
  }
}

/** The node, with what it holds. */
function filled(node: NameNode): NameNode {
  if (node.source !== null) {
    const { names, values, children } = node.source.fill();
    node.names = names;
    node.values = values;
    node.children = children;
    node.source = null;
  }
  return node;
}

export class NameMap {
  /** A map on nodes that are there already. */
  static of(root: NameNode | null, size: number): NameMap {
    const map = new NameMap();
    map.#root = root;
    map.#size = size;
    return map;
  }

  /** A map that is another one with some entries changed, each when it is asked for; see patched-names.ts. */
  static lazy(owner: Owner, source: NameSource, size: () => number): NameMap {
    const map = new NameMap();
    map.#root = NameNode.lazy(owner, source);
    map.#sizeBefore = size;
    return map;
  }

  #root: NameNode | null = null;
  /** Entries, or how many came since {@link #sizeBefore}. */
  #size = 0;
  #sizeBefore: (() => number) | null = null;
  /** All entries, while they are in no order; then there is no root. */
  #loose: Map<string, number> | null = null;

  get size(): number {
    if (this.#loose !== null) return this.#loose.size;
    if (this.#sizeBefore !== null) {
      this.#size += this.#sizeBefore();
      this.#sizeBefore = null;
    }
    return this.#size;
  }

  /** For whoever stores maps: filled, not to be changed. */
  get root(): NameNode | null {
    this.#settle();
    if (this.#root === null) return null;
    const root = filled(this.#root);
    return root.names.length === 0 ? null : root;
  }

  /** A second handle on the same nodes; see Trie.share. */
  share(): NameMap {
    this.#settle();
    const copy = new NameMap();
    copy.#root = this.#root;
    copy.#size = this.#size;
    copy.#sizeBefore = this.#sizeBefore;
    return copy;
  }

  get(name: string): number | undefined {
    let node = this.#root;
    if (node === null) return this.#loose?.get(name);
    if (node.source !== null) {
      if (node.source.find !== undefined) return node.source.find(name);
      filled(node);
    }
    while (node.children !== null) {
      node = node.children[childSlot(node.names, name)];
      if (node.source !== null) filled(node);
    }
    const index = search(node.names, name);
    return index >= 0 ? node.values[index] : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  set(name: string, value: number, owner: Owner): void {
    if (this.#root === null) {
      if (owner.isBulk) (this.#loose ??= new Map()).set(name, value);
      else this.#begin(name, value, owner);
      return;
    }
    const root = own(this.#root, owner);
    this.#root = root;
    if (insert(root, name, value, owner)) this.#size++;
    if (isFull(root)) {
      const right = split(root, owner);
      this.#root = new NameNode(owner, [root.names[0], right.names[0]], [], [root, right]);
    }
  }

  delete(name: string, owner: Owner): boolean {
    if (this.#root === null) return this.#loose !== null && this.#loose.delete(name);
    const root = own(this.#root, owner);
    this.#root = root;
    if (!remove(root, name, owner)) return false;
    this.#size--;
    if (this.size === 0) this.#root = null;
    else if (root.children?.length === 1) this.#root = filled(root.children[0]);
    return true;
  }

  /** Visits entries in order, from `first` on (included), until `visit` answers false. */
  forEach(visit: (name: string, value: number) => boolean | void, first = ''): void {
    this.#settle();
    if (this.#root) visitNode(this.#root, first, visit);
  }

  /** All names, in order, in a new array. */
  names(): string[] {
    this.#settle();
    const root = this.#root;
    if (root === null) return [];
    filled(root);
    if (root.children === null) return root.names.slice();
    const all: string[] = [];
    addNames(root.children, all);
    return all;
  }

  /**
   * Visits the names whose values differ, in no particular order; undefined stands for no value. Costs what differs: nodes
   * that both maps share are skipped.
   */
  diff(other: NameMap, visit: (name: string, here: number | undefined, there: number | undefined) => void): void {
    this.#settle();
    other.#settle();
    const source = this.#root?.source;
    const otherSource = other.#root?.source;
    if (source && otherSource && source.diff?.(otherSource, visit) === true) return;
    if (otherSource?.diffFrom?.(this, visit) === true) return;
    if (source?.diffFrom?.(other, (name, there, here) => visit(name, here, there)) === true) return;
    const [left, right] = unsharedLeaves(this.#root, other.#root);
    const there = new Map<string, number>();
    for (const leaf of right) leaf.names.forEach((name, index) => there.set(name, leaf.values[index]));
    for (const leaf of left) {
      for (let index = 0; index < leaf.names.length; index++) {
        const name = leaf.names[index];
        const value = there.get(name);
        if (value !== leaf.values[index]) visit(name, leaf.values[index], value);
        there.delete(name);
      }
    }
    for (const [name, value] of there) visit(name, undefined, value);
  }

  /** Whether both handles stand on the very same nodes, so that nothing can differ. */
  isSame(other: NameMap): boolean {
    return this.#root === other.#root && this.#loose === null && other.#loose === null;
  }

  #begin(name: string, value: number, owner: Owner): void {
    this.#settle();
    if (this.#root !== null) return this.set(name, value, owner);
    this.#root = new NameNode(owner, [name], [value], null);
    this.#size = 1;
  }

  /** Puts entries in order that are in none. */
  #settle(): void {
    const loose = this.#loose;
    if (loose === null) return;
    this.#loose = null;
    this.#root = treeOf(loose);
    this.#size = loose.size;
  }
}

/** Entries in order, in nodes that nobody owns and that have room for some more. */
function treeOf(entries: ReadonlyMap<string, number>): NameNode | null {
  const nobody = new Owner();
  const names = inGroups([...entries.keys()].sort(), NODE_ENTRIES_MADE);
  const valueOf = (name: string): number => entries.get(name) as number;
  let level = names.map((some) => new NameNode(nobody, some, some.map(valueOf), null));
  while (level.length > 1) {
    level = inGroups(level, NODE_ENTRIES_MADE).map((children) => {
      return new NameNode(nobody, children.map(smallestName), [], children);
    });
  }
  return level[0] ?? null;
}

/** The leaves that are not in both trees. All leaves of a tree are at one depth, so shared nodes are at one height. */
function unsharedLeaves(left: NameNode | null, right: NameNode | null): [NameNode[], NameNode[]] {
  let here = left === null ? [] : [left];
  let there = right === null ? [] : [right];
  let above = heightOf(left) - heightOf(right);
  for (;;) {
    if (above === 0) {
      const before = new Set(here);
      const shared = new Set(there.filter((node) => before.has(node)));
      here = here.filter((node) => !shared.has(node));
      there = there.filter((node) => !shared.has(node));
    }
    const goDownHere = above >= 0 && here.some((node) => filled(node).children !== null);
    const goDownThere = above <= 0 && there.some((node) => filled(node).children !== null);
    if (!goDownHere && !goDownThere) return [here, there];
    if (goDownHere) here = here.flatMap((node) => node.children ?? []);
    if (goDownThere) there = there.flatMap((node) => node.children ?? []);
    if (above !== 0) above -= Math.sign(above);
  }
}

function heightOf(node: NameNode | null): number {
  let height = 0;
  for (let at = node; at !== null; at = filled(at).children?.[0] ?? null) height++;
  return height;
}

function own(node: NameNode, owner: Owner): NameNode {
  if (node.owner === owner) {
    node.stored = null;
    return node;
  }
  filled(node);
  return new NameNode(owner, node.names.slice(), node.values.slice(), node.children ? node.children.slice() : null);
}

const smallestName = (node: NameNode): string => node.names[0];
const entryCount = (node: NameNode): number => node.names.length;
const isFull = (node: NameNode): boolean => node.names.length > NODE_ENTRIES_MAX;

/** Inserts below a node of the owner; the node may be one entry over the bound afterwards. Tells whether it is new. */
function insert(node: NameNode, name: string, value: number, owner: Owner): boolean {
  if (node.children === null) {
    const index = search(node.names, name);
    if (index >= 0) {
      node.values[index] = value;
      return false;
    }
    if (~index === node.names.length) {
      node.names.push(name);
      node.values.push(value);
    } else {
      insertAt(node.names, ~index, name);
      insertAt(node.values, ~index, value);
    }
    return true;
  }
  const slot = childSlot(node.names, name);
  const child = own(node.children[slot], owner);
  node.children[slot] = child;
  const isNew = insert(child, name, value, owner);
  node.names[slot] = child.names[0];
  if (isFull(child)) {
    const right = split(child, owner);
    node.names.splice(slot + 1, 0, right.names[0]);
    node.children.splice(slot + 1, 0, right);
  }
  return isNew;
}

/** Takes the upper half out of a node into a new one. Names that arrive in order leave full nodes behind. */
function split(node: NameNode, owner: Owner): NameNode {
  forgetSearch();
  const middle = node.names.length >>> 1;
  return new NameNode(
    owner,
    node.names.splice(middle),
    node.values.splice(middle),
    node.children ? node.children.splice(middle) : null,
  );
}

/** Removes below a node of the owner. Tells whether the name was there. */
function remove(node: NameNode, name: string, owner: Owner): boolean {
  if (node.children === null) {
    const index = search(node.names, name);
    if (index < 0) return false;
    removeAt(node.names, index);
    removeAt(node.values, index);
    return true;
  }
  const slot = childSlot(node.names, name);
  const child = own(node.children[slot], owner);
  node.children[slot] = child;
  if (!remove(child, name, owner)) return false;
  if (entryCount(child) === 0) {
    node.children.splice(slot, 1);
    node.names.splice(slot, 1);
    return true;
  }
  node.names[slot] = child.names[0];
  if (entryCount(child) < NODE_ENTRIES_LOW) mergeWithNeighbour(node, slot, owner);
  return true;
}

function mergeWithNeighbour(node: NameNode, slot: number, owner: Owner): void {
  const children = node.children as NameNode[];
  const left = slot > 0 ? slot - 1 : slot;
  const right = left + 1;
  if (right >= children.length) return;
  if (entryCount(filled(children[left])) + entryCount(filled(children[right])) > NODE_ENTRIES_MAX) return;
  forgetSearch();
  const target = own(children[left], owner);
  const source = children[right];
  target.names.push(...source.names);
  target.values.push(...source.values);
  if (target.children && source.children) target.children.push(...source.children);
  children[left] = target;
  children.splice(right, 1);
  node.names.splice(right, 1);
}

/** As a visit of each name, in a third of the time. */
function addNames(children: readonly NameNode[], all: string[]): void {
  for (const child of children) {
    filled(child);
    if (child.children !== null) addNames(child.children, all);
    else for (const name of child.names) all.push(name);
  }
}

function visitNode(node: NameNode, first: string, visit: (name: string, value: number) => boolean | void): boolean {
  filled(node);
  if (node.children === null) {
    const index = first === '' ? 0 : search(node.names, first);
    for (let at = index >= 0 ? index : ~index; at < node.names.length; at++) {
      if (visit(node.names[at], node.values[at]) === false) return false;
    }
    return true;
  }
  for (let slot = first === '' ? 0 : childSlot(node.names, first); slot < node.children.length; slot++) {
    if (!visitNode(node.children[slot], first, visit)) return false;
  }
  return true;
}
