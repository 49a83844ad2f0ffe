import { type Ino, ROOT_INO } from '../../../src/events/event.ts';
import { Directory } from '../../../src/projections/tree/inode.ts';
import { NameMap } from '../../../src/projections/tree/name-map.ts';
import { Tree } from '../../../src/projections/tree/tree.ts';

/**
 * The upper of a merged tree as a layer's own tree, node by node with blocks and reservations: what the kernel sees when
 * it takes an upperdir as a lowerdir. (A commit goes through a tar and is another thing.)
 */
export function upperAsLayer(merged: Tree): Tree {
  const layer = Tree.empty(0n);
  copyDirectory(merged, layer, ROOT_INO);
  return layer;
}

function copyDirectory(merged: Tree, layer: Tree, ino: Ino): void {
  const source = merged.at(ino);
  const node = source.copy(layer.owner);
  node.dir = new Directory(layer.owner, new NameMap());
  node.dir.opaque = source.dir?.opaque ?? false;
  layer.insert(ino, node);
  const { dir } = node;
  source.dir?.whiteouts?.forEach((name, seq) => {
    dir.whiteouts ??= new NameMap();
    dir.whiteouts.set(name, seq, layer.owner);
  });
  source.dir?.entries.forEach((name, child) => {
    const inode = merged.at(child);
    if (!inode.isUpper) return;
    dir.entries.set(name, child, layer.owner);
    if (inode.dir !== null) {
      dir.subdirectories++;
      copyDirectory(merged, layer, child);
    } else if (layer.get(child) === undefined) {
      layer.insert(child, inode.copy(layer.owner));
    }
  });
}
