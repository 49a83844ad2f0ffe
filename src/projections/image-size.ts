/** Why an image is as large as it is: layer by layer, what is new, what is stored again, and what nobody sees. */

import { compareNames } from '../events/name.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { StackedLayer } from './drivers/stacks.ts';
import type { LowerViews } from './lower-views.ts';
import type { LayerRecord } from './registry.ts';
import type { Inode } from './tree/inode.ts';
import { hasSameContent } from './tree/same-content.ts';
import type { Tree } from './tree/tree.ts';

export interface LayerSize {
  /** Lowest 0. */
  readonly layer: number;
  readonly files: number;
  /** st_size over non-directories, hard links once: what Docker shows. */
  readonly bytes: number;
  /** Blocks × 512, directories too: what containerd shows. */
  readonly allocatedBytes: number;
  /** Of `bytes`: at paths that no layer below has. */
  readonly newBytes: number;
  /** Of `bytes`: other content at a path that a layer below has. */
  readonly changedBytes: number;
  /** Of `bytes`: the same content as below, stored again for an attribute, or for nothing. */
  readonly repeatedBytes: number;
  /** Of `bytes`: what a higher layer hides. */
  readonly hiddenBytes: number;
}

/** A file that a layer stores again with the content that is below it. */
export interface RepeatedFile {
  readonly path: string;
  readonly layer: number;
  readonly bytes: number;
  /** Mode, owner or extended attributes differ; otherwise times at most. */
  readonly isAttributeChange: boolean;
}

export interface ImageSize {
  readonly bytes: number;
  readonly allocatedBytes: number;
  readonly hiddenBytes: number;
  readonly repeatedBytes: number;
  readonly layers: readonly LayerSize[];
  /** The largest first. */
  readonly repeated: readonly RepeatedFile[];
}

/** @param layers - Lowest first. */
export function imageSize(layers: readonly LayerRecord[], lowers: LowerViews): ImageSize {
  const stack = layers.map((_, index) => new StackedLayer(layers.slice(0, index + 1), lowers));
  const seen = reachable(stack.at(-1)?.merged);
  const repeated: RepeatedFile[] = [];
  const sizes = stack.map((layer) => layerSize(layer, seen, repeated));
  const sum = (of: (size: LayerSize) => number): number => sizes.reduce((total, size) => total + of(size), 0);
  return {
    bytes: sum(({ bytes }) => bytes),
    allocatedBytes: sum(({ allocatedBytes }) => allocatedBytes),
    hiddenBytes: sum(({ hiddenBytes }) => hiddenBytes),
    repeatedBytes: sum(({ repeatedBytes }) => repeatedBytes),
    layers: sizes,
    repeated: repeated.toSorted((a, b) => b.bytes - a.bytes || compareNames(a.path, b.path)),
  };
}

function layerSize(layer: StackedLayer, seen: ReadonlySet<Ino>, repeated: RepeatedFile[]): LayerSize {
  const size = { newBytes: 0, changedBytes: 0, repeatedBytes: 0, hiddenBytes: 0 };
  layer.forEachNode((node, ino) => {
    if (node.dir !== null) return;
    if (!seen.has(ino)) size.hiddenBytes += node.size;
    const below = nodeBelow(layer, node);
    if (below === undefined) size.newBytes += node.size;
    else if (below.dir !== null || below.target !== node.target || !hasSameContent(node, below))
      size.changedBytes += node.size;
    else {
      size.repeatedBytes += node.size;
      const path = layer.merged.entryPath(node.parent, node.name);
      if (node.size > 0)
        repeated.push({ path, layer: layer.index, bytes: node.size, isAttributeChange: differs(node, below) });
    }
  });
  const { files, apparentBytes, blockBytes, directoryBytes } = layer.totals;
  return { layer: layer.index, files, bytes: apparentBytes, allocatedBytes: blockBytes + directoryBytes, ...size };
}

/** What the layers below hold at the node's path. */
function nodeBelow({ merged, below }: StackedLayer, node: Inode): Inode | undefined {
  const path = merged.entryPath(node.parent, node.name);
  let ino = ROOT_INO;
  for (const name of path.split('/').filter((part) => part !== '')) ino = below.lookup(ino, name);
  return below.get(ino);
}

function differs(here: Inode, there: Inode): boolean {
  const isSame =
    here.mode === there.mode &&
    here.uid === there.uid &&
    here.gid === there.gid &&
    here.xattrs.length === there.xattrs.length &&
    here.xattrs.every(([name, value], index) => {
      const [otherName, otherValue] = there.xattrs[index];
      return name === otherName && Buffer.compare(value, otherValue) === 0;
    });
  return !isSame;
}

/**
 * Nodes with a name in a merged view: a hidden hard link stays in the table. By number, which what a layer above leaves alone
 * keeps: views that come from a checkpoint share no objects.
 */
function reachable(tree: Tree | undefined): Set<Ino> {
  const found = new Set<Ino>();
  const visit = (ino: Ino): void => {
    const node = tree?.get(ino);
    if (node === undefined || found.has(ino)) return;
    found.add(ino);
    node.dir?.entries.forEach((_, child) => visit(child));
  };
  visit(ROOT_INO);
  return found;
}
