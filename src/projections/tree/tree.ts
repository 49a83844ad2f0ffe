/**
 * One file system tree: an inode table, of which the root directory is number 1.
 *
 * A container's tree is its *merged* tree: it starts as a snapshot of its image's merged lower tree, and every event
 * turns nodes of it into upper ones. So a lookup is one step a name, however many layers lie below; what the lower holds
 * under a name is asked of the image's tree, where a merged directory has the same number. The upper alone (what would
 * lie in an upperdir) is the nodes whose `layer` is UPPER and the whiteouts of their directories.
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import { S_IFDIR } from '../../events/mode.ts';
import { Content } from './content.ts';
import { type Directory, Inode } from './inode.ts';
import { Owner, Trie } from './trie.ts';

export class Tree {
  inodes: Trie<Inode>;
  /** The number that the next new node gets. */
  nextIno: Ino;
  /** Docker's size of the upper: st_size over upper non-directories with a name, hard links once. */
  upperBytes = 0;
  /** Bytes of allocated blocks of the same nodes. */
  upperAllocatedBytes = 0;
  /** Upper nodes with a name, and whiteouts. */
  upperNodes = 0;
  whiteouts = 0;
  /** Upper nodes without a name that an open file holds, or O_TMPFILE made. */
  orphans = 0;
  /** How often a directory of this object has lost or changed its name: what a remembered path depends on. */
  directoryMoves = 0;
  owner: Owner;

  constructor(inodes: Trie<Inode>, nextIno: Ino) {
    this.inodes = inodes;
    this.nextIno = nextIno;
    this.owner = new Owner();
  }

  /** A tree that holds only a root directory. */
  static empty(timeNs: bigint, mode = 0o755, uid = 0, gid = 0): Tree {
    const tree = new Tree(new Trie<Inode>(), ROOT_INO + 1);
    const root = new Inode(tree.owner, S_IFDIR | mode, uid, gid, timeNs);
    root.parent = ROOT_INO;
    tree.inodes.set(ROOT_INO, root, tree.owner);
    tree.upperNodes = 1;
    return tree;
  }

  /** The tree as it is now, as a value of its own: O(1); later changes of either leave the other alone. */
  snapshot(): Tree {
    const copy = new Tree(this.inodes.share(), this.nextIno);
    copy.upperBytes = this.upperBytes;
    copy.upperAllocatedBytes = this.upperAllocatedBytes;
    copy.upperNodes = this.upperNodes;
    copy.whiteouts = this.whiteouts;
    copy.orphans = this.orphans;
    this.owner = new Owner();
    return copy;
  }

  get(ino: Ino): Inode | undefined {
    return this.inodes.get(ino);
  }

  /** The node of that number; it must exist (an event or an entry names it). */
  at(ino: Ino): Inode {
    const inode = this.inodes.get(ino);
    if (inode === undefined) throw new Error(`tree: there is no node ${ino}`);
    return inode;
  }

  /** Number behind a name, or 0. */
  lookup(directory: Ino, name: string): Ino {
    const inode = this.inodes.get(directory);
    if (inode === undefined || inode.dir === null) return 0;
    return inode.dir.entries.get(name) ?? 0;
  }

  /** The node, for changing. Only fold.ts and merge.ts call this. */
  edit(ino: Ino): Inode {
    const inode = this.inodes.edit(ino, this.owner, ownedInode);
    if (inode === undefined) throw new Error(`tree: there is no node ${ino}`);
    return inode;
  }

  /** A directory's own part, for changing. */
  editDirectory(ino: Ino): Directory {
    return this.ownDirectory(this.edit(ino));
  }

  /** The directory's part of a node from {@link Tree.edit}, for changing. */
  ownDirectory(inode: Inode): Directory {
    if (inode.dir === null) throw new Error(`tree: the node ${inode.name} is not a directory`);
    inode.dir = inode.dir.own(this.owner);
    return inode.dir;
  }

  /** A name of a directory from {@link Tree.editDirectory} stands for a node from now on. */
  setEntry(directory: Directory, name: string, ino: Ino): void {
    directory.entries.set(name, ino, this.owner);
  }

  /** As {@link Tree.setEntry}, of a node that may have other names; it does not know the new one yet. */
  linkEntry(directory: Directory, name: string, ino: Ino): void {
    this.setEntry(directory, name, ino);
  }

  /** A name that stands for a node goes. */
  deleteEntry(directory: Directory, name: string, _ino: Ino): void {
    directory.entries.delete(name, this.owner);
  }

  /** The content of a node from {@link Tree.edit}, for changing. */
  editContent(inode: Inode): Content {
    inode.content = inode.content === null ? new Content(this.owner) : inode.content.own(this.owner);
    return inode.content;
  }

  insert(ino: Ino, inode: Inode): void {
    this.inodes.set(ino, inode, this.owner);
    if (ino >= this.nextIno) this.nextIno = ino + 1;
  }

  remove(ino: Ino): void {
    this.inodes.delete(ino, this.owner);
  }

  /** A node's path from its most recent name, for people; null where it has none. */
  pathOf(ino: Ino): string | null {
    let path = '';
    let at = ino;
    while (at !== ROOT_INO) {
      const inode = this.get(at);
      if (inode === undefined || inode.parent === 0) return null;
      path = `/${inode.name}${path}`;
      at = inode.parent;
    }
    return path === '' ? '/' : path;
  }

  /** Path of an entry of a directory. */
  entryPath(parent: Ino, name: string): string {
    const directory = this.pathOf(parent) ?? '';
    return directory === '/' ? `/${name}` : `${directory}/${name}`;
  }
}

function ownedInode(inode: Inode, owner: Owner): Inode {
  return inode.owner === owner ? inode : inode.copy(owner);
}
