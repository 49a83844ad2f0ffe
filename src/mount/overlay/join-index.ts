/**
 * Puts hard links of the lower together again that were copied up with the option `index`: the entry of the index has content
 * and attributes, and all names stand for it, those that the upper has and those that are still lower alone
 * (fs/overlayfs/inode.c, ovl_get_inode).
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { NodeName } from '../../projections/tree/inode.ts';
import { UPPER } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { count } from '../../projections/tree/upper-count.ts';
import { type HostCall, type HostCalls, unpackList } from './host-calls.ts';
import type { HostPlaces } from './host-places.ts';
import type { LayerHandles } from './layer-handles.ts';
import { type LinkFound, scanLayer } from './scan-layer.ts';
import { linksOf, type UpperIndex } from './upper-index.ts';

/** A name of a hard link of a lower layer. */
export interface LowerLink {
  readonly layer: number;
  /** In the merged lower view. */
  readonly ino: Ino;
  /** On the host. */
  readonly path: string;
}

export interface IndexJoin {
  readonly index: UpperIndex;
  /** The merged tree; nodes of it are put together. */
  readonly tree: Tree;
  readonly lower: Tree;
  readonly lowerLinks: readonly LowerLink[];
  /** Hard links of the upper, with their numbers in the merged tree. */
  readonly upperLinks: readonly LinkFound[];
  readonly calls: HostCalls;
  readonly handles: LayerHandles;
  readonly places: HostPlaces;
  readonly prefix: string;
}

/** Entries whose lower file is not there any more are left alone: a kernel takes them away. */
export function joinIndex(join: IndexJoin): void {
  const { index, calls, places, prefix } = join;
  const names = index.names();
  if (names.length === 0) return;
  const lowers = nodesByHandle(join);
  const links = new Map<Ino, LinkFound>();
  const entries = scanLayer(index.path, calls, places, prefix, (link) => links.set(link.ino, link));
  const marks = calls.run(...names.map((name): HostCall => ['xattrs', `${index.path}/${name}`]));
  for (const [at, name] of names.entries()) {
    const ino = lowers.get(name);
    const entry = entries.lookup(ROOT_INO, name);
    if (ino === undefined || entry === 0 || entries.at(entry).isDirectory) continue;
    const mark = markNamed(marks[at], `${prefix}nlink`);
    joinNode(join, ino, { entries, entry, link: links.get(entry), mark });
    index.found.set(ino, `${index.path}/${name}`);
  }
}

function nodesByHandle({ lowerLinks, handles }: IndexJoin): Map<string, Ino> {
  const found = new Map<string, Ino>();
  for (const layer of new Set(lowerLinks.map((link) => link.layer))) {
    const links = lowerLinks.filter((link) => link.layer === layer);
    const answers = handles.of(
      layer,
      links.map(({ path }) => path),
    );
    for (const [at, handle] of answers.entries()) if (handle !== null) found.set(handle.toString('hex'), links[at].ino);
  }
  return found;
}

interface IndexEntry {
  /** The index read as a layer. */
  readonly entries: Tree;
  readonly entry: Ino;
  /** Undefined: the index has its only name. */
  readonly link: LinkFound | undefined;
  readonly mark: Uint8Array | undefined;
}

function joinNode({ tree, lower, upperLinks }: IndexJoin, ino: Ino, { entries, entry, link, mark }: IndexEntry): void {
  const below = lower.at(ino);
  const found = entries.at(entry);
  const names: NodeName[] = [];
  for (const each of upperLinks) {
    if (link === undefined || each.hostIno !== link.hostIno) continue;
    names.push(nameAt(tree, each.path));
    if (tree.get(each.ino) === undefined) continue;
    count(tree, tree.at(each.ino), -1);
    tree.remove(each.ino);
  }
  for (const { parent, name } of names) tree.editDirectory(parent).entries.set(name, ino, tree.owner);
  // One that has no name left in the view was taken out of it.
  if (tree.get(ino) === undefined) tree.insert(ino, below.copy(tree.owner));
  const inode = tree.edit(ino);
  inode.mode = found.mode;
  inode.uid = found.uid;
  inode.gid = found.gid;
  inode.size = found.size;
  inode.atimeNs = found.atimeNs;
  inode.mtimeNs = found.mtimeNs;
  inode.ctimeNs = found.ctimeNs;
  inode.xattrs = found.xattrs;
  inode.origin = below.layer;
  inode.layer = UPPER;
  inode.nlink = linksOf(mark, below.nlink, link?.nlink ?? 1);
  if (!found.isMetacopy) inode.content = found.content;
  if (names.length > 0) [inode.parent, inode.name] = [names[0].parent, names[0].name];
  const redirect = found.marks?.redirect ?? '';
  inode.marks = { redirect, dataIno: found.isMetacopy ? ino : 0, upperNames: names };
  if (names.length > 0) count(tree, inode, 1);
}

/** The directory of the merged tree that a path of the upper lies in, and the last name. */
function nameAt(tree: Tree, path: string): NodeName {
  const parts = path.split('/');
  const name = parts.pop() as string;
  let parent = ROOT_INO;
  for (const part of parts) parent = tree.lookup(parent, part);
  return { parent, name };
}

function markNamed(packed: Buffer, name: string): Buffer | undefined {
  const pairs = unpackList(packed);
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at].toString('latin1') === name) return pairs[at + 1];
  return undefined;
}
