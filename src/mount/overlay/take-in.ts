/**
 * Takes what an upper directory shows into a container's tree, as events: what somebody else has changed in it, or what a
 * server that died had done there and not yet written down. The upper is right; what is the same already says nothing.
 *
 * What the upper shows over the lowers is a tree as the container's: a directory that merges has the number of the lower one
 * in both, wherever it has moved. Everything else is told by its name.
 */

import type { Engine } from '../../engine/engine.ts';
import type { Cause, Ino } from '../../events/event.ts';
import { ROOT_INO } from '../../events/event.ts';
import { isFileMode, isSymlinkMode, PERMISSION_BITS, S_IFMT } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';
import type { UpperRead } from './read-upper.ts';
import { takeContent } from './take-content.ts';
import { TakeInData } from './take-in-data.ts';
import { takeInMoves } from './take-in-moves.ts';
import { indexedIn, TakeInLinks } from './take-in-links.ts';
import { TakeInSteps, type TakeInStepsParts } from './take-in-steps.ts';
import { isSameNode, namesInUpper, sameXattrs } from './upper-names.ts';

export interface TakeInParts {
  readonly engine: Engine;
  readonly overlay: Overlay;
  readonly read: UpperRead;
  readonly cause: Cause;
  /** Files of the upper that have not changed since are as the tree has them, ns since 1970; null: nothing is known of them. */
  readonly knownUntilNs: bigint | null;
  /** Puts a node of the lower, with all below it, at a name as the lower has it. */
  readonly restoreLower: TakeInStepsParts['restoreLower'];
}

/** Does it, in one transaction. No guard may repeat it in the upper, which has it already. */
export function takeInUpper(parts: TakeInParts): void {
  const { engine, overlay, cause, read } = parts;
  const { lower } = overlay;
  if (lower === null) throw new Error('a volume has no upper');
  const keepsLinks = indexedIn(overlay.tree).length > 0 || indexedIn(read.merged).length > 0;
  const steps = new TakeInSteps({ ...parts, keepsLinks });
  engine.transact(cause, () => {
    takeInMoves(steps, lower, read.merged);
    new TakeIn(parts, steps, lower).everything();
  });
}

class TakeIn {
  readonly #parts: TakeInParts;
  readonly #steps: TakeInSteps;
  readonly #merged: Tree;
  readonly #data: TakeInData;
  readonly #links: TakeInLinks;
  /** Nodes of the tree, by the number of what they are in what the upper shows. */
  readonly #taken = new Map<Ino, Ino>();
  readonly #owner = new Map<Ino, Ino>();
  /** Directories, whose times are still to be set: what changes in others may change them. */
  readonly #directories: [ino: Ino, wanted: Inode][] = [];

  constructor(parts: TakeInParts, steps: TakeInSteps, lower: Tree) {
    this.#parts = parts;
    this.#steps = steps;
    this.#merged = parts.read.merged;
    this.#data = new TakeInData(steps, lower, this.#merged);
    this.#links = new TakeInLinks(steps, this.#merged, (ino, wanted) => this.#settle(ino, wanted));
  }

