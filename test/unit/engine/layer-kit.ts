/** Layers from lines, and trees as lines: `dir/` · `file=content` · `link->target` · `whiteout!` · `opaque/*`. */

import { layerBuilder } from '../../../src/engine/layer-builder.ts';
import type { LayerSink } from '../../../src/engine/layer-sink.ts';
import type { BuiltLayer } from '../../../src/engine/store-layer.ts';
import type { EntryAttributes, LayerEntry } from '../../../src/engine/layer-sink.ts';
import type { ChunkStore } from '../../../src/events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../../src/events/event.ts';
import { readContent } from '../../../src/projections/tree/content.ts';
import type { Inode } from '../../../src/projections/tree/inode.ts';
import { mergeLayer } from '../../../src/projections/tree/merge.ts';
import { Tree } from '../../../src/projections/tree/tree.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';

export const ATTRIBUTES: EntryAttributes = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 5n, xattrs: [] };

export interface Stack {
  readonly chunks: ChunkStore;
  /** Merged view of all layers. */
  readonly merged: Tree;
  readonly layers: readonly BuiltLayer[];
  readonly warnings: readonly string[];
}

/** Builds layers one on another. Each is a list of entries, or of lines that {@link line} reads. */
export function stack(...layers: (readonly (string | LayerEntry)[])[]): Stack {
  const { chunks } = openMemoryLog();
  let merged = Tree.empty(0n);
  const built: BuiltLayer[] = [];
  const warnings: string[] = [];
  for (const [index, entries] of layers.entries()) {
    const builder = layerBuilder({
      chunks,
      below: merged,
      warn: (path, message) => warnings.push(`${path}: ${message}`),
    });
    for (const entry of entries) {
      if (typeof entry === 'string') feed(builder, entry);
      else builder.entry(entry);
    }
    const layer = builder.finish();
    built.push(layer);
    merged = mergeLayer(merged, layer.tree, index);
  }
  return { chunks, merged, layers: built, warnings };
}

/** `d/` · `d/ 700` · `f=text` · `l->target` · `h=>target` · `gone!` · `d/*` (opaque). */
function feed(builder: LayerSink, text: string): void {
  const [, path, operator, rest] = /^(.*?)(->|=>|=|!$|\/\*$|\/ ?\d*$)(.*)$/s.exec(text) ?? [];
  switch (operator) {
    case undefined:
      throw new Error(`not an entry: ${text}`);
    case '/*':
      return builder.entry({ kind: 'opaque', path });
    case '!':
      return builder.entry({ kind: 'whiteout', path });
    case '=>':
      return builder.entry({ kind: 'hardlink', path, target: rest });
    case '->':
      return builder.entry({ kind: 'symlink', path, target: rest, ...ATTRIBUTES, mode: 0o777 });
    case '=': {
      const bytes = Buffer.from(rest);
      builder.entry({ kind: 'file', path, size: bytes.length, ...ATTRIBUTES });
      return builder.data(bytes);
    }
    default: {
      const mode = Number.parseInt(operator.slice(1).trim() || '755', 8);
      return builder.entry({ kind: 'dir', path, size: 0, ...ATTRIBUTES, mode });
    }
  }
}

/** A tree's entries, sorted, as lines; with `upper`, whiteouts and opaque marks as well. */
export function lines(tree: Tree, chunks: ChunkStore, upper = false): string[] {
  const result: string[] = [];
  const walk = (directory: Ino, prefix: string): void => {
    const { dir } = tree.at(directory);
    for (const name of dir?.whiteouts?.names() ?? []) if (upper) result.push(`${prefix}${name}!`);
    dir?.entries.forEach((name, ino) => {
      const node = tree.at(ino);
      const path = `${prefix}${name}`;
      if (node.dir !== null) {
        result.push(upper && node.dir.opaque ? `${path}/*` : `${path}/`);
        walk(ino, `${path}/`);
      } else result.push(node.target === '' ? `${path}=${contentOf(node, chunks)}` : `${path}->${node.target}`);
    });
  };
  walk(ROOT_INO, '');
  return result.toSorted();
}

export function nodeAt(tree: Tree, path: string): Inode {
  let ino: Ino = ROOT_INO;
  for (const name of path.split('/')) ino = tree.lookup(ino, name);
  return tree.at(ino);
}

export function contentOf(node: Inode, chunks: ChunkStore): string {
  const bytes = Buffer.alloc(node.size);
  readContent(node.content, chunks, 0, bytes, 0, node.size);
  return bytes.toString();
}
