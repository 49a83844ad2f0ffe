/** What an inotify watch would tell about an event of the log. */

import type { FileEvent, Ino } from '../../events/event.ts';
import type { Tree } from '../../projections/tree/tree.ts';

/**
 * Something that happened to a name in a directory, or (`name` null) to a node itself.
 *
 * libuv maps what changes a node's content or attributes to `change`, everything else to `rename`.
 */
export interface Change {
  readonly type: 'rename' | 'change';
  readonly parent: Ino;
  readonly name: string | null;
  readonly ino: Ino;
}

/**
 * @param tree - The tree after the event.
 * @returns In the order of the kernel's: the directory hears first, then the node.
 */
export function changesOf(tree: Tree, event: FileEvent): Change[] {
  switch (event.type) {
    case 'NodeCreated':
      return event.parent === 0 ? [] : [entry('rename', event.parent, event.name, event.ino)];
    case 'Linked':
      return [node('change', event.ino), entry('rename', event.parent, event.name, event.ino)];
    case 'Unlinked': {
      // The link count changes first (IN_ATTRIB); a directory's own watcher leaves that out.
      const changes = [node('change', event.ino)];
      if (event.nlink === 0) changes.push(node('rename', event.ino));
      changes.push(entry('rename', event.parent, event.name, event.ino));
      return changes;
    }
    case 'Renamed': {
      const changes = [
        entry('rename', event.fromParent, event.fromName, event.ino),
        entry('rename', event.toParent, event.toName, event.ino),
      ];
      if (event.replaced !== 0 && !event.exchange) {
        changes.push(node('change', event.replaced));
        if (event.replacedNlink === 0) changes.push(node('rename', event.replaced));
      }
      changes.push(node('rename', event.ino));
      if (event.exchange) changes.push(node('rename', event.replaced));
      return changes;
    }
    case 'Written':
    case 'Truncated':
    case 'Allocated':
    case 'HolePunched':
    case 'AttributesChanged':
    case 'XattrSet':
    case 'XattrRemoved':
      return changed(tree, event.ino);
    case 'WhiteoutCreated':
    case 'WhiteoutRemoved':
    case 'OpaqueSet':
    case 'RedirectSet':
    case 'MetacopySet':
    case 'DataCopiedUp':
    case 'LinkedUp':
    case 'NodeReleased':
    case 'DirectoryCopiedUp':
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      // How an overlay keeps its books; nothing that is seen from above.
      return [];
  }
}

/**
 * Content or attributes: the directory that holds the node hears it too. About a directory the kernel sets a further bit
 * (IN_ISDIR), which libuv takes for a rename.
 */
function changed(tree: Tree, ino: Ino): Change[] {
  const inode = tree.get(ino);
  if (inode === undefined) return [];
  const type = inode.dir === null ? 'change' : 'rename';
  const changes = [node(type, ino)];
  if (inode.parent !== 0 && inode.parent !== ino) changes.unshift(entry(type, inode.parent, inode.name, ino));
  return changes;
}

const entry = (type: Change['type'], parent: Ino, name: string, ino: Ino): Change => ({ type, parent, name, ino });
const node = (type: Change['type'], ino: Ino): Change => ({ type, parent: 0, name: null, ino });
