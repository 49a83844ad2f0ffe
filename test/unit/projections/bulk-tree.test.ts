import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileEvent } from '../../../src/events/event.ts';
import { BulkTree } from '../../../src/projections/tree/bulk-tree.ts';
import { applyFileEvent } from '../../../src/projections/tree/fold.ts';
import { merkleRoot } from '../../../src/projections/tree/merkle.ts';
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
  const root = merkleRoot(tree, { digest: () => Buffer.alloc(32) });
  return { nodes, root, nextIno, upperBytes, upperNodes, whiteouts, orphans };
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
  'the only high number gone again': [made(1, 'x', 40_000), unlinked(1, 'x', 40_000, 0)],
  'a number that came before its turn, and goes': [made(1, 'x', 6), made(1, 'y', 5), unlinked(1, 'x', 6, 0)],
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

  test('with random calls on thousands of numbers that come in any order', () => {
    const past = { 32: 0, 1024: 0, 32_768: 0 };
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 120, size: 'max' }), (calls) => {
        const plain = base();
        const bulk = new BulkTree(base());
        const free = new Set<number>();
        for (const [index, each] of calls.entries()) {
          const event = eventOf(plain, free, each);
          if (event === null) continue;
          applyFileEvent(plain, event, index + 10);
          applyFileEvent(bulk, event, index + 10);
        }
        for (const bound of [32, 1024, 32_768] as const) if (plain.nextIno > bound) past[bound]++;
        expect(contentOf(bulk.end())).toEqual(contentOf(plain));
      }),
      { numRuns: 600 },
    );
    expect(Math.min(...Object.values(past))).toBeGreaterThan(50);
  });
});

interface Call {
  readonly kind: 'make' | 'link' | 'unlink' | 'rename' | 'exchange' | 'release';
  /** Choose among what there is. */
  readonly node: number;
  readonly other: number;
  /** How many numbers are left out in front of a new node. */
  readonly gap: number;
  readonly isDirectory: boolean;
  readonly isOpen: boolean;
  /** A number that was left out is taken for a new node. */
  readonly takesFree: boolean;
  readonly name: string;
}

const call: fc.Arbitrary<Call> = fc.record({
  kind: fc.constantFrom('make', 'make', 'make', 'link', 'unlink', 'unlink', 'rename', 'exchange', 'release'),
  node: fc.nat(),
  other: fc.nat(),
  gap: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 30, 900, 40_000),
  isDirectory: fc.boolean(),
  isOpen: fc.boolean(),
  takesFree: fc.boolean(),
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
});

/** The event that a call would leave in the log of a tree; null: it cannot be made there. */
function eventOf(tree: Tree, free: Set<number>, { kind, node, other, ...rest }: Call): FileEvent | null {
  const names: { parent: number; name: string; ino: number }[] = [];
  const directories: number[] = [];
  const nameless: number[] = [];
  tree.inodes.forEach((inode, ino) => {
    if (inode.nlink === 0) nameless.push(ino);
    if (inode.dir !== null && inode.nlink > 0) directories.push(ino);
    inode.dir?.entries.forEach((name, child) => void names.push({ parent: ino, name, ino: child }));
  });
  const from = names[node % Math.max(1, names.length)];
  const parent = directories[other % directories.length];
  const isTaken = tree.lookup(parent, rest.name) !== 0;
  const isFile = from !== undefined && tree.at(from.ino).dir === null;
  switch (kind) {
    case 'make': {
      if (isTaken) return null;
      const ino = newNumber(tree, free, rest);
      if (rest.isOpen && !rest.isDirectory && rest.gap === 0) return made(0, '', ino);
      return made(parent, rest.name, ino, rest.isDirectory ? S_IFDIR : S_IFREG);
    }
    case 'link':
      if (isTaken || !isFile) return null;
      return nameless.length > 0 && rest.isOpen
        ? linked(parent, rest.name, nameless[node % nameless.length], 1)
        : linked(parent, rest.name, from.ino, tree.at(from.ino).nlink + 1);
    case 'unlink': {
      if (from === undefined || (!isFile && tree.at(from.ino).dir?.entries.size !== 0)) return null;
      const nlink = isFile ? tree.at(from.ino).nlink - 1 : 0;
      return unlinked(from.parent, from.name, from.ino, nlink, !rest.isOpen || !isFile);
    }
    case 'rename':
    case 'exchange':
      return isFile ? moved(tree, from, { parent, name: rest.name }, kind === 'exchange', !rest.isOpen) : null;
    case 'release':
      return nameless.length === 0 ? null : { type: 'NodeReleased', ino: nameless[node % nameless.length] };
  }
}

/** A number that was left out, or a higher one than there was. */
function newNumber(tree: Tree, free: Set<number>, { gap, takesFree }: Pick<Call, 'gap' | 'takesFree'>): number {
  const [left] = free;
  if (takesFree && left !== undefined) {
    free.delete(left);
    return left;
  }
  const { nextIno } = tree;
  for (let ino = nextIno; ino < nextIno + Math.min(gap, 5); ino++) free.add(ino);
  return nextIno + gap;
}

/** A file takes another name, also one that a file has. */
function moved(
  tree: Tree,
  from: { parent: number; name: string; ino: number },
  to: { parent: number; name: string },
  exchange: boolean,
  isReleased: boolean,
): FileEvent | null {
  const replaced = tree.lookup(to.parent, to.name);
  if (replaced === from.ino || (exchange && replaced === 0)) return null;
  if (replaced !== 0 && tree.at(replaced).dir !== null) return null;
  const replacedNlink = replaced === 0 || exchange ? 0 : tree.at(replaced).nlink - 1;
  return {
    type: 'Renamed',
    ino: from.ino,
    fromParent: from.parent,
    fromName: from.name,
    toParent: to.parent,
    toName: to.name,
    replaced,
    replacedNlink,
    replacedReleased: isReleased,
    exchange,
    timeNs: 80n,
  };
}
