import type { Ino } from '../../events/event.ts';
import { isDirectoryMode, S_IFDIR, S_IFMT } from '../../events/mode.ts';
import type { Content } from './content.ts';
import { NameMap } from './name-map.ts';
import type { Owner } from './trie.ts';

/** `Inode.layer` of a node that lies in the upper (of a volume: of every node). */
export const UPPER = -1;

/** Extended attributes: pairs sorted by name, never changed once made. */
export type Xattrs = readonly (readonly [name: string, value: Uint8Array])[];

export const NO_XATTRS: Xattrs = [];

/** What the overlay options `redirect_dir`, `metacopy` and `index` write at an upper node. Never changed once made. */
export interface UpperMarks {
  /** Where in the lower the node's counterpart is: an absolute path, or a sibling's name; '' where its own name says it. */
  readonly redirect: string;
  /** The lower node that has the file's data; 0: the upper has it. In a layer's own tree any other number. */
  readonly dataIno: Ino;
  /** Of a copied-up hard link with `index`: its names that are in the upper; null: no such node, all are. */
  readonly upperNames: readonly NodeName[] | null;
}

/** An entry that stands for a node. */
export interface NodeName {
  readonly parent: Ino;
  readonly name: string;
}

const NO_MARKS: UpperMarks = { redirect: '', dataIno: 0, upperNames: null };

/** What only a directory has. */
export class Directory {
  owner: Owner;
  /** Merged names → inode numbers. */
  entries: NameMap;
  /** Names whited out in the upper → seq of the event that did it. */
  whiteouts: NameMap | null = null;
  /** The upper directory carries `trusted.overlay.opaque`. */
  opaque = false;
  /** It merges with a directory of the lower, which has the same inode number there. */
  hasLower = false;
  /** It merges directories of several lower layers, so that the kernel shows 1 as its link count. */
  mergedBelow = false;
  /** Entries that are directories: a directory's link count is 2 more. */
  subdirectories = 0;

  constructor(owner: Owner, entries: NameMap) {
    this.owner = owner;
    this.entries = entries;
  }

  own(owner: Owner): Directory {
    if (this.owner === owner) return this;
    const copy = new Directory(owner, this.entries.share());
    copy.whiteouts = this.whiteouts?.share() ?? null;
    copy.opaque = this.opaque;
    copy.hasLower = this.hasLower;
    copy.mergedBelow = this.mergedBelow;
    copy.subdirectories = this.subdirectories;
    return copy;
  }
}

/**
 * One node of a tree. One class for all kinds, so that the engine's hot paths see a single shape.
 *
 * Its own number is its key in the tree's table. Only the tree's owner changes it, through {@link Tree.edit}.
 */
export class Inode {
  owner: Owner;
  /** Format and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  rdev = 0;
  /** Names of a non-directory. Of a lower node: the count in its layer, also where names are hidden from above. */
  nlink = 1;
  /** Files: bytes. Symlinks: bytes of the target. Else 0. */
  size = 0;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** When the node was made in its layer, or copied up. */
  btimeNs: bigint;
  /** The most recent name; of a directory the only one. 0 as parent: none (yet). */
  parent: Ino = 0;
  name = '';
  /** {@link UPPER}, or the index of the layer that provides it (lowest 0). */
  layer: number = UPPER;
  /** The layer it was copied up from, or -1. */
  origin = -1;
  xattrs: Xattrs = NO_XATTRS;
  /** Seq of the event that made or copied up the node in this tree; 0 in a layer. */
  seq = 0;
  target = '';
  marks: UpperMarks | null = null;
  dir: Directory | null = null;
  /** Files with data; null is an empty file or one without a written byte. */
  content: Content | null = null;

  constructor(owner: Owner, mode: number, uid: number, gid: number, timeNs: bigint) {
    this.owner = owner;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.atimeNs = timeNs;
    this.mtimeNs = timeNs;
    this.ctimeNs = timeNs;
    this.btimeNs = timeNs;
    if ((mode & S_IFMT) === S_IFDIR) this.dir = new Directory(owner, new NameMap());
  }

  get isDirectory(): boolean {
    return this.dir !== null;
  }

  get isUpper(): boolean {
    return this.layer === UPPER;
  }

  /** The upper has its attributes only; the data is read from below. */
  get isMetacopy(): boolean {
    return this.marks !== null && this.marks.dataIno !== 0;
  }

  /** A lower hard link that was copied up with `index`: its names in the upper are counted one by one. */
  get isIndexed(): boolean {
    return this.marks !== null && this.marks.upperNames !== null;
  }

  /** How many names an indexed node has in the upper. */
  get upperLinks(): number {
    return this.marks?.upperNames?.length ?? 0;
  }

  /** Whether the upperdir has an entry that stands for the node. */
  hasInUpper(parent: Ino, name: string): boolean {
    if (!this.isUpper) return false;
    const names = this.marks?.upperNames ?? null;
    return names === null || names.some((each) => each.parent === parent && each.name === name);
  }

  mark(change: Partial<UpperMarks>): void {
    const marks = { ...(this.marks ?? NO_MARKS), ...change };
    const isNothing = marks.redirect === '' && marks.dataIno === 0 && marks.upperNames === null;
    this.marks = isNothing ? null : marks;
  }

  /** A copy for another owner; it shares the directory and the content until they are edited. */
  copy(owner: Owner): Inode {
    const copy = new Inode(owner, isDirectoryMode(this.mode) ? 0 : this.mode, this.uid, this.gid, this.atimeNs);
    copy.mode = this.mode;
    copy.rdev = this.rdev;
    copy.nlink = this.nlink;
    copy.size = this.size;
    copy.mtimeNs = this.mtimeNs;
    copy.ctimeNs = this.ctimeNs;
    copy.btimeNs = this.btimeNs;
    copy.parent = this.parent;
    copy.name = this.name;
    copy.layer = this.layer;
    copy.origin = this.origin;
    copy.xattrs = this.xattrs;
    copy.seq = this.seq;
    copy.target = this.target;
    copy.marks = this.marks;
    copy.dir = this.dir;
    copy.content = this.content;
    return copy;
  }
}

/** Index of an attribute, or -1. */
export function xattrIndex(xattrs: Xattrs, name: string): number {
  for (let index = 0; index < xattrs.length; index++) if (xattrs[index][0] === name) return index;
  return -1;
}

export function xattrOf(xattrs: Xattrs, name: string): Uint8Array | undefined {
  const index = xattrIndex(xattrs, name);
  return index < 0 ? undefined : xattrs[index][1];
}

export function withXattr(xattrs: Xattrs, name: string, value: Uint8Array): Xattrs {
  const rest = xattrs.filter((pair) => pair[0] !== name);
  rest.push([name, value]);
  return rest.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

export function withoutXattr(xattrs: Xattrs, name: string): Xattrs {
  return xattrs.filter((pair) => pair[0] !== name);
}
