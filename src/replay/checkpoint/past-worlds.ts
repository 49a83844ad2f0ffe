/**
 * A past moment, of which nothing is folded but what somebody asks for.
 *
 * The registry is that of the checkpoint before, with the few transactions that changed it since. A tree is the
 * checkpoint's, in which each node that was touched since is what its transactions made of it, when it is asked for. So a
 * question costs the same however far away the checkpoint is and however large the tree.
 */

import { type Ino, lastSeq, type StoreEvent, type SubjectId, type Transaction } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import type { CheckpointInfo } from '../../events/node-store.ts';
import { forEachTouched } from '../../projections/touched-nodes.ts';
import { countersOf } from '../../projections/stored/stored-tree.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { NodesRestored } from '../../projections/tree/restore.ts';
import type { Overlay, Past, World } from '../../projections/world.ts';
import { pastTree } from './past-tree.ts';
import { readTree } from './read-tree.ts';
import type { Stretch } from './stretch.ts';

/** Forks and rewinds between the checkpoint and the moment: with more of them folding is faster. */
const REFERENCES_MAX = 64;

/** Worlds that are kept: those of all moments that are referred to, and some more. */
const WORLDS_MAX = 2 * REFERENCES_MAX;

const TRANSACTIONS_MAX = 4096;

/** Trees behind what was restored in them that are kept. */
const RESTORED_MAX = 2 * REFERENCES_MAX;

/** Where past moments stand on. */
export interface PastSource {
  readonly list: readonly CheckpointInfo[];
  /** The world of a checkpoint, or for 0 the empty one; null: it can't be read. */
  worldOf(seq: number): World | null;
  stretch(info: CheckpointInfo): Stretch | null;
  transactionAt(seq: number): Transaction | undefined;
  /** Transactions from the one that holds `from` to the one that holds `to`; nobody asks for their causes. */
  read(from: number, to: number): Iterable<Transaction>;
  /** Forks and rewinds among the events `(after, to]`. */
  references(after: number, to: number): number;
}

/** What changed of a container or volume between two moments. */
export interface PastChanges {
  /** All nodes that are not the same at both, and maybe some others. */
  readonly touched: ReadonlySet<Ino>;
  /** Its tree at the later one. */
  readonly later: Tree;
}

export class PastWorlds {
  readonly #source: PastSource;
  readonly #readMax: number;
  readonly #transactions = new Map<number, Transaction>();
  readonly #worlds = new Map<number, World>();
  /** Trees behind events that restored names and nodes. Not to be changed. */
  readonly #restored = new Map<number, Tree>();

  /** @param readMax - What so few events changed the log says sooner than the histories of all nodes. */
  constructor(source: PastSource, readMax: number) {
    this.#source = source;
    this.#readMax = readMax;
  }

