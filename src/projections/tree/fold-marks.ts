/**
 * What the events of `redirect_dir`, `metacopy` and `index` do to a tree.
 *
 * With `index` a copied-up hard link is one node with all its names, but the upperdir has only some of them: a name comes
 * into it when the node is changed through it. {@link Directory.aliases} has the names that are there, and the node their
 * number.
 */

import type { Ino, OverlayMarkEvent } from '../../events/event.ts';
import type { FileEvent } from '../../events/event.ts';
import type { Inode } from './inode.ts';
import { NameMap } from './name-map.ts';
import type { Tree } from './tree.ts';
import { count, isCounted } from './upper-count.ts';

export function foldOverlayMark(tree: Tree, event: OverlayMarkEvent): void {
  switch (event.type) {
    case 'RedirectSet':
      tree.edit(event.ino).mark({ redirect: event.redirect });
      return;
    case 'MetacopySet': {
      const inode = tree.edit(event.ino);
      recount(tree, inode, () => inode.mark({ dataIno: event.dataIno }));
      return;
    }
    case 'DataCopiedUp': {
      const inode = tree.edit(event.ino);
      recount(tree, inode, () => {
        inode.mark({ dataIno: 0 });
        if (inode.content !== null) inode.content = inode.content.copied(tree.owner, inode.size);
      });
      if (event.timeNs === null) return;
      inode.mtimeNs = event.timeNs;
      inode.ctimeNs = event.timeNs;
      return;
    }
    case 'LinkedUp':
      addAlias(tree, tree.edit(event.ino), event.parent, event.name);
      return;
  }
}

function recount(tree: Tree, inode: Inode, change: () => void): void {
  const counts = isCounted(inode);
  if (counts) count(tree, inode, -1);
  change();
  if (counts) count(tree, inode, 1);
}

/** A lower hard link that was just copied up under its most recent name, and keeps its others. */
export function startAliases(tree: Tree, inode: Inode): void {
  inode.mark({ upperLinks: 0 });
  addAlias(tree, inode, inode.parent, inode.name);
}

/** A name of an indexed node comes into the upper. Of other nodes every name is there. */
export function addAlias(tree: Tree, inode: Inode, parent: Ino, name: string): void {
  if (!inode.isIndexed) return;
  const directory = tree.editDirectory(parent);
  directory.aliases ??= new NameMap();
  directory.aliases.set(name, 1, tree.owner);
  const upperLinks = inode.marks?.upperLinks ?? 0;
  inode.mark({ upperLinks: upperLinks + 1 });
  if (upperLinks === 0) count(tree, inode, 1);
}

/** A name of an indexed node goes; it has been in the upper, since what goes is copied up first (ovl_nlink_start). */
export function leaveUpper(tree: Tree, ino: Ino, parent: Ino, name: string): void {
  if (!tree.editDirectory(parent).aliases?.delete(name, tree.owner)) return;
  const inode = tree.edit(ino);
  const upperLinks = inode.marks?.upperLinks ?? 0;
  if (upperLinks === 1) count(tree, inode, -1);
  inode.mark({ upperLinks: upperLinks - 1 });
}

/** Names of indexed nodes that moved are in the upper where they arrived. */
export function moveAliases(tree: Tree, event: FileEvent & { type: 'Renamed' }): void {
  const moved = tree.at(event.ino).isIndexed;
  const other = event.exchange && tree.at(event.replaced).isIndexed;
  if (!moved && !other) return;
  const from = tree.editDirectory(event.fromParent);
  const to = tree.editDirectory(event.toParent);
  from.aliases?.delete(event.fromName, tree.owner);
  to.aliases?.delete(event.toName, tree.owner);
  if (moved) (to.aliases ??= new NameMap()).set(event.toName, 1, tree.owner);
  if (other) (from.aliases ??= new NameMap()).set(event.fromName, 1, tree.owner);
}
