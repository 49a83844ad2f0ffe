/**
 * What the marks of an upperdir mean that point into the layers below (overlayfs.rst, "redirect_dir", "Metadata only copy up").
 *
 * A layer has no such marks (SEM-2.3): a directory that was redirected is in it with all that is visible in it, and hides what
 * is below its new name; a file without data gets the data of the one below.
 */

import { type Ino, ROOT_INO } from '../events/event.ts';
import { isFileMode } from '../events/mode.ts';
import { compareNames } from '../events/name.ts';
import type { LowerMarks } from './layer-sink.ts';
import { attributesOf, type LayerWriter } from './layer-writer.ts';

export class LayerLowerMarks {
  readonly #writer: LayerWriter;
  /** Directories that merge with another one than that of their name, in the order in which they came. */
  readonly #redirected: Ino[] = [];
  /** Nodes below with several names that were brought into the layer, and their numbers there. */
  readonly #links = new Map<Ino, Ino>();

  constructor(writer: LayerWriter) {
    this.#writer = writer;
  }

  /**
   * Lets a directory of the layer merge with the one that its redirect names, from now on.
   *
   * @returns false when there is none: then it merges with nothing, as in the kernel.
   */
  redirect(directory: Ino, redirect: string): boolean {
    const below = this.#find(this.#writer.tree.at(directory).parent, redirect);
    const isDirectory = below !== 0 && this.#writer.below.at(below).dir !== null;
    this.#writer.mergeWith(directory, isDirectory ? below : 0);
    this.#redirected.push(directory);
    return isDirectory;
  }

  /**
   * Gives a file of the layer the data of the file below that its marks name.
   *
   * @returns false when there is none.
   */
  takeData(parent: Ino, name: string, file: Ino, { redirect }: LowerMarks): boolean {
    const below = this.#find(parent, redirect ?? name);
    const node = below === 0 ? null : this.#writer.below.at(below);
    if (node === null || !isFileMode(node.mode)) return false;
    this.#writer.shareContent(file, node);
    return true;
  }

  /** Brings what is visible in redirected directories into the layer, so that they need what is below no longer. */
  complete(): void {
    const writer = this.#writer;
    for (const directory of this.#redirected) {
      const node = writer.tree.get(directory);
      if (node === undefined || node.dir === null) continue;
      this.#fill(directory);
      const byName = writer.below.lookup(writer.belowOf(node.parent), node.name);
      if (byName !== 0 && writer.below.at(byName).dir !== null) writer.opaque(directory);
    }
  }

  /** Makes a directory hold all that is visible in it. */
  #fill(directory: Ino): void {
    const writer = this.#writer;
    const below = writer.belowOf(directory);
    writer.mergeWith(directory, 0);
    const hidden = new Set(writer.tree.at(directory).dir?.whiteouts?.names() ?? []);
    for (const name of hidden) writer.push({ type: 'WhiteoutRemoved', parent: directory, name });
    if (below === 0) return;
    const names = writer.below.at(below).dir?.entries.names() ?? [];
    for (const name of names.toSorted(compareNames)) {
      const lower = writer.below.lookup(below, name);
      const own = writer.tree.lookup(directory, name);
      if (own !== 0) {
        if (writer.belowOf(own) === lower) this.#fill(own);
      } else if (!hidden.has(name)) this.#bring(directory, name, lower);
    }
  }

  /** Brings a node from below into the layer, with all below it. */
  #bring(parent: Ino, name: string, below: Ino): void {
    const writer = this.#writer;
    const node = writer.below.at(below);
    if (node.dir !== null) {
      const made = writer.createDirectory(parent, name, attributesOf(node));
      for (const child of node.dir.entries.names().toSorted(compareNames))
        this.#bring(made, child, writer.below.lookup(below, child));
      return;
    }
    const linked = this.#links.get(below);
    if (linked !== undefined) writer.link(parent, name, linked);
    else this.#links.set(below, writer.copyUp(parent, name, below));
  }

  /** A name in the directory below, or a path from the root of what is below, which follows no links; 0: nothing. */
  #find(parent: Ino, redirect: string): Ino {
    const { below } = this.#writer;
    if (!redirect.startsWith('/')) {
      const directory = this.#writer.belowOf(parent);
      return directory === 0 ? 0 : below.lookup(directory, redirect);
    }
    let at: Ino = ROOT_INO;
    for (const name of redirect.slice(1).split('/')) {
      if (at === 0 || below.at(at).dir === null) return 0;
      at = below.lookup(at, name);
    }
    return at;
  }
}
