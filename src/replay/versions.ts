/** The versions of a path: what stood there after each transaction that touched it. */

import type { ChunkReader } from '../events/chunk-store.ts';
import { type Ino, lastSeq, type SubjectId, type Transaction } from '../events/event.ts';
import { kindOf, type NodeKind } from '../events/mode.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { changedAspects } from './diff-nodes.ts';
import { nodeAt } from './restore-path.ts';
import type { ChangedAspect } from './tree-change.ts';

export interface PathVersion {
  /** The state after this event is the version; 0: as the container was made. */
  readonly seq: number;
  /** What made it; null: the image. */
  readonly transaction: Transaction | null;
  /** Null: nothing was there. */
  readonly kind: NodeKind | null;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** In what it differs from the version before; nothing for the first one, and for one that came or went. */
  readonly what: readonly ChangedAspect[];
  /** Its path then, where that was another one. */
  readonly path: string;
}

export interface VersionsQuery {
  readonly path: string;
  /** Those that touched it, oldest first. */
  readonly transactions: readonly Transaction[];
  readonly chunks: ChunkReader;
  /** A container's tree after an event; null before it was made. What a fork was before is what its source was. */
  readonly treeAt: (seq: number, subject: SubjectId) => Tree | null;
}

/** Oldest first: what the image or the source of a fork had, then a version for each transaction that changed it. */
export function versionsOf(query: VersionsQuery): PathVersion[] {
  const { path, transactions, treeAt } = query;
  const versions: PathVersion[] = [];
  let before: Inode | null = null;
  const last = lastNode(query);
  const add = (seq: number, subject: SubjectId, transaction: Transaction | null): void => {
    const { node, at } = nodeIn(treeAt(seq, subject), path, last);
    const first = versions.length === 0;
    if (first ? node === null && transaction === null : node === null && before === null) return;
    const what = node !== null && before !== null ? changedAspects(before, node, query.chunks) : [];
    if (!first && node !== null && before !== null && what.length === 0) return;
    versions.push({
      seq,
      transaction,
      kind: node === null ? null : kindOf(node.mode),
      sizeBytes: node === null || node.dir !== null ? 0 : node.size,
      mode: node?.mode ?? 0,
      mtimeNs: node?.mtimeNs ?? 0n,
      what,
      path: at,
    });
    before = node;
  };
  const [first] = transactions;
  if (first !== undefined) add(first.seq - 1, first.subject, null);
  for (const transaction of transactions) add(lastSeq(transaction), transaction.subject, transaction);
  return versions;
}

/** What stood at the path, or under the name that the same node had then. */
function nodeIn(tree: Tree | null, path: string, last: Ino): { node: Inode | null; at: string } {
  const ino = tree === null ? 0 : nodeAt(tree, path);
  if (tree === null) return { node: null, at: path };
  if (ino !== 0) return { node: tree.at(ino), at: path };
  const elsewhere = tree.get(last) === undefined ? null : tree.pathOf(last);
  return elsewhere === null ? { node: null, at: path } : { node: tree.at(last), at: elsewhere };
}

/** The node that was at the path last; 0: none. */
function lastNode({ path, transactions, treeAt }: VersionsQuery): Ino {
  for (const transaction of transactions.toReversed()) {
    for (const seq of [lastSeq(transaction), transaction.seq - 1]) {
      const tree = treeAt(seq, transaction.subject);
      const ino = tree === null ? 0 : nodeAt(tree, path);
      if (ino !== 0) return ino;
    }
  }
  return 0;
}
