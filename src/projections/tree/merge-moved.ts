/**
 * What a layer has moved (`redirect_dir`) while it is laid over the layers below.
 *
 * A directory that moved takes its node along, so that it and all in it keep their numbers; whoever removes its old place
 * leaves the node alone. Layers that a kernel wrote hide the old place. Where one does not, and where two directories say that
 * they are the same one below, the others get copies.
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isFileMode } from '../../events/mode.ts';
import type { Content } from './content.ts';
import { Directory, type Inode } from './inode.ts';
import { NameMap } from './name-map.ts';
import type { Tree } from './tree.ts';

export class MovedDirectories {
  readonly #merged: Tree;
  readonly #below: Tree;
  /** Number of the next copy. */
  #nextIno: Ino;
  /** Directories below that one of the layer has a redirect to. */
  readonly #moved = new Set<Ino>();
  /** Those that a directory of the layer stands over now. */
  readonly #claimed = new Set<Ino>();

  /** @param nextIno - Numbers from here on are free. */
  constructor(merged: Tree, below: Tree, layer: Tree, nextIno: Ino) {
    this.#merged = merged;
    this.#below = below;
    this.#nextIno = nextIno;
    this.#note(layer);
  }

  has(ino: Ino): boolean {
    return this.#moved.has(ino);
  }

  /**
   * The directory below that one of the layer merges with, or 0.
   *
   * @param below - What the directory that it lies in merges with; 0: nothing.
   */
  counterpart(node: Inode, below: Ino, name: string): Ino {
    const ino = this.#find(node.marks?.redirect ?? '', below, name);
    return ino !== 0 && this.#below.at(ino).dir !== null ? ino : 0;
  }

  /** The data of a file that has attributes only; null where nothing below has it. */
  dataOf(node: Inode, below: Ino, name: string): Content | null {
    const ino = this.#find(node.marks?.redirect ?? '', below, name);
    const found = ino === 0 ? null : this.#below.at(ino);
    return found !== null && isFileMode(found.mode) ? found.content : null;
  }

  /** The node of a directory below for one of the layer to stand over: itself, and for a second one a copy. */
  claim(ino: Ino): Ino {
    if (!this.#moved.has(ino)) return ino;
    if (this.#claimed.has(ino)) return this.#copy(ino);
    this.#claimed.add(ino);
    return ino;
  }

  /** Gives old places of moved directories that the layer does not hide a copy of what they showed. */
  restoreOldPlaces(): void {
    for (const ino of this.#moved) {
      const { parent, name } = this.#below.at(ino);
      const moved = this.#merged.at(ino);
      if (moved.parent === parent && moved.name === name) continue;
      if (this.#merged.lookup(parent, name) !== ino) continue;
      const copy = this.#copy(ino);
      const inode = this.#merged.edit(copy);
      inode.parent = parent;
      inode.name = name;
      this.#merged.editDirectory(parent).entries.set(name, copy, this.#merged.owner);
    }
  }

  /** Finds the directories that have moved. */
  #note(layer: Tree): void {
    const pending: [directory: Ino, below: Ino][] = [[ROOT_INO, ROOT_INO]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [directory, below] = next;
      layer.at(directory).dir?.entries.forEach((name, ino) => {
        const node = layer.at(ino);
        if (node.dir === null) return;
        const counterpart = node.dir.opaque ? 0 : this.counterpart(node, below, name);
        if (counterpart !== 0 && node.marks !== null && node.marks.redirect !== '') this.#moved.add(counterpart);
        pending.push([ino, counterpart]);
      });
    }
  }

  #find(redirect: string, below: Ino, name: string): Ino {
    if (!redirect.startsWith('/'))
      return below === 0 ? 0 : this.#below.lookup(below, redirect === '' ? name : redirect);
    let ino: Ino = ROOT_INO;
    for (const part of redirect.split('/')) if (part !== '' && ino !== 0) ino = this.#below.lookup(ino, part);
    return ino;
  }

  #copy(from: Ino): Ino {
    const source = this.#below.at(from);
    const copy = source.copy(this.#merged.owner);
    const ino = this.#nextIno++;
    this.#merged.insert(ino, copy);
    if (source.dir === null) return ino;
    const dir = new Directory(this.#merged.owner, new NameMap());
    copy.dir = dir;
    dir.mergedBelow = source.dir.mergedBelow;
    dir.subdirectories = source.dir.subdirectories;
    source.dir.entries.forEach((name, child) => {
      const childCopy = this.#copy(child);
      const inode = this.#merged.edit(childCopy);
      inode.parent = ino;
      inode.name = name;
      dir.entries.set(name, childCopy, this.#merged.owner);
    });
    return ino;
  }
}