  get #tree(): Tree {
    return this.#steps.tree;
  }

  everything(): void {
    this.#links.everyNode();
    this.#directory(ROOT_INO, ROOT_INO);
    this.#links.everyCount();
    for (const [ino, wanted] of this.#directories) this.#attributes(ino, wanted);
  }

  /** @param ino - A directory of the tree that lies in the upper. @param from - The same in what the upper shows. */
  #directory(ino: Ino, from: Ino): void {
    const names = [...new Set([...namesInUpper(this.#merged, from), ...namesInUpper(this.#tree, ino)])];
    for (const name of names) this.#name(ino, from, name);
    this.#directories.push([ino, this.#merged.at(from)]);
  }

  #name(parent: Ino, from: Ino, name: string): void {
    const steps = this.#steps;
    const there = this.#tree.lookup(parent, name);
    const child = this.#merged.lookup(from, name);
    if (child !== 0) {
      const wanted = this.#merged.at(child);
      if (wanted.isIndexed && wanted.hasInUpper(from, name)) this.#links.upperName(parent, name, child);
      else if (wanted.isIndexed) this.#links.lowerName(parent, name, child);
      else if (!wanted.hasInUpper(from, name)) this.#showLower(parent, name, child, there);
      else if (wanted.dir !== null) this.#subdirectory(parent, name, child, there);
      else this.#node(parent, name, child, there);
    } else if (this.#merged.at(from).dir?.whiteouts?.has(name)) {
      if (there === 0) return;
      const isBelow = steps.lowerAt(parent, name) !== 0;
      steps.remove(parent, name, there);
      if (isBelow) steps.commit({ type: 'WhiteoutCreated', parent, name });
    } else steps.makeFree(parent, name, there);
  }

  /** What is not of the upper is of the lower, whatever number a copy of it has. */
  #showLower(parent: Ino, name: string, child: Ino, there: Ino): void {
    if (there === 0 || this.#tree.at(there).isUpper) this.#steps.restoreLower(parent, name, child);
  }

  #subdirectory(parent: Ino, name: string, child: Ino, there: Ino): void {
    const ino = this.#directoryAt(parent, name, child, there);
    const wanted = this.#merged.at(child);
    const { dir } = this.#tree.at(ino);
    if (wanted.dir?.opaque === true && dir?.opaque !== true) this.#steps.commit({ type: 'OpaqueSet', ino });
    this.#redirect(ino, wanted);
    this.#directory(ino, child);
  }

  #directoryAt(parent: Ino, name: string, child: Ino, there: Ino): Ino {
    const steps = this.#steps;
    if (steps.isOfLower(child)) {
      steps.placeLowerDirectory(parent, name, child);
      return child;
    }
    const present = this.#tree.get(there);
    if (present?.dir != null && present.isUpper && !present.dir.hasLower) return there;
    return steps.create(parent, name, this.#merged.at(child), there);
  }

  #node(parent: Ino, name: string, child: Ino, there: Ino): void {
    const steps = this.#steps;
    const wanted = this.#merged.at(child);
    const known = this.#taken.get(child);
    if (known !== undefined) {
      if (there !== known) steps.link(parent, name, known, there);
      return;
    }
    const present = this.#tree.get(there);
    const isFree = (this.#owner.get(there) ?? child) === child;
    const isSame = present !== undefined && isFree && !present.isIndexed && isSameNode(present, wanted);
    let ino = there;
    if (!isSame || !this.#data.fits(there, present, wanted))
      ino = this.#data.moveTo(parent, name, wanted, there) || steps.create(parent, name, wanted, there);
    else if (!present.isUpper) ino = steps.copyUp(parent, name, there, { dataIsBelow: wanted.isMetacopy });
    this.#taken.set(child, ino);
    this.#owner.set(ino, child);
    this.#settle(ino, wanted);
  }

  #settle(ino: Ino, wanted: Inode): void {
    this.#redirect(ino, wanted);
    this.#content(ino, wanted);
    this.#attributes(ino, wanted);
  }

  #redirect(ino: Ino, wanted: Inode): void {
    const redirect = wanted.marks?.redirect ?? '';
    if (redirect !== (this.#tree.at(ino).marks?.redirect ?? ''))
      this.#steps.commit({ type: 'RedirectSet', ino, redirect });
  }

  #content(ino: Ino, wanted: Inode): void {
    const { engine, read, knownUntilNs } = this.#parts;
    if (!isFileMode(wanted.mode)) return;
    this.#data.settle(ino, wanted);
    if (wanted.isMetacopy) return;
    const { size, mtimeNs } = this.#tree.at(ino);
    const looksSame = size === wanted.size && mtimeNs === wanted.mtimeNs;
    if (looksSame && knownUntilNs !== null && wanted.ctimeNs < knownUntilNs) return;
    const present = (): Inode => this.#tree.at(ino);
    const path = read.places.of(wanted);
    takeContent({ ino, present, wanted, path, engine, commit: (event) => this.#steps.commit(event) });
  }

  #attributes(ino: Ino, wanted: Inode): void {
    const steps = this.#steps;
    const { mode, uid, gid, atimeNs, mtimeNs, ctimeNs, xattrs } = wanted;
    if (!sameXattrs(this.#tree.at(ino).xattrs, xattrs)) {
      const kept = new Set(xattrs.map(([name]) => name));
      for (const [name] of this.#tree.at(ino).xattrs)
        if (!kept.has(name)) steps.commit({ type: 'XattrRemoved', ino, name, ctimeNs });
      for (const [name, value] of xattrs) steps.commit({ type: 'XattrSet', ino, name, value, ctimeNs });
    }
    const present = this.#tree.at(ino);
    const isSame =
      (present.mode & ~S_IFMT) === (mode & ~S_IFMT) &&
      present.uid === uid &&
      present.gid === gid &&
      present.mtimeNs === mtimeNs;
    if (isSame) return;
    const permissions = isSymlinkMode(mode) ? null : mode & PERMISSION_BITS;
    steps.commit({ type: 'AttributesChanged', ino, mode: permissions, uid, gid, atimeNs, mtimeNs, ctimeNs });
  }
}
