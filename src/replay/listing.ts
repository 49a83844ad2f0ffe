/**
 * A tree as a list of entries with all their attributes: for comparing trees with each other and with real ones.
 *
 * Depth first, a directory before its contents, children by the bytes of their names, the root first as `/`.
 */

import { createHash } from 'node:crypto';
import type { ChunkReader } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { deviceMajor, deviceMinor, kindOf, type NodeKind, PERMISSION_BITS } from '../events/mode.ts';
import { compareNames, encodeName, isUtf8Name } from '../events/name.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { nameInUpper } from '../projections/tree/overlay-xattr.ts';
import type { Tree } from '../projections/tree/tree.ts';

/** One entry. Members that do not apply are absent. */
export interface ListingEntry {
  /** Bytes that are not UTF-8 as `\xNN`; `path_b64` has the exact ones then. */
  readonly path: string;
  readonly path_b64?: string;
  readonly type: NodeKind;
  /** Four or more octal digits, permission and special bits only. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Files only. */
  readonly size?: number;
  readonly linkname?: string;
  readonly linkname_b64?: string;
  /** Nanoseconds since 1970, decimal. */
  readonly mtime_ns: string;
  /** `major:minor` of devices. */
  readonly rdev?: string;
  /** Of a file's content. */
  readonly sha256?: string;
  /** Where greater than 1; never of directories. */
  readonly nlink?: number;
  /** Path of the first entry of this listing that is the same node; absent on that one. */
  readonly hardlink?: string;
  /** Values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface ListingOptions {
  /**
   * List the upper only, as a kernel's upperdir holds it: whiteouts are character devices 0:0, opaque directories carry
   * `trusted.overlay.opaque`, what moved `.redirect`, a file of attributes only `.metacopy` and zeros as its data, and what a
   * user called so is escaped (W12). Default false: what a user sees.
   */
  readonly upper?: boolean;
}

/** Lists a tree: a container's, a volume's, or a layer's own. */
export function* listTree(
  tree: Tree,
  chunks: ChunkReader,
  options: ListingOptions = {},
): Generator<ListingEntry, void> {
  yield* new Lister(tree, chunks, options.upper ?? false).list(ROOT_INO, '');
}

class Lister {
  readonly #tree: Tree;
  readonly #chunks: ChunkReader;
  readonly #isUpper: boolean;
  readonly #firstPaths = new Map<Ino, string>();

  constructor(tree: Tree, chunks: ChunkReader, isUpper: boolean) {
    this.#tree = tree;
    this.#chunks = chunks;
    this.#isUpper = isUpper;
  }

  *list(ino: Ino, path: string): Generator<ListingEntry, void> {
    const node = this.#tree.at(ino);
    yield this.#entry(ino, node, path === '' ? '/' : path);
    if (node.dir === null) return;
    const names = node.dir.entries.names();
    const whiteouts = this.#isUpper ? (node.dir.whiteouts?.names() ?? []) : [];
    for (const name of [...names, ...whiteouts].toSorted(compareNames)) {
      const child = node.dir.entries.get(name);
      if (child === undefined) yield whiteoutEntry(`${path}/${name}`, node);
      else if (!this.#isUpper || this.#tree.at(child).hasInUpper(ino, name)) yield* this.list(child, `${path}/${name}`);
    }
  }

  #entry(ino: Ino, node: Inode, path: string): ListingEntry {
    const type = kindOf(node.mode);
    return {
      ...textMember('path', path),
      type,
      ...attributes(node),
      ...(type === 'file' && { size: node.size }),
      ...(type === 'symlink' && textMember('linkname', node.target)),
      mtime_ns: String(node.mtimeNs),
      ...((type === 'chr' || type === 'blk') && { rdev: `${deviceMajor(node.rdev)}:${deviceMinor(node.rdev)}` }),
      ...(type === 'file' && { sha256: this.#digest(node) }),
      ...(type !== 'dir' && node.nlink > 1 && { nlink: node.nlink, ...this.#hardlink(ino, path) }),
      ...this.#xattrs(node),
    } as ListingEntry;
  }

  #hardlink(ino: Ino, path: string): { hardlink?: string } {
    const first = this.#firstPaths.get(ino);
    if (first !== undefined) return { hardlink: first };
    this.#firstPaths.set(ino, printable(path));
    return {};
  }

  #xattrs(node: Inode): { xattrs?: Record<string, string> } {
    const pairs = node.xattrs.map(([name, value]): [string, string] => [
      this.#isUpper ? nameInUpper(name) : name,
      Buffer.from(value).toString('base64'),
    ]);
    if (this.#isUpper) pairs.push(...marksOf(node));
    if (pairs.length === 0) return {};
    return { xattrs: Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
  }

  #digest(node: Inode): string {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(node.size, PIECE_BYTES));
    for (let at = 0; at < node.size; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, node.size - at);
      readContent(this.#isUpper && node.isMetacopy ? null : node.content, this.#chunks, at, buffer, 0, length);
      hash.update(buffer.subarray(0, length));
    }
    return hash.digest('hex');
  }
}

const PIECE_BYTES = 1 << 20;

/** What overlayfs keeps at a node of the upper for itself. */
function marksOf(node: Inode): [string, string][] {
  const marks: [string, string][] = [];
  if (node.dir?.opaque) marks.push(['trusted.overlay.opaque', 'eQ==']);
  const redirect = node.marks?.redirect ?? '';
  if (redirect !== '') marks.push(['trusted.overlay.redirect', encodeName(redirect).toString('base64')]);
  if (node.isMetacopy) marks.push(['trusted.overlay.metacopy', '']);
  return marks;
}

function attributes(node: Inode): { mode: string; uid: number; gid: number } {
  return { mode: (node.mode & PERMISSION_BITS).toString(8).padStart(4, '0'), uid: node.uid, gid: node.gid };
}

/** The kernel makes whiteouts with mode 0 of root; their time says nothing. */
function whiteoutEntry(path: string, directory: Inode): ListingEntry {
  const times = { mtime_ns: String(directory.mtimeNs) };
  return {
    ...textMember('path', path),
    type: 'chr',
    mode: '0000',
    uid: 0,
    gid: 0,
    ...times,
    rdev: '0:0',
  } as ListingEntry;
}

function textMember(member: 'path' | 'linkname', text: string): Record<string, string> {
  if (isUtf8Name(text)) return { [member]: text };
  return { [member]: printable(text), [`${member}_b64`]: encodeName(text).toString('base64') };
}

/** Bytes that are not UTF-8 as `\xNN`; everything else as it is. */
const printable = (text: string): string =>
  text.replaceAll(/[\udc80-\udcff]/g, (unit, at: number) => {
    const before = text.charCodeAt(at - 1);
    return before >= 0xd800 && before <= 0xdbff ? unit : `\\x${(unit.charCodeAt(0) & 0xff).toString(16)}`;
  });
