/** The history of a path: every transaction that touched what stands there, under whatever name it had before. */

import type { Ino, SubjectId, Transaction } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { entryChanges, type Pasts, transactionsOf } from '../projections/subject-past.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { World } from '../projections/world.ts';

export interface PathHistoryQuery {
  readonly pasts: Pasts;
  /** The world at the moment from which to look back. */
  readonly world: World;
  readonly subject: SubjectId;
  /** Absolute, within the container's or volume's own tree; symbolic links are not followed. */
  readonly path: string;
  /** Reads the transaction that holds an event. */
  transactionAt(seq: number): Transaction | undefined;
}

/**
 * Transactions that touched a path, oldest first: through renames, broken hard links, replacement by rename, forks and
 * rewinds. A name that is gone at that moment stands for what was last seen there. A file that was made anew under the name
 * of a removed one begins a new history.
 *
 * @returns Nothing for a path that never changed, or never was.
 */
export function* historyOf(query: PathHistoryQuery): Generator<Transaction, void> {
  for (const seq of historySeqsOf(query)) {
    const transaction = query.transactionAt(seq);
    if (transaction !== undefined) yield transaction;
  }
}

/** The first events of these transactions, none of which is read. */
export function historySeqsOf(query: PathHistoryQuery): number[] {
  const { pasts, subject, world } = query;
  const node = findNode(query);
  return node === null ? [] : transactionsOf(pasts, subject, node, world.seq);
}

function findNode(query: PathHistoryQuery): Ino | null {
  const tree = query.world.overlay(query.subject)?.tree;
  let ino: Ino = ROOT_INO;
  for (const name of query.path.split('/')) {
    if (name === '' || name === '.') continue;
    const next = entryOf(tree, ino, name) ?? lastSeenAt(query, ino, name);
    if (next === null) return null;
    ino = next;
  }
  return ino;
}

function entryOf(tree: Tree | undefined, directory: Ino, name: string): Ino | null {
  return tree?.get(directory)?.dir?.entries.get(name) ?? null;
}

/** The node that a directory lost under a name, looking back through what was done to the directory. */
function lastSeenAt(query: PathHistoryQuery, directory: Ino, name: string): Ino | null {
  const seqs = entryChanges(query.pasts, query.subject, directory, name, query.world.seq);
  for (let index = seqs.length - 1; index >= 0; index--) {
    const events = query.transactionAt(seqs[index])?.events ?? [];
    for (let at = events.length - 1; at >= 0; at--) {
      const event = events[at];
      if (event.type === 'Unlinked' && event.parent === directory && event.name === name) return event.ino;
      if (event.type === 'Renamed' && event.fromParent === directory && event.fromName === name) return event.ino;
    }
  }
  return null;
}
