import { type Ino, ROOT_INO } from '../../events/event.ts';
import { namesOf } from '../../projections/tree/names-of.ts';
import type { Tree } from '../../projections/tree/tree.ts';

/** Where nodes of the upper lie on the host: under the names that they have in the merged tree. */
export class UpperPaths {
  readonly #upper: string;
  readonly #tree: () => Tree;
  /** A path of an open file that has no name. */
  readonly #ofDescriptor: (ino: Ino) => string | null;
  /** Of nodes that the events at hand have made or moved; the tree learns of it later. */
  readonly #moved = new Map<Ino, string>();
  /** Files that have never had a name (O_TMPFILE): where they wait for one. */
  readonly nameless = new Map<Ino, string>();
  /** Hard links of the lower in the upper, which has not all of their names: their entry of the index. */
  readonly indexed = new Map<Ino, string>();

  constructor(upper: string, tree: () => Tree, ofDescriptor: (ino: Ino) => string | null) {
    this.#upper = upper;
    this.#tree = tree;
    this.#ofDescriptor = ofDescriptor;
  }

  entry(parent: Ino, name: string): string {
    return `${this.of(parent)}/${name}`;
  }

  of(ino: Ino): string {
    const path =
      this.indexed.get(ino) ??
      this.#moved.get(ino) ??
      this.nameless.get(ino) ??
      this.#inTree(ino) ??
      this.#ofDescriptor(ino);
    if (path === null) throw new Error(`the upper has no path of node ${ino}`);
    return path;
  }

  /** The node is elsewhere than the tree has it, until {@link UpperPaths.settle}. */
  move(ino: Ino, path: string): void {
    this.#moved.set(ino, path);
  }

  /** Whether the events at hand have brought the node here. */
  isNew(ino: Ino): boolean {
    return this.#moved.has(ino);
  }

  /** The tree knows of all that has happened. */
  settle(): void {
    if (this.#moved.size > 0) this.#moved.clear();
  }

  #inTree(ino: Ino): string | null {
    if (ino === ROOT_INO) return this.#upper;
    const tree = this.#tree();
    const inode = tree.get(ino);
    if (inode === undefined || inode.parent === 0) return null;
    // A node knows its most recent name, which may be one that has gone.
    if (inode.dir === null && tree.lookup(inode.parent, inode.name) !== ino) {
      const other = namesOf(tree, ino)[0];
      return other === undefined ? null : this.entry(other.parent, other.name);
    }
    return this.entry(inode.parent, inode.name);
  }
}
