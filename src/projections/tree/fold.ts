/**
 * What each file event does to a tree. Total: an event that is in the log cannot fail, and nothing is decided here.
 *
 * Counters of the upper (size by Docker's rule, allocated bytes, nodes) are kept as the events come, so that `ps -s`
 * costs nothing.
 */

import { nameBytes } from '../../events/name.ts';
import type { FileEvent, Ino } from '../../events/event.ts';
import { PERMISSION_BITS, S_IFMT } from '../../events/mode.ts';
import { addUpperName, foldOverlayMark, leaveUpper, moveUpperNames, startUpperNames } from './fold-marks.ts';
import { Inode, UPPER, withoutXattr, withXattr } from './inode.ts';
import { NameMap } from './name-map.ts';
import type { Tree } from './tree.ts';
import { count, isCounted } from './upper-count.ts';

/** Applies one event. `seq` is the event's own; 0 in a layer. */
export function applyFileEvent(tree: Tree, event: FileEvent, seq: number): void {
  switch (event.type) {
    case 'Written':
      return written(tree, event);
    case 'NodeCreated':
      return nodeCreated(tree, event, seq);
    case 'AttributesChanged':
      return attributesChanged(tree, event);
    case 'Unlinked':
      return unlinked(tree, event);
    case 'WhiteoutCreated': {
      const directory = tree.editDirectory(event.parent);
      const whiteouts = (directory.whiteouts ??= new NameMap());
      const before = whiteouts.size;
      whiteouts.set(event.name, seq, tree.owner);
      tree.whiteouts += whiteouts.size - before;
      return;
    }
    case 'WhiteoutRemoved': {
      const directory = tree.editDirectory(event.parent);
      if (directory.whiteouts?.delete(event.name, tree.owner)) tree.whiteouts--;
      return;
    }
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      return copiedUp(tree, event, seq);
    case 'DirectoryCopiedUp': {
      const inode = tree.edit(event.ino);
      inode.origin = inode.layer;
      inode.layer = UPPER;
      inode.seq = seq;
      inode.ctimeNs = event.ctimeNs;
      inode.btimeNs = event.ctimeNs;
      tree.editDirectory(event.ino).hasLower = true;
      tree.upperNodes++;
      return;
    }
    case 'Linked':
      return linked(tree, event);
    case 'Renamed':
      return renamed(tree, event);
    case 'OpaqueSet': {
      const directory = tree.editDirectory(event.ino);
      directory.opaque = true;
      directory.hasLower = false;
      return;
    }
    case 'RedirectSet':
    case 'MetacopySet':
    case 'DataCopiedUp':
    case 'LinkedUp':
      return foldOverlayMark(tree, event);
    case 'NodeReleased': {
      if (tree.get(event.ino) === undefined) return;
      tree.remove(event.ino);
      tree.orphans--;
      return;
    }
    case 'Truncated': {
      return truncated(tree, event);
    }
    case 'Allocated': {
      const inode = tree.edit(event.ino);
      changeSize(tree, inode, () => {
        const content = tree.editContent(inode);
        if (event.zeroed) content.clear(event.offset, event.length, true);
        content.allocate(event.offset, event.length);
        inode.size = event.size;
      });
      return modified(inode, event.timeNs);
    }
    case 'HolePunched': {
      const inode = tree.edit(event.ino);
      changeSize(tree, inode, () => {
        if (inode.content !== null) tree.editContent(inode).clear(event.offset, event.length, false);
      });
      return modified(inode, event.timeNs);
    }
    case 'XattrSet': {
      const inode = tree.edit(event.ino);
      inode.xattrs = withXattr(inode.xattrs, event.name, event.value);
      if (event.ctimeNs !== null) inode.ctimeNs = event.ctimeNs;
      return;
    }
    case 'XattrRemoved': {
      const inode = tree.edit(event.ino);
      inode.xattrs = withoutXattr(inode.xattrs, event.name);
      inode.ctimeNs = event.ctimeNs;
      return;
    }
  }
}

type EventOf<T extends FileEvent['type']> = Extract<FileEvent, { type: T }>;

