/**
 * Writes one layer's own tree as file events: the part that archives and commits share.
 *
 * The tree is in kernel upperdir form: a name is an entry or a whiteout, never both; a directory that hides the one below
 * it is opaque. For every directory the writer knows which directory below it merges with, so that it can tell what a
 * name means at this point: an entry of the layer, something below, or nothing.
 */

import type { FileEvent, Ino } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { PERMISSION_BITS, S_IFDIR } from '../events/mode.ts';
import { applyFileEvent } from '../projections/tree/fold.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { Tree } from '../projections/tree/tree.ts';
import { contentRuns } from './layer-writer-content.ts';
import type { EntryAttributes } from './layer-sink.ts';

/** A node of the layer, and the node below that it stands over. 0: none. */
export interface Place {
  readonly layer: Ino;
  /** Visible from the layer: not behind a whiteout or an opaque directory. */
  readonly below: Ino;
}

/** What a new node other than a directory brings along. */
export interface NewNode {
  /** Format and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly target: string;
  readonly mtimeNs: bigint;
  readonly xattrs: EntryAttributes['xattrs'];
}

/** Attributes of a directory that no entry describes and that nothing is below of. */
const IMPLICIT: EntryAttributes = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, xattrs: [] };

export class LayerWriter {
  readonly tree: Tree = Tree.empty(0n);
  readonly events: FileEvent[] = [];
  /** Merged view of the stack below. */
  readonly below: Tree;
  readonly #belowOf = new Map<Ino, Ino>([[ROOT_INO, ROOT_INO]]);

  constructor(below: Tree) {
    this.below = below;
    // No layer has to describe its root; what is below stays then.
    this.setAttributes(ROOT_INO, attributesOf(below.at(ROOT_INO)));
  }

  push(event: FileEvent): void {
    applyFileEvent(this.tree, event, 0);
    this.events.push(event);
  }

  /** The directory below that a directory of the layer merges with, or 0. */
  belowOf(directory: Ino): Ino {
    return this.#belowOf.get(directory) ?? 0;
  }

  /** What a name in a directory means; null: nothing. The directory may be one below only. */
  lookup(directory: Place, name: string): Place | null {
    if (directory.layer !== 0) {
      const layer = this.tree.lookup(directory.layer, name);
      if (layer !== 0) return { layer, below: this.belowOf(layer) };
      if (this.hasWhiteout(directory.layer, name)) return null;
    }
    const below = directory.below === 0 ? 0 : this.below.lookup(directory.below, name);
    return below === 0 ? null : { layer: 0, below };
  }

  /** The node of a place, the layer's before the one below. */
  nodeAt(place: Place): Inode {
    return place.layer !== 0 ? this.tree.at(place.layer) : this.below.at(place.below);
  }

  hasWhiteout(directory: Ino, name: string): boolean {
    return this.tree.at(directory).dir?.whiteouts?.has(name) ?? false;
  }

  /**
   * Makes a directory where the layer holds none, in place of whatever else it holds there.
   *
   * @param attributes - null: those of the directory below, or 0755 of root.
   */
  createDirectory(parent: Ino, name: string, attributes: EntryAttributes | null): Ino {
    const below = this.lookup({ layer: 0, below: this.belowOf(parent) }, name)?.below ?? 0;
    const isBelowDirectory = below !== 0 && this.below.at(below).dir !== null;
    const hadWhiteout = this.#clearName(parent, name) === 'whiteout';
    const replaced = this.tree.lookup(parent, name);
    if (replaced !== 0) this.remove(parent, name);
    const isHiding = hadWhiteout || (replaced !== 0 && isBelowDirectory);
    const merged = isBelowDirectory && !isHiding ? below : 0;
    const own = attributes ?? (merged === 0 ? IMPLICIT : attributesOf(this.below.at(merged)));
    const mode = S_IFDIR | (own.mode & PERMISSION_BITS);
    const ino = this.#create(parent, name, { ...own, mode, rdev: 0, target: '' });
    this.#belowOf.set(ino, merged);
    if (isHiding) this.push({ type: 'OpaqueSet', ino });
    return ino;
  }

  /** Makes a node that is not a directory, in place of whatever the layer holds there. */
  createNode(parent: Ino, name: string, node: NewNode): Ino {
    this.#makeFree(parent, name);
    return this.#create(parent, name, node);
  }

  /** Gives a node of the layer one more name. */
  link(parent: Ino, name: string, ino: Ino): void {
    this.#makeFree(parent, name);
    const nlink = this.tree.at(ino).nlink + 1;
    this.push({ type: 'Linked', parent, name, ino, nlink, timeNs: null, parentTimeNs: null });
  }

  /** Hides what is below a name, and only that: an entry of the layer stays. */
  whiteout(parent: Ino, name: string): void {
    const ino = this.tree.lookup(parent, name);
    if (ino === 0) {
      if (!this.hasWhiteout(parent, name)) this.push({ type: 'WhiteoutCreated', parent, name });
    } else if (this.tree.at(ino).dir !== null && this.belowOf(ino) !== 0) {
      this.opaque(ino);
    }
  }

