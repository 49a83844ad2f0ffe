/**
 * Makes an upper directory what a container's tree says, where the tree was changed and the upper was not: by a rewind, an
 * undo, or verbs that ran while nothing was mounted. What is the same already stays untouched.
 */

import { closeSync, linkSync, openSync, readSync, renameSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { CHUNK_BYTES_MAX, type ChunkReader } from '../../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isFileMode, PERMISSION_BITS } from '../../events/mode.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { nameInUpper } from '../../projections/tree/overlay-xattr.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';
import type { CopyUpToHost } from './copy-up-to-host.ts';
import type { HostCall, HostCalls } from './host-calls.ts';
import { attributeCalls, timesCall } from './upper-attributes.ts';
import { isSameNode, namesInUpper, sameXattrs } from './upper-names.ts';
import type { WorkDirectory } from './work-directory.ts';

export interface FollowParts {
  readonly overlay: Overlay;
  /** What the upper holds, read as a layer. */
  readonly found: Tree;
  readonly upper: string;
  readonly work: WorkDirectory;
  readonly calls: HostCalls;
  readonly copyUp: CopyUpToHost;
  readonly chunks: ChunkReader;
  /** Of overlay's attributes. */
  readonly prefix: string;
}

/** @throws As node:fs does, for the first thing that the host refuses; the upper is between two states then. */
export function followTree(parts: FollowParts): void {
  new Follow(parts).directory(ROOT_INO, ROOT_INO, parts.upper);
}

/** Nothing of the upper stands for it. */
const NOWHERE: Ino = 0;

interface Settled {
  readonly path: string;
  /** The node of the upper that it is; {@link NOWHERE}: it was made anew. */
  readonly found: Ino;
}

class Follow {
  readonly #parts: FollowParts;
  /** Non-directories that are as they have to be, by their number in the tree. */
  readonly #settled = new Map<Ino, Settled>();
  readonly #claimed = new Set<Ino>();

  constructor(parts: FollowParts) {
    this.#parts = parts;
  }

  /** @param from - The directory as it was found, or {@link NOWHERE}. */
  directory(ino: Ino, from: Ino, path: string): void {
    const { found, overlay, calls, prefix } = this.#parts;
    const names = new Set(namesInUpper(overlay.tree, ino));
    if (from !== NOWHERE) for (const name of namesInUpper(found, from)) names.add(name);
    let hasChanged = false;
    for (const name of names) if (this.#name(ino, from, name, `${path}/${name}`)) hasChanged = true;
    const node = overlay.tree.at(ino);
    if (hasChanged && this.#holdsCopies(ino)) calls.run(['setxattr', path, `${prefix}impure`, 'y']);
    const was = from === NOWHERE ? undefined : found.at(from);
    if (was !== undefined && !isSameAttributes(was, node)) this.#attributes(path, was, node);
    else if (hasChanged) calls.run(timesCall(path, node.atimeNs, node.mtimeNs));
  }

  /** @returns Whether the directory on the host was changed for it. */
  #name(parent: Ino, from: Ino, name: string, path: string): boolean {
    const { overlay, found, work } = this.#parts;
    const ino = overlay.tree.lookup(parent, name);
    const there = from === NOWHERE ? NOWHERE : found.lookup(from, name);
    const isWhiteout = from !== NOWHERE && found.at(from).dir?.whiteouts?.has(name) === true;
    const isTaken = isWhiteout || there !== NOWHERE;
    const node = ino === 0 ? undefined : overlay.tree.at(ino);
    if (node === undefined || !node.hasInUpper(parent, name)) {
      const wantsWhiteout = overlay.tree.at(parent).dir?.whiteouts?.has(name) === true;
      if (wantsWhiteout === isWhiteout && there === NOWHERE) return false;
      if (isTaken) this.#remove(path);
      if (wantsWhiteout) work.placeWhiteout(path, false);
      return true;
    }
    if (node.dir !== null) return this.#subdirectory(ino, node, there, isTaken, path);
    return this.#node(ino, node, there, isTaken, path);
  }

  #subdirectory(ino: Ino, node: Inode, there: Ino, isTaken: boolean, path: string): boolean {
    const { found } = this.#parts;
    const was = there === NOWHERE ? undefined : found.at(there);
    const stays = was !== undefined && was.dir?.opaque === node.dir?.opaque && hasSameRedirect(was, node);
    if (!stays) {
      if (isTaken) this.#remove(path);
      this.#make(ino, path, node.dir?.opaque === true);
    }
    this.directory(ino, stays ? there : NOWHERE, path);
    return !stays;
  }

  #node(ino: Ino, node: Inode, there: Ino, isTaken: boolean, path: string): boolean {
    const { found } = this.#parts;
    const settled = this.#settled.get(ino);
    if (settled !== undefined) {
      if (there !== NOWHERE && there === settled.found) return false;
      if (isTaken) this.#remove(path);
      linkSync(hostPath(settled.path), hostPath(path));
      return true;
    }
    const was = there === NOWHERE ? undefined : found.at(there);
    const stays =
      was !== undefined && !this.#claimed.has(there) && isSameNode(was, node) && this.#hasContent(node, was, path);
    this.#settled.set(ino, { path, found: stays ? there : NOWHERE });
    if (stays) {
      this.#claimed.add(there);
      if (!isSameAttributes(was, node)) this.#attributes(path, was, node);
      return false;
    }
    if (was?.dir) this.#remove(path);
    this.#make(ino, path, false);
    return true;
  }

  #make(ino: Ino, path: string, isOpaque: boolean): void {
    const { work, copyUp, prefix, overlay } = this.#parts;
    const made = work.name();
    const calls = copyUp.callsFor(ino, made, 'all');
    if (isOpaque) calls.push(['setxattr', made, `${prefix}opaque`, 'y']);
    const redirect = overlay.tree.at(ino).marks?.redirect ?? '';
    if (redirect !== '') calls.push(['setxattr', made, `${prefix}redirect`, redirect]);
    work.build(made, [...calls, ['rename', made, path, 0]]);
  }

  /** It goes out of sight in one step. */
  #remove(path: string): void {
    const { calls, work } = this.#parts;
    const out = work.name();
    renameSync(hostPath(path), out);
    calls.run(['remove', out]);
  }

  #attributes(path: string, was: Inode, node: Inode): void {
    const { calls, prefix } = this.#parts;
    const kept = new Set(node.xattrs.map(([name]) => name));
    const gone = was.xattrs.filter(([name]) => !kept.has(name));
    calls.run(
      ...gone.map(([name]): HostCall => ['removexattr', path, nameInUpper(name, prefix)]),
      ...attributeCalls(path, node, prefix),
      timesCall(path, node.atimeNs, node.mtimeNs),
    );
  }

  /** Times of files tell too little: a program can write twice in one tick of the clock, or set them back. */
  #hasContent(node: Inode, was: Inode, path: string): boolean {
    if (!isFileMode(node.mode)) return true;
    if (node.size !== was.size) return false;
    const [here, there] = [Buffer.alloc(CHUNK_BYTES_MAX), Buffer.alloc(CHUNK_BYTES_MAX)];
    const file = openSync(hostPath(path), 'r');
    try {
      for (let at = 0; at < node.size; at += CHUNK_BYTES_MAX) {
        const length = Math.min(CHUNK_BYTES_MAX, node.size - at);
        readContent(node.content, this.#parts.chunks, at, here, 0, length);
        if (readSync(file, there, 0, length, at) < length) return false;
        if (here.compare(there, 0, length, 0, length) !== 0) return false;
      }
    } finally {
      closeSync(file);
    }
    return true;
  }

  #holdsCopies(directory: Ino): boolean {
    const { tree } = this.#parts.overlay;
    return namesInUpper(tree, directory).some((name) => (tree.get(tree.lookup(directory, name))?.origin ?? -1) !== -1);
  }
}

const hasSameRedirect = (a: Inode, b: Inode): boolean => (a.marks?.redirect ?? '') === (b.marks?.redirect ?? '');

function isSameAttributes(a: Inode, b: Inode): boolean {
  const isSameOwner = a.uid === b.uid && a.gid === b.gid;
  const isSameMode = (a.mode & PERMISSION_BITS) === (b.mode & PERMISSION_BITS);
  return isSameOwner && isSameMode && a.mtimeNs === b.mtimeNs && sameXattrs(a.xattrs, b.xattrs);
}
