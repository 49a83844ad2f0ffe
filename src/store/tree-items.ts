/**
 * A tree as entries of a tar, in the order of a walk: a directory, its marks, then its entries, names by their bytes.
 *
 * Of two names of a node the first carries it and the others are hard links. Sockets are left out, as no tar can hold one.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { deviceMajor, deviceMinor, kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { compareNames, encodeName } from '../events/name.ts';
import type { EntryAttributes } from '../engine/layer-sink.ts';
import type { ExportItem } from '../oci/export-pieces.ts';
import { opaqueEntry, type TarWriteEntry, whiteoutEntry } from '../oci/tar-writer.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { nameInUpper, OVERLAY_XATTR_PREFIX } from '../projections/tree/overlay-xattr.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { UpperParts } from '../projections/tree/upper-parts.ts';

/**
 * What of a tree is wanted, and how it says that something below is gone:
 *
 * - `merged`: all that a user sees, no marks.
 * - `oci`: a layer or an upper, with whiteouts and opaque marks. It knows no redirects, so that a directory that moved is in it
 *   with all that is visible there, and a file with its data.
 * - `overlay`, `user-overlay`: an upper as the kernel has it: char 0:0 nodes and `trusted.overlay.opaque` or, for mounts with
 *   `userxattr`, `user.overlay.opaque`, redirects and `metacopy` likewise. The root is an entry of its own, as it is one in an upperdir.
 */
export type TreeForm = 'merged' | 'oci' | 'overlay' | 'user-overlay';

export interface TreeItemsOptions {
  readonly form: TreeForm;
  /** What the tree lies on. An `oci` form then marks as opaque only directories that hide something in it. */
  readonly below?: Tree;
  /** Told the paths that are left out. */
  readonly onLeftOut?: (path: string) => void;
}

/** The tree must not change while its items are taken: give a snapshot. Content comes in new buffers. */
export function* treeItems(tree: Tree, chunks: ChunkReader, options: TreeItemsOptions): Generator<ExportItem, void> {
  const walk = new Walk(tree, chunks, options);
  if (options.form === 'overlay' || options.form === 'user-overlay')
    yield* walk.node(ROOT_INO, tree.at(ROOT_INO), '', { below: 0, isMoved: false });
  else yield* walk.directory(ROOT_INO, '', { below: ROOT_INO, isMoved: false });
}

interface Over {
  /** The directory of the tree below that it lies over; 0: none, or it is hidden already. */
  readonly below: Ino;
  /** It or a directory above it has moved away from what is below it. */
  readonly isMoved: boolean;
}

class Walk {
  readonly #tree: Tree;
  readonly #chunks: ChunkReader;
  readonly #options: TreeItemsOptions;
  readonly #parts: UpperParts;
  readonly #firstPaths = new Map<Ino, string>();

  constructor(tree: Tree, chunks: ChunkReader, options: TreeItemsOptions) {
    this.#tree = tree;
    this.#chunks = chunks;
    this.#options = options;
    this.#parts = new UpperParts(tree);
  }