  /** Cuts off what is below a directory, and below the directories in it that the layer holds already. */
  opaque(directory: Ino): void {
    this.hideBelow(directory);
    if (this.tree.at(directory).dir?.opaque !== true) this.push({ type: 'OpaqueSet', ino: directory });
  }

  /** Lets a directory stand over another one below than that of its name; 0: over none. */
  mergeWith(directory: Ino, below: Ino): void {
    this.#belowOf.set(directory, below);
  }

  /** From now on nothing of the lower layers is visible in a directory. */
  hideBelow(directory: Ino): void {
    if (this.belowOf(directory) === 0) return;
    this.#belowOf.set(directory, 0);
    this.tree.at(directory).dir?.entries.forEach((_, child) => {
      this.hideBelow(child);
    });
  }

  /** Gives a directory the attributes of a later entry for it. */
  setAttributes(ino: Ino, attributes: EntryAttributes): void {
    const node = this.tree.at(ino);
    const { mode, uid, gid, mtimeNs, xattrs } = attributes;
    for (const [name] of node.xattrs) {
      if (!xattrs.some((pair) => pair[0] === name)) {
        this.push({ type: 'XattrRemoved', ino, name, ctimeNs: mtimeNs });
      }
    }
    this.#setXattrs(ino, xattrs);
    const isSame =
      (node.mode & PERMISSION_BITS) === (mode & PERMISSION_BITS) &&
      node.uid === uid &&
      node.gid === gid &&
      node.mtimeNs === mtimeNs;
    if (isSame) return;
    const times = { atimeNs: mtimeNs, mtimeNs, ctimeNs: mtimeNs };
    this.push({ type: 'AttributesChanged', ino, mode: mode & PERMISSION_BITS, uid, gid, ...times });
  }

  /** Brings a node other than a directory from below into the layer, content shared. */
  copyUp(parent: Ino, name: string, below: Ino): Ino {
    const node = this.below.at(below);
    const ino = this.createNode(parent, name, node);
    this.shareContent(ino, node);
    return ino;
  }

  /** Gives an empty file of the layer the content of another node, by pointing at the same chunks. */
  shareContent(ino: Ino, from: Inode): void {
    for (const run of contentRuns(from)) this.push({ type: 'Written', ino, ...run, timeNs: null });
    this.setSize(ino, from.dir === null && from.target === '' ? from.size : 0);
  }

  /** Makes a file end at `size`, with a hole where nothing was written. */
  setSize(ino: Ino, size: number): void {
    const node = this.tree.at(ino);
    if (node.target === '' && node.size !== size) this.push({ type: 'Truncated', ino, size, timeNs: null });
  }

  /** Takes an entry of the layer away, with everything in it; the directory's times stay. */
  remove(parent: Ino, name: string): void {
    const { atimeNs: _, mtimeNs, ctimeNs } = this.tree.at(parent);
    this.#removeSubtree(parent, name);
    const unchanged = { mode: null, uid: null, gid: null, atimeNs: null };
    this.push({ type: 'AttributesChanged', ino: parent, ...unchanged, mtimeNs, ctimeNs });
  }

  #removeSubtree(parent: Ino, name: string): void {
    const ino = this.tree.lookup(parent, name);
    const node = this.tree.at(ino);
    for (const child of node.dir?.entries.names() ?? []) this.#removeSubtree(ino, child);
    const nlink = node.dir === null ? node.nlink - 1 : 0;
    this.push({ type: 'Unlinked', parent, name, ino, nlink, released: nlink === 0, timeNs: node.ctimeNs });
    this.#belowOf.delete(ino);
  }

  #create(parent: Ino, name: string, node: NewNode): Ino {
    const ino = this.tree.nextIno;
    const { mode, uid, gid, rdev, target, mtimeNs } = node;
    const times = { timeNs: mtimeNs, parentTimeNs: null };
    this.push({ type: 'NodeCreated', parent, name, ino, mode, uid, gid, rdev, target, ...times });
    this.#setXattrs(ino, node.xattrs);
    return ino;
  }

  #setXattrs(ino: Ino, xattrs: EntryAttributes['xattrs']): void {
    for (const [name, value] of xattrs) {
      this.push({ type: 'XattrSet', ino, name, value: Uint8Array.from(value), ctimeNs: null });
    }
  }

  #makeFree(parent: Ino, name: string): void {
    if (this.#clearName(parent, name) === 'entry') this.remove(parent, name);
  }

  /** Takes a whiteout of the layer away; tells what stood at the name. */
  #clearName(parent: Ino, name: string): 'whiteout' | 'entry' | 'nothing' {
    if (this.hasWhiteout(parent, name)) {
      this.push({ type: 'WhiteoutRemoved', parent, name });
      return 'whiteout';
    }
    return this.tree.lookup(parent, name) === 0 ? 'nothing' : 'entry';
  }
}

export function attributesOf(node: Inode): EntryAttributes {
  const { mode, uid, gid, mtimeNs, xattrs } = node;
  return { mode: mode & PERMISSION_BITS, uid, gid, mtimeNs, xattrs };
}
