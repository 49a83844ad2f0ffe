/**
 * Makes an upper directory what a container's tree says, where the tree was changed and the upper was not: by a rewind, an
 * undo, or verbs that ran while nothing was mounted. What is the same already stays untouched.
 */

import { closeSync, linkSync, lstatSync, openSync, readSync, renameSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { CHUNK_BYTES_MAX, type ChunkReader } from '../../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isFileMode, PERMISSION_BITS } from '../../events/mode.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { nameInUpper } from '../../projections/tree/overlay-xattr.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Overlay } from '../../projections/world.ts';
import { EIO, fsError } from '../../engine/errno.ts';
import { storeError } from '../../events/log-error.ts';
import type { CopyUpToHost } from './copy-up-to-host.ts';
import type { HostCall, HostCalls } from './host-calls.ts';
import { HostPlaces } from './host-places.ts';
import type { UpperRead } from './read-upper.ts';
import { scanLayer } from './scan-layer.ts';
import { attributeCalls, timesCall } from './upper-attributes.ts';
import { linksOverUpper, type UpperIndex } from './upper-index.ts';
import { isSameNode, namesInUpper, sameXattrs } from './upper-names.ts';
import type { WorkDirectory } from './work-directory.ts';

export interface FollowParts {
  readonly overlay: Overlay;
  readonly read: UpperRead;
  /** Null: the option index is off. */
  readonly index: UpperIndex | null;
  readonly upper: string;
  readonly work: WorkDirectory;
  readonly calls: HostCalls;
  readonly copyUp: CopyUpToHost;
  readonly chunks: ChunkReader;
  /** Of overlay's attributes. */
  readonly prefix: string;
}

/**
 * @throws As node:fs does, for the first thing that the host refuses; the upper is between two states then. `ERR_UNSUPPORTED`
 *   for hard links that only an index keeps together, where it is off.
 */
export function followTree(parts: FollowParts): void {
  const follow = new Follow(parts);
  follow.index();
  follow.directory(ROOT_INO, ROOT_INO, parts.upper);
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
  readonly #found: Tree;
  /** Of names of hard links in the upper, by their number in what was found: the file's number on the host. */
  readonly #hostInos = new Map<Ino, bigint>();
  /** The host's numbers of the index's entries, by their number in the tree. */
  readonly #entryInos = new Map<Ino, bigint>();

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#found = parts.read.found;
    for (const { ino, hostIno } of parts.read.links) this.#hostInos.set(ino, hostIno);
  }

  /** Brings the index to what the tree says. */
  index(): void {
    const { index, overlay, calls, prefix } = this.#parts;
    const wanted: Ino[] = [];
    overlay.tree.inodes.forEach((inode, ino) => {
      if (inode.isIndexed && inode.nlink > 0) wanted.push(ino);
    });
    if (index === null && wanted.length === 0) return;
    if (index === null)
      throw storeError(
        'ERR_UNSUPPORTED',
        'hard links of the lower are one file there, for which the upper has to be mounted with index=on',
      );
    const entries = scanLayer(index.path, calls, new HostPlaces(), prefix);
    const there = index.names();
    index.found.clear();
    for (const ino of wanted) this.#entry(ino, index, entries);
    const kept = new Set(index.found.values());
    for (const name of there) if (!kept.has(`${index.path}/${name}`)) calls.run(['remove', `${index.path}/${name}`]);
  }

  /** The entry of a hard link has its content and attributes; its names in the upper are links of it. */
  #entry(ino: Ino, index: UpperIndex, entries: Tree): void {
    const { overlay, copyUp, calls, prefix, work } = this.#parts;
    const node = overlay.tree.at(ino);
    const handle = copyUp.handleOf(ino);
    if (handle === null) throw fsError(EIO, 'name_to_handle_at', overlay.lower?.pathOf(ino) ?? '');
    const path = index.entryOf(handle);
    const there = entries.lookup(ROOT_INO, handle.toString('hex'));
    const was = there === 0 ? undefined : entries.at(there);
    const links: HostCall = ['setxattr', path, `${prefix}nlink`, linksOverUpper(node.nlink, node.upperLinks)];
    if (was !== undefined && hasSameRedirect(was, node) && this.#isSame(was, node, path)) {
      if (!isSameAttributes(was, node)) this.#attributes(path, was, node);
      calls.run(links);
    } else {
      const made = work.name();
      const origin: HostCall = ['setxattr', made, `${prefix}origin`, handle];
      work.build(made, [...this.#callsFor(ino, made), origin, ['rename', made, path, 0], links]);
    }
    index.found.set(ino, path);
    this.#settled.set(ino, { path, found: NOWHERE });
    this.#entryInos.set(ino, lstatSync(path, { bigint: true }).ino);
  }

  /** @param from - The directory as it was found, or {@link NOWHERE}. */
  directory(ino: Ino, from: Ino, path: string): void {
    const { overlay, calls, prefix } = this.#parts;
    const found = this.#found;
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
    const { overlay, work } = this.#parts;
    const found = this.#found;
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
    const found = this.#found;
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
    const found = this.#found;
    const settled = this.#settled.get(ino);
    if (settled !== undefined) {
      const entry = this.#entryInos.get(ino);
      const isThere = entry === undefined ? there === settled.found : this.#hostInos.get(there) === entry;
      if (there !== NOWHERE && isThere) return false;
      if (isTaken) this.#remove(path);
      linkSync(hostPath(settled.path), hostPath(path));
      return true;
    }
    const was = there === NOWHERE ? undefined : found.at(there);
    const stays =
      was !== undefined && !this.#claimed.has(there) && hasSameRedirect(was, node) && this.#isSame(was, node, path);
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
    const { work, prefix } = this.#parts;
    const made = work.name();
    const calls = this.#callsFor(ino, made);
    if (isOpaque) calls.push(['setxattr', made, `${prefix}opaque`, 'y']);
    work.build(made, [...calls, ['rename', made, path, 0]]);
  }

  #callsFor(ino: Ino, made: string): HostCall[] {
    const { copyUp, overlay, prefix } = this.#parts;
    const { isMetacopy, marks } = overlay.tree.at(ino);
    const calls = copyUp.callsFor(ino, made, isMetacopy ? 'below' : 'all');
    const redirect = marks?.redirect ?? '';
    return redirect === '' ? calls : [...calls, ['setxattr', made, `${prefix}redirect`, redirect]];
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

  #isSame(was: Inode, node: Inode, path: string): boolean {
    if (!isSameNode(was, node) || was.isMetacopy !== node.isMetacopy) return false;
    return node.isMetacopy ? was.size === node.size : this.#hasContent(node, was, path);
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
