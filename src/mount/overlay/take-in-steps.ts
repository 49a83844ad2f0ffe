/** Steps by which a container's tree takes on what an upper directory shows: each as events, in one transaction. */

import type { Engine } from '../../engine/engine.ts';
import type { Cause, FileEvent, Ino, StoreEvent } from '../../events/event.ts';
import { isFileMode, isSymlinkMode } from '../../events/mode.ts';
import type { Inode, NodeName } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';
import { lowerOf } from './upper-names.ts';

export interface TakeInStepsParts {
  readonly engine: Engine;
  readonly overlay: Overlay;
  readonly cause: Cause;
  /** There are nodes with names that the upper does not have (`index`). */
  readonly keepsLinks: boolean;
  /** Puts a node of the lower, with all below it, at a name as the lower has it. */
  readonly restoreLower: (parent: Ino, name: string, ino: Ino) => void;
}

export class TakeInSteps {
  readonly #parts: TakeInStepsParts;

  constructor(parts: TakeInStepsParts) {
    this.#parts = parts;
  }

  get tree(): Tree {
    return this.#parts.overlay.tree;
  }

  /** What the lower has at a name; 0: nothing, or it does not show. */
  lowerAt(parent: Ino, name: string): Ino {
    return lowerOf(this.#parts.overlay, parent, name);
  }

  /** Whether a number is that of a node of the lower. */
  isOfLower(ino: Ino): boolean {
    return this.#parts.overlay.lower?.get(ino) !== undefined;
  }

  commit(...events: FileEvent[]): void {
    const { engine, overlay, cause } = this.#parts;
    engine.commit(overlay.subject, cause, events satisfies StoreEvent[], engine.now());
  }

  create(parent: Ino, name: string, wanted: Inode, there: Ino): Ino {
    this.makeFree(parent, name, there);
    const ino = this.tree.nextIno;
    const { mode, uid, gid, rdev, target, mtimeNs } = wanted;
    const node = { parent, name, ino, mode, uid, gid, rdev, target, timeNs: mtimeNs, parentTimeNs: null };
    this.commit({ type: 'NodeCreated', ...node });
    return ino;
  }

  link(parent: Ino, name: string, ino: Ino, there: Ino): void {
    this.makeFree(parent, name, there);
    const nlink = this.tree.at(ino).nlink + 1;
    this.commit({ type: 'Linked', parent, name, ino, nlink, timeNs: null, parentTimeNs: null });
  }

  /** Nothing is at the name then, and no mark of a removed one. */
  makeFree(parent: Ino, name: string, there: Ino): void {
    if (there !== 0) this.remove(parent, name, there);
    else if (this.hasWhiteout(parent, name)) this.commit({ type: 'WhiteoutRemoved', parent, name });
  }

  hasWhiteout(parent: Ino, name: string): boolean {
    return this.tree.at(parent).dir?.whiteouts?.has(name) === true;
  }

  /**
   * Copies up a non-directory.
   *
   * @param how.keepsLinks - A hard link stays one with its other names.
   * @param how.dataIsBelow - A file's data stays in the lower.
   * @returns Its number in the upper.
   */
  copyUp(parent: Ino, name: string, ino: Ino, how: { keepsLinks?: boolean; dataIsBelow?: boolean } = {}): Ino {
    const { mode, nlink, layer, size, content } = this.tree.at(ino);
    const upperIno = nlink > 1 && how.keepsLinks !== true ? this.tree.nextIno : ino;
    const about = { parent, name, ino, upperIno, layer, ctimeNs: this.#parts.engine.now() };
    if (isFileMode(mode)) {
      const withData = how.dataIsBelow !== true;
      const copiedBytes = withData ? (content?.copyUpBytes(size) ?? 0) : 0;
      this.commit({ type: 'FileCopiedUp', ...about, bytes: size, copiedBytes, withData });
      if (!withData) this.commit({ type: 'MetacopySet', ino: upperIno, dataIno: ino });
    } else this.commit({ type: isSymlinkMode(mode) ? 'SymlinkCopiedUp' : 'NodeCopiedUp', ...about });
    return upperIno;
  }

  /** Copies up a directory and those above it, as far as they are lower. */
  copyUpDirectory(ino: Ino): void {
    const { isUpper, layer, parent } = this.tree.at(ino);
    if (isUpper) return;
    this.copyUpDirectory(parent);
    this.commit({ type: 'DirectoryCopiedUp', ino, layer, ctimeNs: this.#parts.engine.now() });
  }

  /** Takes a name away with all that the upper has below it, and with names there of nodes that have others, too. */
  remove(parent: Ino, name: string, ino: Ino): void {
    const below: [string, Ino][] = [];
    this.tree.at(ino).dir?.entries.forEach((child, childIno) => {
      if (this.#holdsUpper(childIno)) below.push([child, childIno]);
    });
    if (below.length > 0) this.copyUpDirectory(ino);
    for (const [child, childIno] of below) this.remove(ino, child, childIno);
    this.unname(parent, name, ino, false);
  }

  /** Takes a name away. @param stays - The node does without one for a moment. */
  unname(parent: Ino, name: string, ino: Ino, stays: boolean): void {
    const { dir, isUpper, nlink: before } = this.tree.at(ino);
    const nlink = dir !== null ? 0 : isUpper ? before - 1 : before;
    const released = isUpper && nlink === 0 && !stays;
    this.commit({ type: 'Unlinked', parent, name, ino, nlink, released, timeNs: this.#parts.engine.now() });
  }

  /** Gives a node that the index keeps together another count, with one of its names. */
  count({ parent, name }: NodeName, ino: Ino, nlink: number): void {
    const node = this.tree.at(ino);
    const about = { parent, name, ino, timeNs: this.#parts.engine.now() };
    if (node.hasInUpper(parent, name)) {
      this.commit({ type: 'Unlinked', ...about, nlink: node.nlink, released: false });
      this.commit({ type: 'Linked', ...about, nlink, timeNs: null, parentTimeNs: null });
      return;
    }
    this.commit({ type: 'Unlinked', ...about, nlink: nlink - 1, released: false });
    this.nameOutside(parent, name, ino);
  }

  /** Gives a node one more name, which the upper does not have. */
  nameOutside(parent: Ino, name: string, ino: Ino): void {
    const { engine, overlay, cause } = this.#parts;
    const container = overlay.subject;
    const names = { nodes: [], parents: [parent], names: [name], inos: [ino], whiteouts: [] };
    engine.commit(container, cause, [{ type: 'NodesRestored', container, ...names }], engine.now());
  }

  #holdsUpper(ino: Ino): boolean {
    const { isUpper, dir } = this.tree.at(ino);
    let holds = isUpper;
    // In a lower directory nothing is of the upper but names of hard links that the index keeps together.
    if (!holds && this.#parts.keepsLinks)
      dir?.entries.forEach((_, child) => {
        holds ||= this.#holdsUpper(child);
      });
    return holds;
  }

  /** Gives a node that is in the upper another place, where nothing is. */
  move(ino: Ino, toParent: Ino, toName: string): void {
    const { parent: fromParent, name: fromName } = this.tree.at(ino);
    this.copyUpDirectory(toParent);
    this.commit({
      type: 'Renamed',
      ino,
      fromParent,
      fromName,
      toParent,
      toName,
      replaced: 0,
      replacedNlink: 0,
      replacedReleased: false,
      exchange: false,
      timeNs: this.#parts.engine.now(),
    });
    if (this.lowerAt(fromParent, fromName) !== 0)
      this.commit({ type: 'WhiteoutCreated', parent: fromParent, name: fromName });
  }

  restoreLower(parent: Ino, name: string, ino: Ino): void {
    this.#parts.restoreLower(parent, name, ino);
  }

  /** The directory of the lower that has to stand at a name, which is in the upper then. */
  placeLowerDirectory(parent: Ino, name: string, ino: Ino): void {
    const present = this.tree.get(ino);
    const isCut = present?.isUpper === true && present.dir?.hasLower !== true;
    if (isCut || this.tree.lookup(parent, name) !== ino) this.restoreLower(parent, name, ino);
    this.copyUpDirectory(ino);
  }
}
