import { type FileEvent, type Ino, ROOT_INO } from '../events/event.ts';
import type { Tree } from '../projections/tree/tree.ts';

interface Entry {
  readonly parent: Ino;
  readonly name: string;
}

/**
 * Where each node of a bind lies on the host, event by event.
 *
 * The tree itself can't tell: when a transaction is told about, it stands behind the last of its events already.
 */
export class BindNames {
  readonly #root: string;
  readonly #entries = new Map<Ino, Entry[]>();

  /** @param tree - What the bind holds already. */
  constructor(root: string, tree?: Tree) {
    this.#root = root;
    if (tree !== undefined) this.#read(tree, ROOT_INO);
  }

  /** Path of a name in a directory. The name '' is a single-file bind's: the bind's own path. */
  entry(parent: Ino, name: string): string {
    const directory = this.of(parent) ?? this.#root;
    return name === '' ? directory : `${directory}/${name}`;
  }

  /** A path of a node; null when it has no name. */
  of(ino: Ino): string | null {
    if (ino === ROOT_INO) return this.#root;
    const entry = this.#entries.get(ino)?.[0];
    return entry === undefined ? null : this.entry(entry.parent, entry.name);
  }

  apply(event: FileEvent): void {
    switch (event.type) {
      case 'NodeCreated':
      case 'Linked':
        if (event.parent !== 0) this.#add(event.ino, event.parent, event.name);
        return;
      case 'Unlinked':
        return this.#drop(event.ino, event.parent, event.name);
      case 'Renamed':
        this.#drop(event.ino, event.fromParent, event.fromName);
        if (event.replaced !== 0) this.#drop(event.replaced, event.toParent, event.toName);
        if (event.exchange) this.#add(event.replaced, event.fromParent, event.fromName);
        return this.#add(event.ino, event.toParent, event.toName);
      default:
        return;
    }
  }

  #read(tree: Tree, directory: Ino): void {
    tree.at(directory).dir?.entries.forEach((name, ino) => {
      this.#add(ino, directory, name);
      this.#read(tree, ino);
    });
  }

  #add(ino: Ino, parent: Ino, name: string): void {
    const entries = this.#entries.get(ino);
    if (entries === undefined) this.#entries.set(ino, [{ parent, name }]);
    else entries.push({ parent, name });
  }

  #drop(ino: Ino, parent: Ino, name: string): void {
    const rest = (this.#entries.get(ino) ?? []).filter((entry) => entry.parent !== parent || entry.name !== name);
    if (rest.length === 0) this.#entries.delete(ino);
    else this.#entries.set(ino, rest);
  }
}
