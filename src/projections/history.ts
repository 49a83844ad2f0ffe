/**
 * The index of what touched which node, from which the history of a path is read (replay/path-history.ts).
 *
 * It holds the sequence numbers of transactions only: a node has a list, newest first, that is never changed, only
 * extended. What a file was before (the lower name of a broken hard link, the file that a rename replaced, the container
 * that was forked) is noted as its origin, so that a history goes on there.
 */

import type { FileEvent, Ino, SubjectId, Transaction } from '../events/event.ts';
import type { Projection } from './projection.ts';
import { Owner, Trie } from './tree/trie.ts';
import { isFileEvent } from '../events/file-event.ts';

/** First sequence numbers of transactions, newest first. */
export interface SeqList {
  readonly seq: number;
  readonly older: SeqList | null;
}

/** Up to event `seq`, the history is that of another node. */
export interface Origin {
  readonly ino: Ino;
  readonly seq: number;
  readonly older: Origin | null;
}

export interface SubjectHistory {
  readonly touched: Trie<SeqList>;
  readonly origins: Trie<Origin>;
  /** Transactions that changed the whole tree: rewinds. */
  readonly rewinds: SeqList | null;
  /** A fork's past is its source's, up to event `at`. */
  readonly from: { readonly subject: SubjectId; readonly at: number } | null;
}

export type History = ReadonlyMap<SubjectId, SubjectHistory>;

export const history: Projection<History> = {
  name: 'history',
  version: 1,
  initial: () => new Map(),
  apply(state, batch) {
    const writer = new HistoryWriter(state);
    for (const transaction of batch) writer.add(transaction);
    return writer.end();
  },
};

/**
 * First sequence numbers of the transactions that touched a node of a container or volume, oldest first.
 *
 * @param upTo - Only those at or before this event.
 */
export function transactionsOf(index: History, subject: SubjectId, ino: Ino, upTo = Infinity): number[] {
  const seqs = new Set<number>();
  const rewinds = new Set<number>();
  const visited = new Set<string>();
  const pending = [{ subject, ino, upTo }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const subjectHistory = index.get(next.subject);
    const key = `${next.subject}/${next.ino}/${next.upTo}`;
    if (subjectHistory === undefined || visited.has(key)) continue;
    visited.add(key);
    const { from } = subjectHistory;
    collect(subjectHistory.touched.get(next.ino) ?? null, next.upTo, seqs);
    collect(subjectHistory.rewinds, next.upTo, rewinds);
    for (let at = subjectHistory.origins.get(next.ino) ?? null; at !== null; at = at.older) {
      if (at.seq <= next.upTo) pending.push({ subject: next.subject, ino: at.ino, upTo: at.seq });
    }
    if (from !== null) pending.push({ subject: from.subject, ino: next.ino, upTo: Math.min(next.upTo, from.at) });
  }
  let first = Infinity;
  for (const seq of seqs) first = Math.min(first, seq);
  for (const seq of rewinds) if (seq > first) seqs.add(seq);
  return [...seqs].sort((a, b) => a - b);
}

function collect(list: SeqList | null, upTo: number, into: Set<number>): void {
  for (let at = list; at !== null; at = at.older) if (at.seq <= upTo) into.add(at.seq);
}

class HistoryWriter {
  readonly #state: History;
  readonly #owner = new Owner();
  /** Histories that this batch changes; their tries are shared copies of its own. */
  readonly #changed = new Map<SubjectId, Changing>();

  constructor(state: History) {
    this.#state = state;
  }

  add(transaction: Transaction): void {
    const { subject, seq } = transaction;
    let at = seq;
    for (const event of transaction.events) {
      if (isFileEvent(event)) this.#file(this.#of(subject), event, seq, at);
      else if (event.type === 'ContainerRewound') {
        const changing = this.#of(event.container);
        changing.rewinds = { seq, older: changing.rewinds };
      } else if (event.type === 'NodesRestored') {
        const changing = this.#of(event.container);
        const touched = [...event.parents, ...event.inos, ...event.nodes.filter((_, index) => index % 3 === 0)];
        for (const ino of touched) this.#touch(changing, ino, seq);
        for (let index = 0; index < event.nodes.length; index += 3) {
          const [ino, from] = [event.nodes[index], event.nodes[index + 1]];
          if (ino !== from) this.#originate(changing, ino, from, at);
        }
      } else if (event.type === 'ContainerForked') {
        this.#of(event.container).from = { subject: event.from, at: event.at };
      }
      at++;
    }
  }

  end(): History {
    return this.#changed.size === 0 ? this.#state : new Map([...this.#state, ...this.#changed]);
  }

  #file(changing: Changing, event: FileEvent, seq: number, at: number): void {
    const touch = (ino: Ino): void => this.#touch(changing, ino, seq);
    const originate = (ino: Ino, from: Ino): void => this.#originate(changing, ino, from, at);
    switch (event.type) {
      case 'NodeCreated':
      case 'Linked':
      case 'Unlinked':
        touch(event.ino);
        return touch(event.parent);
      case 'WhiteoutCreated':
      case 'WhiteoutRemoved':
        return touch(event.parent);
      case 'Renamed':
        touch(event.ino);
        touch(event.fromParent);
        touch(event.toParent);
        touch(event.replaced);
        if (event.replaced !== 0 && !event.exchange) originate(event.ino, event.replaced);
        return;
      case 'FileCopiedUp':
      case 'SymlinkCopiedUp':
      case 'NodeCopiedUp':
        touch(event.upperIno);
        if (event.upperIno === event.ino) return;
        touch(event.ino);
        return originate(event.upperIno, event.ino);
      default:
        return touch(event.ino);
    }
  }

  #touch(changing: Changing, ino: Ino, seq: number): void {
    if (ino === 0) return;
    const older = changing.touched.get(ino) ?? null;
    if (older?.seq !== seq) changing.touched.set(ino, { seq, older }, this.#owner);
  }

  #originate(changing: Changing, ino: Ino, from: Ino, at: number): void {
    changing.origins.set(ino, { ino: from, seq: at, older: changing.origins.get(ino) ?? null }, this.#owner);
  }

  #of(subject: SubjectId): Changing {
    let changing = this.#changed.get(subject);
    if (changing === undefined) {
      const before = this.#state.get(subject);
      changing = {
        touched: before?.touched.share() ?? new Trie<SeqList>(),
        origins: before?.origins.share() ?? new Trie<Origin>(),
        rewinds: before?.rewinds ?? null,
        from: before?.from ?? null,
      };
      this.#changed.set(subject, changing);
    }
    return changing;
  }
}

type Changing = { -readonly [K in keyof SubjectHistory]: SubjectHistory[K] };
