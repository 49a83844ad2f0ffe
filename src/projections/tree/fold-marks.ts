/**
 * What the events of `redirect_dir`, `metacopy` and `index` do to a tree.
 *
 * With `index` a copied-up hard link is one node with all its names, but the upperdir has only some of them: a name comes
 * into it when the node is changed through it. The node has the list of those that are there; the directories know nothing
 * of it, so what becomes of a node is told by what happens to that node alone.
 */

import type { Ino, OverlayMarkEvent } from '../../events/event.ts';
import type { FileEvent } from '../../events/event.ts';
import type { Inode, NodeName } from './inode.ts';
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
      addUpperName(tree, tree.edit(event.ino), event.parent, event.name);
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
export function startUpperNames(tree: Tree, inode: Inode): void {
  inode.mark({ upperNames: [] });
  addUpperName(tree, inode, inode.parent, inode.name);
}

/** A name of an indexed node comes into the upper. Of other nodes every name is there. */
export function addUpperName(tree: Tree, inode: Inode, parent: Ino, name: string): void {
  const names = inode.marks?.upperNames ?? null;
  if (names === null) return;
  inode.mark({ upperNames: [...names, { parent, name }] });
  if (names.length === 0) count(tree, inode, 1);
}

/** A name of an indexed node goes; it has been in the upper, since what goes is copied up first (ovl_nlink_start). */
export function leaveUpper(tree: Tree, ino: Ino, parent: Ino, name: string): void {
  const before = tree.at(ino);
  if (!before.isIndexed || !before.hasInUpper(parent, name)) return;
  const inode = tree.edit(ino);
  if (inode.upperLinks === 1) count(tree, inode, -1);
  inode.mark({ upperNames: without(inode, parent, name) });
}

/** Names of indexed nodes that moved are in the upper where they arrived. */
export function moveUpperNames(tree: Tree, event: FileEvent & { type: 'Renamed' }): void {
  const from = { parent: event.fromParent, name: event.fromName };
  const to = { parent: event.toParent, name: event.toName };
  moveUpperName(tree, event.ino, from, to);
  if (event.exchange) moveUpperName(tree, event.replaced, to, from);
}

function moveUpperName(tree: Tree, ino: Ino, from: NodeName, to: NodeName): void {
  if (!tree.at(ino).isIndexed) return;
  const inode = tree.edit(ino);
  inode.mark({ upperNames: [...without(inode, from.parent, from.name), to] });
}

const without = ({ marks }: Inode, parent: Ino, name: string): NodeName[] =>
  (marks?.upperNames ?? []).filter((each) => each.parent !== parent || each.name !== name);
