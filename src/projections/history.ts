/**
 * The index of what touched which node (subject-past.ts), folded from the log: for the part of it that no checkpoint covers.
 *
 * It holds the sequence numbers of transactions only: a node has a list, newest first, that is never changed, only
 * extended. What a file was before (the lower name of a broken hard link, the file that a rename replaced, the container
 * that was forked) is noted as its origin, so that a history goes on there.
 */

import type { FileEvent, Ino, SubjectId, Transaction } from '../events/event.ts';
import type { Projection } from './projection.ts';
import type { Origin, Pasts, SubjectPast } from './subject-past.ts';
import { Owner, Trie } from './tree/trie.ts';
import { isFileEvent } from '../events/file-event.ts';

/** First sequence numbers of transactions, newest first. */
export interface SeqList {
  readonly seq: number;
  readonly older: SeqList | null;
}

/** Newest first. */
interface OriginList extends Origin {
  readonly older: OriginList | null;
}

export interface SubjectHistory {
  readonly touched: Trie<SeqList>;
  readonly origins: Trie<OriginList>;
  /** Transactions that changed the whole tree: rewinds. */
  readonly rewinds: SeqList | null;
  /** A fork's past is its source's, up to event `at`. */
  readonly from: { readonly subject: SubjectId; readonly at: number } | null;
}

export type History = ReadonlyMap<SubjectId, SubjectHistory>;

export const history: Projection<History> = {
  name: 'history',
  version: 2,
  initial: () => new Map(),
  apply(state, batch) {
    const writer = new HistoryWriter(state);
    for (const transaction of batch) writer.add(transaction);
    return writer.end();
  },
};

/** A folded history, as one that can be asked. */
export const pastsOf = (state: History): Pasts => ({
  get(subject) {
    const past = state.get(subject);
    return past === undefined ? undefined : new FoldedPast(past);
  },
});

class FoldedPast implements SubjectPast {
  readonly #history: SubjectHistory;

  constructor(subjectHistory: SubjectHistory) {
    this.#history = subjectHistory;
  }

  get from(): SubjectHistory['from'] {
    return this.#history.from;
  }

  touched(ino: Ino, upTo: number): number[] {
    return ascending(this.#history.touched.get(ino) ?? null, upTo);
  }

  changedEntry(directory: Ino, _: string, upTo: number): number[] {
    return this.touched(directory, upTo);
  }

  origins(ino: Ino, upTo: number): Origin[] {
    const origins: Origin[] = [];
    for (let at = this.#history.origins.get(ino) ?? null; at !== null; at = at.older) {
      if (at.seq <= upTo) origins.push({ ino: at.ino, seq: at.seq });
    }
    return origins;
  }

  rewinds(upTo: number): number[] {
    return ascending(this.#history.rewinds, upTo);
  }
}

function ascending(list: SeqList | null, upTo: number): number[] {
  const seqs: number[] = [];
  for (let at = list; at !== null; at = at.older) if (at.seq <= upTo) seqs.push(at.seq);
  return seqs.reverse();
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
        touch(event.parent);
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
        origins: before?.origins.share() ?? new Trie<OriginList>(),
        rewinds: before?.rewinds ?? null,
        from: before?.from ?? null,
      };
      this.#changed.set(subject, changing);
    }
    return changing;
  }
}

type Changing = { -readonly [K in keyof SubjectHistory]: SubjectHistory[K] };
