/** The diff of trees that have nothing to do with one another: names decide what belongs together. */

import type { ChunkReader } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { kindOf } from '../events/mode.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { changedAspects, sizeOf } from './diff-nodes.ts';
import type { TreeChange } from './tree-change.ts';

/** Compares two trees name by name, unsorted. Nothing is Renamed: there is no identity to go by. */
export function diffByPath(before: Tree, after: Tree, chunks: ChunkReader): TreeChange[] {
  const walk = new Walk(before, after, chunks);
  walk.pair('/', ROOT_INO, ROOT_INO);
  return walk.changes;
}

class Walk {
  readonly changes: TreeChange[] = [];
  readonly #before: Tree;
  readonly #after: Tree;
  readonly #chunks: ChunkReader;
  /** Nodes whose bytes have been counted: a further name of one counts nothing. */
  readonly #countedBefore = new Set<Ino>();
  readonly #countedAfter = new Set<Ino>();

  constructor(before: Tree, after: Tree, chunks: ChunkReader) {
    this.#before = before;
    this.#after = after;
    this.#chunks = chunks;
  }

  pair(path: string, here: Ino, there: Ino): void {
    const before = this.#before.at(here);
    const after = this.#after.at(there);
    const what = changedAspects(before, after, this.#chunks);
    if (what.length > 0) {
      const sizeDelta = this.#count(this.#countedAfter, there, after) - this.#count(this.#countedBefore, here, before);
      this.changes.push({ change: 'Modified', path, from: null, kind: kindOf(after.mode), what, sizeDelta });
    }
    before.dir?.entries.forEach((name, child) => {
      const other = after.dir?.entries.get(name);
      if (other === undefined) this.#removed(below(path, name), child);
      else this.pair(below(path, name), child, other);
    });
    after.dir?.entries.forEach((name, child) => {
      if (!before.dir?.entries.has(name)) this.#added(below(path, name), child);
    });
  }

  #added(path: string, ino: Ino): void {
    const inode = this.#after.at(ino);
    const sizeDelta = this.#count(this.#countedAfter, ino, inode);
    this.changes.push({ change: 'Added', path, from: null, kind: kindOf(inode.mode), what: [], sizeDelta });
    inode.dir?.entries.forEach((name, child) => this.#added(below(path, name), child));
  }

  #removed(path: string, ino: Ino): void {
    const inode = this.#before.at(ino);
    const sizeDelta = 0 - this.#count(this.#countedBefore, ino, inode);
    this.changes.push({ change: 'Removed', path, from: null, kind: kindOf(inode.mode), what: [], sizeDelta });
    inode.dir?.entries.forEach((name, child) => this.#removed(below(path, name), child));
  }

  #count(counted: Set<Ino>, ino: Ino, inode: Inode): number {
    if (inode.nlink > 1 && inode.dir === null) {
      if (counted.has(ino)) return 0;
      counted.add(ino);
    }
    return sizeOf(inode);
  }
}

const below = (path: string, name: string): string => (path === '/' ? `/${name}` : `${path}/${name}`);