function nodeCreated(tree: Tree, event: EventOf<'NodeCreated'>, seq: number): void {
  const inode = new Inode(tree.owner, event.mode, event.uid, event.gid, event.timeNs);
  inode.rdev = event.rdev;
  inode.seq = seq;
  if (event.target !== '') {
    inode.target = event.target;
    inode.size = nameBytes(event.target);
  }
  if (event.parent === 0) {
    inode.nlink = 0;
    tree.insert(event.ino, inode);
    tree.orphans++;
    return;
  }
  inode.parent = event.parent;
  inode.name = event.name;
  tree.insert(event.ino, inode);
  const parent = tree.edit(event.parent);
  const directory = tree.ownDirectory(parent);
  tree.setEntry(directory, event.name, event.ino);
  if (inode.dir !== null) directory.subdirectories++;
  count(tree, inode, 1);
  modified(parent, event.parentTimeNs);
}

function linked(tree: Tree, event: EventOf<'Linked'>): void {
  const inode = tree.edit(event.ino);
  if (inode.nlink === 0 && inode.layer === UPPER) {
    tree.orphans--;
    inode.nlink = event.nlink;
    count(tree, inode, 1);
  }
  inode.nlink = event.nlink;
  addUpperName(tree, inode, event.parent, event.name);
  tree.linkEntry(tree.editDirectory(event.parent), event.name, event.ino);
  inode.parent = event.parent;
  inode.name = event.name;
  if (event.timeNs !== null) inode.ctimeNs = event.timeNs;
  touchParent(tree, event.parent, event.parentTimeNs);
}

function unlinked(tree: Tree, event: EventOf<'Unlinked'>): void {
  const parent = tree.edit(event.parent);
  const directory = tree.ownDirectory(parent);
  tree.deleteEntry(directory, event.name, event.ino);
  modified(parent, event.timeNs);
  const isDirectory = dropLink(tree, event.ino, event, event.nlink, event.released, event.timeNs);
  if (!isDirectory) return;
  directory.subdirectories--;
  tree.directoryMoves++;
}

/** One name less. Lower nodes stay as they are: their layer still holds them. Tells whether it was a directory. */
function dropLink(
  tree: Tree,
  ino: Ino,
  entry: { readonly parent: Ino; readonly name: string },
  nlink: number,
  released: boolean,
  timeNs: bigint,
): boolean {
  const before = tree.at(ino);
  const isDirectory = before.dir !== null;
  if (before.layer !== UPPER) return isDirectory;
  if (before.isIndexed) leaveUpper(tree, ino, entry.parent, entry.name);
  if (nlink === 0) {
    if (!before.isIndexed) count(tree, before, -1);
    if (before.dir?.whiteouts) tree.whiteouts -= before.dir.whiteouts.size;
  }
  if (released && nlink === 0) {
    tree.remove(ino);
    return isDirectory;
  }
  const inode = tree.edit(ino);
  if (nlink === 0) {
    tree.orphans++;
    inode.parent = 0;
  }
  inode.nlink = nlink;
  inode.ctimeNs = timeNs;
  return isDirectory;
}

function renamed(tree: Tree, event: EventOf<'Renamed'>): void {
  const from = tree.editDirectory(event.fromParent);
  const to = tree.editDirectory(event.toParent);
  const inode = tree.edit(event.ino);
  const isDirectory = inode.dir !== null;
  if (event.exchange) {
    const other = tree.edit(event.replaced);
    tree.setEntry(from, event.fromName, event.replaced);
    other.parent = event.fromParent;
    other.name = event.fromName;
    other.ctimeNs = event.timeNs;
    if (other.dir !== null) {
      to.subdirectories--;
      from.subdirectories++;
      tree.directoryMoves++;
    }
  } else {
    tree.deleteEntry(from, event.fromName, event.ino);
    if (event.replaced !== 0) {
      const target = { parent: event.toParent, name: event.toName };
      const { replaced, replacedNlink, replacedReleased } = event;
      const wasDirectory = dropLink(tree, replaced, target, replacedNlink, replacedReleased, event.timeNs);
      if (wasDirectory) to.subdirectories--;
    }
  }
  tree.setEntry(to, event.toName, event.ino);
  moveUpperNames(tree, event);
  if (isDirectory) {
    from.subdirectories--;
    to.subdirectories++;
    tree.directoryMoves++;
  }
  inode.parent = event.toParent;
  inode.name = event.toName;
  inode.ctimeNs = event.timeNs;
  touchParent(tree, event.fromParent, event.timeNs);
  touchParent(tree, event.toParent, event.timeNs);
}

