import { type Ino, ROOT_INO, type StoreEvent } from '../../events/event.ts';
import type { Tree } from '../../projections/tree/tree.ts';

/**
 * Nodes that may have a block more than their data takes: they have, or once had, extended attributes. On ext4 these move to
 * a block of their own when the inode has no room for them, together with the overlay's marks, and the block stays with the
 * marks when the attributes are gone.
 */
export class AttributeBlocks {
  readonly #nodes = new Set<Ino>();

  /** @param paths - Of such nodes of the lower. */
  constructor(lower: Tree, paths: Iterable<string>) {
    for (const path of paths) {
      let ino: Ino = ROOT_INO;
      for (const name of path.slice(1).split('/')) ino = name === '' ? ino : lower.lookup(ino, name);
      this.#nodes.add(ino);
    }
  }

  note(event: StoreEvent): void {
    if (event.type === 'XattrSet') this.#nodes.add(event.ino);
    if (event.type === 'FileCopiedUp' && this.#nodes.has(event.ino)) this.#nodes.add(event.upperIno);
  }

  has(ino: Ino): boolean {
    return this.#nodes.has(ino);
  }
}
