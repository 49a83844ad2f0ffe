/**
 * Takes what an upper directory holds into a container's tree, as events: what somebody else has changed in it, or what a
 * server that died had done there and not yet written down. The upper is right; what is the same already says nothing.
 */

import type { Engine } from '../../engine/engine.ts';
import type { Cause, FileEvent, Ino, StoreEvent } from '../../events/event.ts';
import { ROOT_INO } from '../../events/event.ts';
import { isFileMode, isSymlinkMode, PERMISSION_BITS, S_IFMT } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';
import type { HostPlaces } from './host-places.ts';
import { isSameNode, lowerOf, namesInUpper, sameXattrs } from './upper-names.ts';
import { takeContent } from './take-content.ts';

export interface TakeInParts {
  readonly engine: Engine;
  readonly overlay: Overlay;
  /** What the upper holds, read as a layer. */
  readonly found: Tree;
  readonly places: HostPlaces;
  readonly cause: Cause;
  /** Files of the upper that have not changed since are as the tree has them, ns since 1970; null: nothing is known of them. */
  readonly knownUntilNs: bigint | null;
  /** Lets what the lower has at a name show through again. */
  readonly restoreLower: (parent: Ino, name: string) => void;
}

/** Does it, in one transaction. No guard may repeat it in the upper, which has it already. */
export function takeInUpper(parts: TakeInParts): void {
  parts.engine.transact(parts.cause, () => new TakeIn(parts).directory(ROOT_INO, ROOT_INO));
}

class TakeIn {
  readonly #parts: TakeInParts;
  /** Nodes of the tree, by the number of the node of the upper that they are. */
  readonly #taken = new Map<Ino, Ino>();
  readonly #owner = new Map<Ino, Ino>();

  constructor(parts: TakeInParts) {
    this.#parts = parts;
  }

