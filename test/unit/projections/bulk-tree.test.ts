import { describe, expect, test } from 'vitest';
import type { FileEvent } from '../../../src/events/event.ts';
import { BulkTree } from '../../../src/projections/tree/bulk-tree.ts';
import { applyFileEvent } from '../../../src/projections/tree/fold.ts';
import { Tree } from '../../../src/projections/tree/tree.ts';

const S_IFREG = 0o100644;
const S_IFDIR = 0o040755;

const made = (parent: number, name: string, ino: number, mode = S_IFREG): FileEvent => ({
  type: 'NodeCreated',
  parent,
  name,
  ino,
  mode,
  uid: 0,
  gid: 0,
  rdev: 0,
  target: '',
  timeNs: BigInt(ino),
  parentTimeNs: BigInt(ino),
});
const linked = (parent: number, name: string, ino: number, nlink: number): FileEvent => ({
  type: 'Linked',
  parent,
  name,
  ino,
  nlink,
  timeNs: 50n,
  parentTimeNs: 50n,
});
const unlinked = (parent: number, name: string, ino: number, nlink: number, released = true): FileEvent => ({
  type: 'Unlinked',
  parent,
  name,
  ino,
  nlink,
  released,
  timeNs: 60n,
});
const renamed = (ino: number, from: string, to: string, replaced = 0, exchange = false): FileEvent => ({
  type: 'Renamed',
  ino,
  fromParent: 1,
  fromName: from,
  toParent: 1,
  toName: to,
  replaced,
  replacedNlink: 0,
  replacedReleased: true,
  exchange,
  timeNs: 70n,
});

/** A tree with the files a (2) and b (3) and the directory d (4). */
function base(): Tree {
  const tree = Tree.empty(0n);
  [made(1, 'a', 2), made(1, 'b', 3), made(1, 'd', 4, S_IFDIR)].forEach((event) => applyFileEvent(tree, event, 1));
  return tree.snapshot();
}

/** All that a tree holds. */
function contentOf(tree: Tree): unknown {
  const nodes: unknown[] = [];
  tree.inodes.forEach((inode, ino) => {
    const entries: [string, number][] = [];
    inode.dir?.entries.forEach((name, child) => void entries.push([name, child]));
    const { parent, name, nlink, mode, mtimeNs, ctimeNs } = inode;
    const subdirectories = inode.dir?.subdirectories;
    nodes.push({ ino, parent, name, nlink, mode, mtimeNs, ctimeNs, entries, subdirectories });
  });
  const { nextIno, upperBytes, upperNodes, whiteouts, orphans } = tree;
  return { nodes, nextIno, upperBytes, upperNodes, whiteouts, orphans };
}

const STORIES: Readonly<Record<string, readonly FileEvent[]>> = {
  'a node that came and went': [made(1, 'x', 5), unlinked(1, 'x', 5, 0)],
  'one without a name that is open': [made(1, 'x', 5), unlinked(1, 'x', 5, 0, false), made(1, 'x', 6)],
  'a hard link whose first name goes': [made(1, 'x', 5), linked(4, 'y', 5, 2), unlinked(1, 'x', 5, 1)],
  'a hard link whose last name goes': [made(1, 'x', 5), linked(4, 'y', 5, 2), unlinked(4, 'y', 5, 1)],
  'a hard link that is renamed': [made(1, 'x', 5), linked(4, 'y', 5, 2), renamed(5, 'x', 'z')],
  'a node of before that gets a second name': [linked(4, 'y', 2, 2), unlinked(1, 'a', 2, 1)],
  'a file that gets its first name late': [made(0, '', 5), linked(1, 'x', 5, 1), unlinked(1, 'x', 5, 0)],
  'a made node over one of before': [made(1, 'x', 5), renamed(5, 'x', 'a', 2), unlinked(1, 'a', 5, 0)],
  'a node of before over a made one': [made(1, 'x', 5), renamed(2, 'a', 'x', 5)],
  'names that change hands': [made(1, 'x', 5), renamed(5, 'x', 'a', 2, true), renamed(3, 'b', 'c')],
  'directories that change hands': [made(1, 'x', 5, S_IFDIR), made(5, 'y', 6), renamed(4, 'd', 'x', 5, true)],
  'numbers with gaps': [made(1, 'x', 9), made(1, 'y', 7), made(1, 'z', 4_000_000_000), unlinked(1, 'y', 7, 0)],
  'a name that is used again': [unlinked(1, 'a', 2, 0), made(1, 'a', 5), unlinked(1, 'a', 5, 0), renamed(3, 'b', 'a')],
};

describe('a tree that is folded in bulk is the one that is folded event by event', () => {
  test.each(Object.entries(STORIES))('with %s', (_, events) => {
    const plain = base();
    const bulk = new BulkTree(base());
    events.forEach((event, index) => {
      applyFileEvent(plain, event, index + 10);
      applyFileEvent(bulk, event, index + 10);
    });
    expect(contentOf(bulk.end())).toEqual(contentOf(plain));
  });
});
