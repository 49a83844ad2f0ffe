/**
 * Makes a layer from a container's upper, as `docker commit` does (SEM-2.3): all that lies in the upperdir, also what was
 * copied up and never changed; whiteouts; opaque marks where they hide something; no volumes. Content is not copied: the layer's events point at
 * the chunks that the container's did.
 *
 * A layer's tar knows neither redirects nor files without data nor an index. Docker compares the trees then instead of taking
 * the upper (overlay2 falls back to its naive diff), and so is it here: a directory that moved is in the layer with all that
 * is visible in it, a file with its data, a hard link with all its names.
 *
 * Times are cut to whole seconds, because that is what a layer's tar holds, so the layer here and the one that another
 * engine makes from the tar are the same tree. Sockets are left out, as a tar can't hold them, and so are attributes named as
 * overlayfs names its own, which no engine takes from a layer (SEM-2.5).
 */

import type { ChunkStore } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { kindOf } from '../events/mode.ts';
import { compareNames } from '../events/name.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { isOverlayXattr } from '../projections/tree/overlay-xattr.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { UpperParts } from '../projections/tree/upper-parts.ts';
import { type BuiltLayer, storeLayer } from './store-layer.ts';
import { LayerWriter } from './layer-writer.ts';

/**
 * Builds the layer of a container's upper.
 *
 * @param overlay - Its merged tree and the lower that it stands on; left as they are.
 */
export function buildFromUpper(overlay: { readonly tree: Tree; readonly lower: Tree }, chunks: ChunkStore): BuiltLayer {
  const writer = new LayerWriter(overlay.lower);
  const parts = new UpperParts(overlay.tree);
  copyDirectory({ writer, tree: overlay.tree, parts, links: new Map() }, ROOT_INO, ROOT_INO, false);
  return storeLayer(writer, chunks);
}

interface Copy {
  readonly writer: LayerWriter;
  readonly tree: Tree;
  readonly parts: UpperParts;
  /** Nodes with several names: number in the upper → number in the layer. */
  readonly links: Map<Ino, Ino>;
}

/** @param isMoved - The directory or one above it has moved: all that is visible in it goes into the layer. */
function copyDirectory(copy: Copy, from: Ino, to: Ino, isMoved: boolean): void {
  const { writer, tree, parts } = copy;
  const node = tree.at(from);
  const directory = node.dir;
  if (directory === null) return;
  const movedHere = isMoved || (node.marks?.redirect ?? '') !== '';
  if ((directory.opaque || movedHere) && to !== ROOT_INO && hidesBelow(writer, to)) writer.opaque(to);
  if (!movedHere) {
    directory.whiteouts?.forEach((name) => {
      writer.whiteout(to, name);
    });
  }
  for (const name of directory.entries.names().toSorted(compareNames)) {
    const ino = directory.entries.get(name) as Ino;
    if (movedHere || parts.has(ino)) copyNode(copy, ino, { parent: to, name }, movedHere);
  }
}

/**
 * Whether there is anything for an opaque mark to hide. The kernel also marks directories that lie over nothing (a fresh one
 * that was renamed, one made in the place of a deleted file); in a layer such marks make equal trees differ.
 */
function hidesBelow(writer: LayerWriter, directory: Ino): boolean {
  const below = writer.belowOf(directory);
  return below !== 0 && (writer.below.at(below).dir?.entries.size ?? 0) > 0;
}

function copyNode(copy: Copy, ino: Ino, { parent, name }: { parent: Ino; name: string }, isMoved: boolean): void {
  const { writer, tree, links } = copy;
  const node = tree.at(ino);
  if (node.dir !== null) {
    copyDirectory(copy, ino, writer.createDirectory(parent, name, asInTar(node)), isMoved);
    return;
  }
  if (kindOf(node.mode) === 'sock') return;
  const linked = links.get(ino);
  if (linked !== undefined) {
    writer.link(parent, name, linked);
    return;
  }
  const made = writer.createNode(parent, name, asInTar(node));
  writer.shareContent(made, node);
  if (node.nlink > 1) links.set(ino, made);
}

function asInTar(node: Inode): Pick<Inode, 'mode' | 'uid' | 'gid' | 'rdev' | 'target' | 'mtimeNs' | 'xattrs'> {
  const { mode, uid, gid, rdev, target, mtimeNs } = node;
  const xattrs = node.xattrs.filter(([name]) => !isOverlayXattr(name));
  const fraction = ((mtimeNs % SECOND) + SECOND) % SECOND;
  return { mode, uid, gid, rdev, target, mtimeNs: mtimeNs - fraction, xattrs };
}

const SECOND = 1_000_000_000n;