  /**
   * The world after event `seq`.
   *
   * @param past - Answers about the moments that forks and rewinds refer to.
   * @returns A value that nobody folds; null where checkpoints do not cover the moment.
   */
  worldAt(seq: number, past: Past): World | null {
    const known = this.#worlds.get(seq);
    if (known !== undefined) return known;
    const world = this.#madeAt(seq, past);
    if (world === null) return null;
    this.#worlds.set(seq, world);
    if (this.#worlds.size > WORLDS_MAX) this.#worlds.delete(this.#worlds.keys().next().value as number);
    return world;
  }

  #madeAt(seq: number, past: Past): World | null {
    const info = this.#covering(seq);
    if (info === null) return null;
    if (info.seq === seq) return this.#source.worldOf(seq);
    const end = this.#wholeTransaction(seq);
    if (end === null || this.#source.references(info.from, end.seq) > REFERENCES_MAX) return null;
    const base = this.#source.worldOf(info.from);
    const stretch = this.#source.stretch(info);
    if (base === null || stretch === null) return null;
    if (end.seq <= info.from) return base;
    const world = base.snapshot();
    world.seq = -1; // no moment that an event refers to is this world: its trees are not what they were then
    const origins = this.#applyOthers(world, stretch, end.seq, past);
    if (origins === null) return null;
    for (const overlay of world.overlays()) {
      const { subject, tree } = overlay;
      overlay.tree = this.#treeAt(tree, subject, stretch, origins.get(subject) ?? info.from, end.seq);
    }
    world.seq = end.seq;
    world.timeNs = end.timeNs;
    world.isPartial = false;
    return world;
  }

  /**
   * What may have changed of a subject between two worlds that both have it; null where that is not known, or its tree was
   * exchanged on the way.
   */
  changesBetween(subject: SubjectId, earlier: World, later: World): PastChanges | null {
    if (later.seq - earlier.seq <= this.#readMax) return this.#readChanges(subject, earlier, later);
    const touched = this.#touchedBetween(subject, earlier.seq, later.seq);
    return touched === null ? null : { touched, later: (later.overlay(subject) as Overlay).tree };
  }

  /** The later tree is the earlier one then, with the transactions between them folded in. */
  #readChanges(subject: SubjectId, earlier: World, later: World): PastChanges | null {
    const transactions: Transaction[] = [];
    for (const transaction of this.#source.read(earlier.seq + 1, later.seq)) {
      if (transaction.events.some((event) => !isFileEvent(event) && exchangesTree(event, subject))) return null;
      if (transaction.subject === subject) transactions.push(transaction);
    }
    const base = (earlier.overlay(subject) as Overlay).tree;
    const counters = countersOf((later.overlay(subject) as Overlay).tree);
    const { tree, touched } = readTree(base, transactions, counters);
    return { touched: new Set(touched), later: tree };
  }

  /** The nodes that may have been touched between the ends of two transactions. */
  #touchedBetween(subject: SubjectId, from: number, to: number): Set<Ino> | null {
    const inos = new Set<Ino>();
    const touch = (ino: Ino): void => void inos.add(ino);
    for (let at = from; at < to;) {
      const info = this.#covering(at + 1);
      const end = Math.min(to, info?.seq ?? this.#nextCovered(at));
      const isWhole = info?.from === at && info.seq === end;
      if (!isWhole && end - at <= this.#readMax) {
        if (!this.#readTouched(subject, at, end, touch)) return null;
      } else {
        const stretch = info === null ? null : this.#source.stretch(info);
        if (stretch === null || this.#isExchanged(subject, stretch, at, end)) return null;
        stretch.touches(subject, at, end)?.forEachThatMay(touch);
      }
      at = end;
    }
    return inos;
  }

  /** Where the log is covered again behind a moment that is not. */
  #nextCovered(seq: number): number {
    return this.#source.list.find(({ from }) => from > seq)?.from ?? Infinity;
  }

  /** Calls `touch` for what the transactions `(after, to]` touched; false: one of them exchanged the tree, or parts of it. */
  #readTouched(subject: SubjectId, after: number, to: number, touch: (ino: Ino) => void): boolean {
    for (const transaction of this.#source.read(after + 1, to)) {
      for (const event of transaction.events) {
        if (!isFileEvent(event)) {
          if (exchangesTree(event, subject)) return false;
        } else if (transaction.subject === subject) {
          forEachTouched(event, touch);
          if ('upperIno' in event) touch(event.ino);
        }
      }
    }
    return true;
  }

  /** Whether a tree was put in the place of the subject's, or parts of one. */
  #isExchanged(subject: SubjectId, stretch: Stretch, after: number, to: number): boolean {
    for (const first of stretch.otherTransactions(to)) {
      if (first <= after) continue;
      if (this.#transaction(first).events.some((event) => exchangesTree(event, subject))) return true;
    }
    return false;
  }

  #covering(seq: number): CheckpointInfo | null {
    const { list } = this.#source;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    const info = list[low];
    return info !== undefined && info.from < seq ? info : null;
  }

