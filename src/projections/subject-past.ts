/**
 * What touched which node: where a history of a path is read from (replay/path-history.ts).
 *
 * Two give it: the fold of a log (history.ts), and checkpoints, in which what happened to a node stands in one place
 * (replay/checkpoint/stored-past.ts). They give the same.
 */

import type { Ino, SubjectId } from '../events/event.ts';

/** Up to event `seq`, the history of a node is that of another one. */
export interface Origin {
  readonly ino: Ino;
  readonly seq: number;
}

/** Of a container or volume. A transaction is named by its first event. */
export interface SubjectPast {
  /** Transactions at or before an event that touched a node, ascending. */
  touched(ino: Ino, upTo: number): number[];
  /** Of these, the ones that changed the entry of a directory with that name; there may be others among them. */
  changedEntry(directory: Ino, name: string, upTo: number): number[];
  /** What a node was before, as of the events up to one: the lower name of a broken hard link, the file that it replaced. */
  origins(ino: Ino, upTo: number): Origin[];
  /** Transactions that changed the whole tree, ascending: rewinds. */
  rewinds(upTo: number): number[];
  /** A fork's past is its source's, up to event `at`. */
  readonly from: { readonly subject: SubjectId; readonly at: number } | null;
}

/** Undefined: nothing has happened to it. */
export interface Pasts {
  get(subject: SubjectId): SubjectPast | undefined;
}

/**
 * The transactions that touched a node of a container or volume, oldest first.
 *
 * @param upTo - Only those at or before this event.
 */
export function transactionsOf(pasts: Pasts, subject: SubjectId, ino: Ino, upTo = Infinity): number[] {
  const seqs = new Set<number>();
  const rewinds = new Set<number>();
  forEachLife(pasts, { subject, ino, upTo }, (past, life) => {
    for (const seq of past.touched(life.ino, life.upTo)) seqs.add(seq);
    for (const seq of past.rewinds(life.upTo)) rewinds.add(seq);
  });
  let first = Infinity;
  for (const seq of seqs) first = Math.min(first, seq);
  for (const seq of rewinds) if (seq > first) seqs.add(seq);
  return [...seqs].sort((a, b) => a - b);
}

/** Transactions that may have changed the entry of a directory with that name, oldest first. */
export function entryChanges(
  pasts: Pasts,
  subject: SubjectId,
  directory: Ino,
  name: string,
  upTo = Infinity,
): number[] {
  const seqs = new Set<number>();
  forEachLife(pasts, { subject, ino: directory, upTo }, (past, life) => {
    for (const seq of past.changedEntry(life.ino, name, life.upTo)) seqs.add(seq);
  });
  return [...seqs].sort((a, b) => a - b);
}

/** A node under one number, in one subject, up to an event. */
interface Life {
  readonly subject: SubjectId;
  readonly ino: Ino;
  readonly upTo: number;
}

/** Goes back from a node to what it was before, in this subject and in the source of a fork. */
function forEachLife(pasts: Pasts, last: Life, visit: (past: SubjectPast, life: Life) => void): void {
  const visited = new Set<string>();
  const pending = [last];
  for (let life = pending.pop(); life !== undefined; life = pending.pop()) {
    const { subject, ino, upTo } = life;
    const past = pasts.get(subject);
    const key = `${subject}/${ino}/${upTo}`;
    if (past === undefined || visited.has(key)) continue;
    visited.add(key);
    visit(past, life);
    for (const origin of past.origins(ino, upTo)) pending.push({ subject, ino: origin.ino, upTo: origin.seq });
    if (past.from !== null) {
      pending.push({ subject: past.from.subject, ino, upTo: Math.min(upTo, past.from.at) });
    }
  }
}