  get #tree(): Tree {
    return this.#parts.overlay.tree;
  }

  /** @param ino - A directory of the tree that lies in the upper. @param from - The same in what was found. */
  directory(ino: Ino, from: Ino): void {
    const { found } = this.#parts;
    for (const name of new Set([...namesInUpper(found, from), ...namesInUpper(this.#tree, ino)]))
      this.#name(ino, from, name);
    this.#attributes(ino, found.at(from));
  }

  #name(parent: Ino, from: Ino, name: string): void {
    const { found } = this.#parts;
    const there = this.#tree.lookup(parent, name);
    const child = found.lookup(from, name);
    if (child !== 0) {
      if (found.at(child).dir !== null) this.#subdirectory(parent, name, child, there);
      else this.#node(parent, name, child, there);
    } else if (found.at(from).dir?.whiteouts?.has(name)) {
      if (there === 0) return;
      const isBelow = this.#lowerAt(parent, name) !== 0;
      this.#remove(parent, name, there);
      if (isBelow) this.#commit({ type: 'WhiteoutCreated', parent, name });
    } else if (this.#lowerAt(parent, name) !== 0) this.#parts.restoreLower(parent, name);
    else if (there !== 0) this.#remove(parent, name, there);
    else this.#commit({ type: 'WhiteoutRemoved', parent, name });
  }

  #subdirectory(parent: Ino, name: string, child: Ino, there: Ino): void {
    const wanted = this.#parts.found.at(child);
    const below = this.#lowerAt(parent, name);
    const merges = below !== 0 && this.#parts.overlay.lower?.at(below).dir !== null && wanted.dir?.opaque !== true;
    const present = this.#tree.get(there);
    const isUpperDirectory = present?.dir != null && present.isUpper;
    if (merges) {
      if (there !== below || (isUpperDirectory && present.dir?.hasLower !== true))
        this.#parts.restoreLower(parent, name);
      const { isUpper, layer } = this.#tree.at(below);
      if (!isUpper) this.#commit({ type: 'DirectoryCopiedUp', ino: below, layer, ctimeNs: this.#parts.engine.now() });
      return this.directory(below, child);
    }
    if (isUpperDirectory && present.dir?.hasLower === false) {
      if (wanted.dir?.opaque === true && !present.dir.opaque) this.#commit({ type: 'OpaqueSet', ino: there });
      return this.directory(there, child);
    }
    const ino = this.#create(parent, name, wanted, there);
    if (wanted.dir?.opaque === true) this.#commit({ type: 'OpaqueSet', ino });
    this.directory(ino, child);
  }

  #node(parent: Ino, name: string, child: Ino, there: Ino): void {
    const wanted = this.#parts.found.at(child);
    const known = this.#taken.get(child);
    if (known !== undefined) {
      if (there !== known) this.#link(parent, name, known, there);
      return;
    }
    const present = this.#tree.get(there);
    const isFree = (this.#owner.get(there) ?? child) === child;
    let ino = there;
    if (present === undefined || !isFree || !isSameNode(present, wanted))
      ino = this.#create(parent, name, wanted, there);
    else if (!present.isUpper) ino = this.#copyUp(parent, name, there, present);
    this.#taken.set(child, ino);
    this.#owner.set(ino, child);
    this.#content(ino, wanted);
    this.#attributes(ino, wanted);
  }

  #create(parent: Ino, name: string, wanted: Inode, there: Ino): Ino {
    this.#makeFree(parent, name, there);
    const ino = this.#tree.nextIno;
    const { mode, uid, gid, rdev, target, mtimeNs } = wanted;
    const node = { parent, name, ino, mode, uid, gid, rdev, target, timeNs: mtimeNs, parentTimeNs: null };
    this.#commit({ type: 'NodeCreated', ...node });
    return ino;
  }

  #link(parent: Ino, name: string, ino: Ino, there: Ino): void {
    this.#makeFree(parent, name, there);
    const nlink = this.#tree.at(ino).nlink + 1;
    this.#commit({ type: 'Linked', parent, name, ino, nlink, timeNs: null, parentTimeNs: null });
  }

  #makeFree(parent: Ino, name: string, there: Ino): void {
    if (there !== 0) this.#remove(parent, name, there);
    else if (this.#tree.at(parent).dir?.whiteouts?.has(name)) this.#commit({ type: 'WhiteoutRemoved', parent, name });
  }

  #copyUp(parent: Ino, name: string, ino: Ino, { mode, nlink, layer, size, content }: Inode): Ino {
    const upperIno = nlink > 1 ? this.#tree.nextIno : ino;
    const about = { parent, name, ino, upperIno, layer, ctimeNs: this.#parts.engine.now() };
    if (isFileMode(mode)) {
      const copiedBytes = content?.copyUpBytes(size) ?? 0;
      this.#commit({ type: 'FileCopiedUp', ...about, bytes: size, copiedBytes, withData: true });
    } else this.#commit({ type: isSymlinkMode(mode) ? 'SymlinkCopiedUp' : 'NodeCopiedUp', ...about });
    return upperIno;
  }

  /** Takes a name away with all that lies in the upper below it. */
  #remove(parent: Ino, name: string, ino: Ino): void {
    const { dir, isUpper, nlink: before } = this.#tree.at(ino);
    const below: [string, Ino][] = [];
    if (isUpper) dir?.entries.forEach((child, childIno) => void below.push([child, childIno]));
    for (const [child, childIno] of below)
      if (this.#tree.at(childIno).hasInUpper(ino, child)) this.#remove(ino, child, childIno);
    const nlink = dir !== null ? 0 : isUpper ? before - 1 : before;
    const released = isUpper && nlink === 0;
    this.#commit({ type: 'Unlinked', parent, name, ino, nlink, released, timeNs: this.#parts.engine.now() });
  }

  #content(ino: Ino, wanted: Inode): void {
    const { engine, places, knownUntilNs } = this.#parts;
    if (!isFileMode(wanted.mode)) return;
    const { size, mtimeNs } = this.#tree.at(ino);
    const looksSame = size === wanted.size && mtimeNs === wanted.mtimeNs;
    if (looksSame && knownUntilNs !== null && wanted.ctimeNs < knownUntilNs) return;
    const present = (): Inode => this.#tree.at(ino);
    takeContent({ ino, present, wanted, path: places.of(wanted), engine, commit: (event) => this.#commit(event) });
  }

  #attributes(ino: Ino, wanted: Inode): void {
    const { mode, uid, gid, atimeNs, mtimeNs, ctimeNs, xattrs } = wanted;
    if (!sameXattrs(this.#tree.at(ino).xattrs, xattrs)) {
      const kept = new Set(xattrs.map(([name]) => name));
      for (const [name] of this.#tree.at(ino).xattrs)
        if (!kept.has(name)) this.#commit({ type: 'XattrRemoved', ino, name, ctimeNs });
      for (const [name, value] of xattrs) this.#commit({ type: 'XattrSet', ino, name, value, ctimeNs });
    }
    const present = this.#tree.at(ino);
    const isSame =
      (present.mode & ~S_IFMT) === (mode & ~S_IFMT) &&
      present.uid === uid &&
      present.gid === gid &&
      present.mtimeNs === mtimeNs;
    if (isSame) return;
    const permissions = isSymlinkMode(mode) ? null : mode & PERMISSION_BITS;
    this.#commit({ type: 'AttributesChanged', ino, mode: permissions, uid, gid, atimeNs, mtimeNs, ctimeNs });
  }

  #lowerAt(parent: Ino, name: string): Ino {
    return lowerOf(this.#parts.overlay, parent, name);
  }

  #commit(event: FileEvent): void {
    const { engine, overlay, cause } = this.#parts;
    engine.commit(overlay.subject, cause, [event] satisfies StoreEvent[], engine.now());
  }
}
