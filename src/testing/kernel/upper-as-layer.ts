import { crc32 } from 'node:zlib';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { encodeName, compareNames } from '../../events/name.ts';
import { Directory, type Inode } from '../../projections/tree/inode.ts';
import { NameMap } from '../../projections/tree/name-map.ts';
import { Tree } from '../../projections/tree/tree.ts';

/**
 * The upper of a merged tree as a layer's own tree, node by node with blocks and reservations: what the kernel sees when
 * it takes an upperdir as a lowerdir. (A commit goes through a tar and is another thing.)
 *
 * @param timeNs - All nodes get times from then on by their paths, as oracle.py gives them.
 */
export function upperAsLayer(merged: Tree, timeNs: bigint): Tree {
  const layer = Tree.empty(0n);
  copyDirectory(merged, layer, ROOT_INO);
  setTimes(layer, timeNs, ROOT_INO, '/');
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
    if (!inode.hasInUpper(ino, name)) return;
    dir.entries.set(name, child, layer.owner);
    if (inode.dir !== null) {
      dir.subdirectories++;
      copyDirectory(merged, layer, child);
    } else if (layer.get(child) === undefined) {
      layer.insert(child, asInUpper(inode.copy(layer.owner)));
    }
  });
}

/** Of a hard link that was copied up with `index` the names in the upper are what remains without the index. */
function asInUpper(inode: Inode): Inode {
  if (inode.isIndexed) inode.nlink = inode.upperLinks;
  inode.mark({ upperNames: null });
  if (inode.isMetacopy) inode.content = null;
  return inode;
}

function setTimes(layer: Tree, timeNs: bigint, ino: Ino, path: string): void {
  const inode = layer.edit(ino);
  inode.mtimeNs = timeNs + BigInt(crc32(encodeName(path))) * 1000n;
  inode.atimeNs = inode.mtimeNs;
  const start = path === '/' ? path : `${path}/`;
  for (const name of inode.dir?.entries.names().sort(compareNames) ?? [])
    setTimes(layer, timeNs, layer.lookup(ino, name), start + name);
}