function copiedUp(tree: Tree, event: EventOf<'FileCopiedUp' | 'SymlinkCopiedUp' | 'NodeCopiedUp'>, seq: number): void {
  let inode: Inode;
  if (event.upperIno === event.ino) {
    inode = tree.edit(event.ino);
  } else {
    inode = tree.at(event.ino).copy(tree.owner);
    tree.insert(event.upperIno, inode);
    if (event.parent !== 0) tree.setEntry(tree.editDirectory(event.parent), event.name, event.upperIno);
    inode.nlink = 1;
  }
  inode.origin = inode.layer;
  inode.layer = UPPER;
  inode.seq = seq;
  inode.parent = event.parent;
  inode.ctimeNs = event.ctimeNs;
  inode.btimeNs = event.ctimeNs;
  const leavesData = event.type === 'FileCopiedUp' && !event.withData;
  if (inode.content !== null && !leavesData) inode.content = inode.content.copied(tree.owner, inode.size);
  if (event.parent === 0) {
    // An open file that has lost its name below: its copy has none either.
    inode.nlink = 0;
    tree.orphans++;
    return;
  }
  inode.name = event.name;
  if (event.upperIno === event.ino && inode.nlink > 1) startUpperNames(tree, inode);
  else count(tree, inode, 1);
}

function written(tree: Tree, event: EventOf<'Written'>): void {
  const inode = tree.edit(event.ino);
  const { size: sizeBefore } = inode;
  const allocatedBefore = inode.content === null ? 0 : inode.content.allocatedBytes;
  const content = tree.editContent(inode);
  const { pieces } = event;
  let at = event.offset;
  for (let index = 0; index < pieces.length; index += 3) {
    const length = pieces[index + 2];
    content.write(at, length, pieces[index], pieces[index + 1]);
    at += length;
  }
  if (at > inode.size) inode.size = at;
  if (isCounted(inode)) {
    tree.upperBytes += inode.size - sizeBefore;
    tree.upperAllocatedBytes += content.allocatedBytes - allocatedBefore;
  }
  modified(inode, event.timeNs);
}

function truncated(tree: Tree, event: EventOf<'Truncated'>): void {
  const inode = tree.edit(event.ino);
  changeSize(tree, inode, () => {
    if (event.size === 0) inode.content = null;
    else if (event.size <= inode.size && inode.content !== null) tree.editContent(inode).truncate(event.size);
    inode.size = event.size;
  });
  modified(inode, event.timeNs);
}

function attributesChanged(tree: Tree, event: EventOf<'AttributesChanged'>): void {
  const inode = tree.edit(event.ino);
  if (event.mode !== null) inode.mode = (inode.mode & S_IFMT) | (event.mode & PERMISSION_BITS);
  if (event.uid !== null) inode.uid = event.uid;
  if (event.gid !== null) inode.gid = event.gid;
  if (event.atimeNs !== null) inode.atimeNs = event.atimeNs;
  if (event.mtimeNs !== null) inode.mtimeNs = event.mtimeNs;
  if (event.ctimeNs !== null) inode.ctimeNs = event.ctimeNs;
}

/** Runs a change of a file's size or blocks and keeps the counters of the upper right. */
function changeSize(tree: Tree, inode: Inode, change: () => void): void {
  const counts = isCounted(inode);
  if (counts) count(tree, inode, -1);
  change();
  if (counts) count(tree, inode, 1);
}

function modified(inode: Inode, timeNs: bigint | null): void {
  if (timeNs === null) return;
  inode.mtimeNs = timeNs;
  inode.ctimeNs = timeNs;
}

function touchParent(tree: Tree, parent: Ino, timeNs: bigint | null): void {
  if (timeNs === null) return;
  const inode = tree.edit(parent);
  inode.mtimeNs = timeNs;
  inode.ctimeNs = timeNs;
}