  *directory(ino: Ino, path: string, over: Over): Generator<ExportItem, void> {
    const node = this.#tree.at(ino);
    const { dir } = node;
    if (dir === null) return;
    const { form } = this.#options;
    const prefix = path === '' ? '' : `${path}/`;
    const isMoved = form === 'oci' && (over.isMoved || (node.marks?.redirect ?? '') !== '');
    if (form === 'oci' && (dir.opaque || isMoved) && this.#hides(over.below)) yield { entry: opaqueEntry(path) };
    const whiteouts = form === 'merged' || isMoved ? [] : (dir.whiteouts?.names() ?? []).toSorted(compareNames);
    for (const name of whiteouts) yield { entry: this.#whiteout(`${prefix}${name}`, node) };
    for (const name of dir.entries.names().toSorted(compareNames)) {
      const child = dir.entries.get(name) as Ino;
      if (form !== 'merged' && !isMoved && !this.#parts.has(child)) continue;
      const below = dir.opaque || isMoved ? 0 : this.#below(over.below, name);
      yield* this.node(child, this.#tree.at(child), `${prefix}${name}`, { below, isMoved });
    }
  }

  *node(ino: Ino, node: Inode, path: string, over: Over): Generator<ExportItem, void> {
    const first = this.#firstPaths.get(ino);
    if (first !== undefined) {
      yield { entry: { kind: 'hardlink', path, target: first, ...this.#attributes(node) } };
      return;
    }
    const entry = this.#entry(node, path);
    if (entry === null) return this.#options.onLeftOut?.(path);
    if (node.dir === null && node.nlink > 1) this.#firstPaths.set(ino, path);
    yield entry.kind === 'file' ? { entry, content: this.#content(node) } : { entry };
    yield* this.directory(ino, path, over);
  }

  /** Whether an opaque mark over that directory below makes a difference. */
  #hides(below: Ino): boolean {
    const stack = this.#options.below;
    if (stack === undefined) return true;
    return below !== 0 && (stack.at(below).dir?.entries.size ?? 0) > 0;
  }

  /** The directory below that an entry of a directory lies over. */
  #below(directory: Ino, name: string): Ino {
    const stack = this.#options.below;
    const found = stack === undefined || directory === 0 ? 0 : stack.lookup(directory, name);
    return found !== 0 && stack?.at(found).dir ? found : 0;
  }

  #whiteout(path: string, directory: Inode): TarWriteEntry {
    if (this.#options.form === 'oci') return whiteoutEntry(path);
    const { mtimeNs } = directory;
    return { kind: 'chr', path, major: 0, minor: 0, mode: 0, uid: 0, gid: 0, mtimeNs, xattrs: [] };
  }

  #entry(node: Inode, path: string): TarWriteEntry | null {
    const attributes = this.#attributes(node);
    const kind = kindOf(node.mode);
    switch (kind) {
      case 'symlink':
        return { kind, path, target: node.target, ...attributes };
      case 'chr':
      case 'blk':
        return { kind, path, major: deviceMajor(node.rdev), minor: deviceMinor(node.rdev), ...attributes };
      case 'file':
      case 'dir':
      case 'fifo':
        return { kind, path, size: kind === 'file' ? node.size : 0, ...attributes };
      case 'sock':
        return null;
    }
  }

  #attributes(node: Inode): EntryAttributes {
    const { uid, gid, mtimeNs } = node;
    return { mode: node.mode & PERMISSION_BITS, uid, gid, mtimeNs, xattrs: this.#xattrs(node) };
  }

  /** In the kernel's forms: overlay's own mark, and names that overlay would take for its own escaped as it does (W12). */
  #xattrs(node: Inode): EntryAttributes['xattrs'] {
    const prefix = MARK_PREFIX[this.#options.form];
    if (prefix === null) return node.xattrs;
    const xattrs = node.xattrs.map(([name, value]): [string, Uint8Array] => {
      return [nameInUpper(name, prefix), value];
    });
    if (node.dir?.opaque) xattrs.push([`${prefix}opaque`, Buffer.from('y')]);
    const redirect = node.marks?.redirect ?? '';
    if (redirect !== '') xattrs.push([`${prefix}redirect`, encodeName(redirect)]);
    if (node.isMetacopy) xattrs.push([`${prefix}metacopy`, Buffer.alloc(0)]);
    return xattrs;
  }

  *#content(node: Inode): Generator<Uint8Array, void> {
    for (let at = 0; at < node.size; at += PIECE_BYTES) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, node.size - at));
      // The kernel reads the data of such a file from below; zeros stand for it in an upper.
      const content = node.isMetacopy && MARK_PREFIX[this.#options.form] !== null ? null : node.content;
      readContent(content, this.#chunks, at, piece, 0, piece.length);
      yield piece;
    }
  }
}

const PIECE_BYTES = 1 << 18;

const MARK_PREFIX: Readonly<Record<TreeForm, string | null>> = {
  merged: null,
  oci: null,
  overlay: OVERLAY_XATTR_PREFIX,
  'user-overlay': 'user.overlay.',
};