  /** The end of the last transaction that ends at or before a moment. */
  #wholeTransaction(seq: number): { seq: number; timeNs: bigint } | null {
    const transaction = this.#source.transactionAt(seq);
    if (transaction === undefined) return null;
    if (lastSeq(transaction) === seq) return { seq, timeNs: transaction.timeNs };
    const before = this.#source.transactionAt(transaction.seq - 1);
    return before === undefined ? null : { seq: transaction.seq - 1, timeNs: before.timeNs };
  }

  /**
   * Applies what is not about files. Gives for each container and volume whose tree began anew the event that did it; null
   * where one was restored in the middle of a transaction, whose first part has to be folded.
   */
  #applyOthers(world: World, stretch: Stretch, end: number, past: Past): Map<SubjectId, number> | null {
    const origins = new Map<SubjectId, number>();
    for (const first of stretch.otherTransactions(end)) {
      const transaction = this.#transaction(first);
      let seq = first;
      for (const event of transaction.events) {
        if (event.type === 'NodesRestored') {
          if (transaction.events.length > 1) return null;
          this.#restore(world, stretch, origins.get(event.container) ?? stretch.from, transaction, past);
          origins.set(event.container, seq);
        } else if (!isFileEvent(event)) {
          const subject = beginsTree(event);
          if (event.type === 'ContainerRewound') keepNumbers(world, stretch, event.container, first);
          world.applyEvents(transaction.subject, [event], seq, transaction.timeNs, past);
          if (subject !== null) origins.set(subject, seq);
        }
        seq++;
      }
    }
    return origins;
  }

  /** Names and nodes become what they were, in the tree of that time: where the tree goes on from. */
  #restore(world: World, stretch: Stretch, origin: number, transaction: Transaction, past: Past): void {
    const { seq, events, timeNs } = transaction;
    const [event] = events as [NodesRestored];
    const overlay = world.overlay(event.container) as Overlay;
    const known = this.#restored.get(seq);
    if (known !== undefined) {
      overlay.tree = known;
      return;
    }
    overlay.tree = this.#treeAt(overlay.tree, event.container, stretch, origin, seq - 1).snapshot();
    world.applyEvents(transaction.subject, events, seq, timeNs, past);
    this.#restored.set(seq, overlay.tree);
    if (this.#restored.size > RESTORED_MAX) this.#restored.delete(this.#restored.keys().next().value as number);
  }

  #treeAt(base: Tree, subject: SubjectId, stretch: Stretch, origin: number, end: number): Tree {
    // The transaction of the origin counts from the event behind it on.
    const first = origin > stretch.from ? (this.#source.transactionAt(origin)?.seq ?? origin) : origin + 1;
    const counters = stretch.countersAt(subject, end);
    if (counters === null) return base;
    const touches = stretch.touches(subject, first - 1, end, counters.nextIno);
    if (touches === null || touches.lastKey < 0) return base;
    return pastTree(base, touches, origin, counters);
  }

  #transaction(first: number): Transaction {
    const known = this.#transactions.get(first);
    if (known !== undefined) return known;
    const transaction = this.#source.transactionAt(first);
    if (transaction === undefined) throw new Error(`past worlds: there is no event ${first}`);
    if (this.#transactions.size >= TRANSACTIONS_MAX) this.#transactions.clear();
    this.#transactions.set(first, transaction);
    return transaction;
  }
}

/** The container or volume that gets a tree by the event; null: none. */
function beginsTree(event: StoreEvent): SubjectId | null {
  switch (event.type) {
    case 'ContainerCreated':
    case 'ContainerForked':
    case 'ContainerRewound':
      return event.container;
    case 'VolumeCreated':
      return event.volume;
    default:
      return null;
  }
}

/** Whether a container or volume has another tree behind the event, or another part of one. */
const exchangesTree = (event: StoreEvent, subject: SubjectId): boolean =>
  beginsTree(event) === subject || (event.type === 'NodesRestored' && event.container === subject);

/** A rewound tree goes on with the numbers that it had reached. */
function keepNumbers(world: World, stretch: Stretch, subject: SubjectId, seq: number): void {
  const tree = world.overlay(subject)?.tree;
  const counters = stretch.countersAt(subject, seq - 1);
  if (tree !== undefined && counters !== null) tree.nextIno = Math.max(tree.nextIno, counters.nextIno);
}
