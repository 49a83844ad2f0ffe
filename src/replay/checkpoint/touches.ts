/** The nodes that were touched in a part of a stretch, and what happened to each. */

import type { FileEvent, Ino } from '../../events/event.ts';
import type { NodeEffects } from '../../projections/evolve-node.ts';
import { HistoryReader, type HistoryTable } from './node-histories.ts';
import { lowerBound, upperBound } from './sorted.ts';

/** Nodes that are passed over together when all of them were touched later only. */
const GROUP = 64;

/** All touched nodes of a subject in a stretch. */
export class TouchedNodes {
  readonly seqs: Uint32Array;
  readonly table: HistoryTable;
  /** The least first row of each {@link GROUP} nodes. */
  readonly leastRows: Uint32Array;
  readonly #block: (index: number) => Buffer;

  /** @param block - A block of histories, by its index. */
  constructor(seqs: Uint32Array, table: HistoryTable, block: (index: number) => Buffer) {
    this.seqs = seqs;
    this.table = table;
    this.#block = block;
    this.leastRows = leastOfGroups(table.firstRows);
  }

  /** What happened to the node at a place in the table. */
  history(at: number): HistoryReader {
    const { starts, blockNodes } = this.table;
    const block = upperBound(blockNodes, at) - 1;
    const bytes = this.#block(block);
    const isLast = at + 1 === (blockNodes[block + 1] ?? starts.length);
    return new HistoryReader(bytes, starts[at], isLast ? bytes.length : starts[at + 1]);
  }
}

function leastOfGroups(rows: Uint32Array): Uint32Array {
  const least = new Uint32Array(Math.ceil(rows.length / GROUP)).fill(0xffff_ffff);
  for (let at = 0; at < rows.length; at++) {
    const group = Math.floor(at / GROUP);
    if (rows[at] < least[group]) least[group] = rows[at];
  }
  return least;
}

/** Those that were touched between two moments. */
export class Touches {
  readonly #nodes: TouchedNodes;
  readonly #from: number;
  /** Rows that count: from the first one, in front of the end. */
  readonly #first: number;
  readonly #end: number;
  /** Nodes behind this place came later. */
  readonly #length: number;

  constructor(nodes: TouchedNodes, range: { from: number; after: number; seq: number; keyEnd: number }) {
    const { seqs, table } = nodes;
    this.#nodes = nodes;
    this.#from = range.from;
    this.#first = upperBound(seqs, range.after - range.from);
    this.#end = upperBound(seqs, range.seq - range.from);
    this.#length = this.#end <= this.#first ? 0 : lowerBound(table.inos, range.keyEnd);
  }

  /** A number that no touched node exceeds; -1: none was touched. */
  get lastKey(): number {
    const { inos } = this.#nodes.table;
    for (let at = this.#length - 1; at >= 0; at--) if (this.#mayCount(at)) return inos[at];
    return -1;
  }

  /** Whether a node from `first` on and below `end` may have been touched: nodes touched before and behind count too. */
  mayTouch(first: Ino, end: Ino): boolean {
    const { inos } = this.#nodes.table;
    const at = this.#next(lowerBound(inos, first));
    return at < this.#length && inos[at] < end;
  }

  /**
   * What happened to a node.
   *
   * @param after - Events up to this one do not count.
   * @param end - Nor do those from this one on.
   */
  effects(ino: Ino, after: number, end: number): NodeEffects {
    const { inos } = this.#nodes.table;
    const at = lowerBound(inos, ino);
    if (at >= this.#length || inos[at] !== ino || !this.#mayCount(at)) return NOTHING;
    return new RowEffects(this.#nodes.history(at), this.#nodes.seqs, {
      from: this.#from,
      first: this.#first,
      end: this.#end,
      afterSeq: after,
      endSeq: end,
    });
  }

  /** All nodes that were touched, ascending. */
  *nodes(): Generator<Ino, void> {
    const { inos, firstRows, lastRows } = this.#nodes.table;
    for (let at = this.#next(0); at < this.#length; at = this.#next(at + 1)) {
      const isSure = firstRows[at] >= this.#first || lastRows[at] < this.#end;
      if (isSure || this.effects(inos[at], -1, Infinity).next()) yield inos[at];
    }
  }

  /** The first node that may count from a place on, or a place behind all. */
  #next(from: number): number {
    const { leastRows } = this.#nodes;
    let at = from;
    while (at < this.#length) {
      if (at % GROUP === 0 && leastRows[at / GROUP] >= this.#end) at += GROUP;
      else if (this.#mayCount(at)) return at;
      else at++;
    }
    return this.#length;
  }

  #mayCount(at: number): boolean {
    const { firstRows, lastRows } = this.#nodes.table;
    return firstRows[at] < this.#end && lastRows[at] >= this.#first;
  }
}

/** A history between two rows, and between two events. */
class RowEffects implements NodeEffects {
  seq = 0;
  readonly #history: HistoryReader;
  readonly #seqs: Uint32Array;
  readonly #range: { from: number; first: number; end: number; afterSeq: number; endSeq: number };

  constructor(
    history: HistoryReader,
    seqs: Uint32Array,
    range: { from: number; first: number; end: number; afterSeq: number; endSeq: number },
  ) {
    this.#history = history;
    this.#seqs = seqs;
    this.#range = range;
  }

  next(): boolean {
    const { from, first, end, afterSeq, endSeq } = this.#range;
    const history = this.#history;
    while (history.next()) {
      if (history.row >= end) return false;
      if (history.row < first) continue;
      this.seq = from + this.#seqs[history.row] + history.index;
      if (this.seq >= endSeq) return false;
      if (this.seq > afterSeq) return true;
    }
    return false;
  }

  get isEvent(): boolean {
    return this.#history.isEvent;
  }

  event(): FileEvent {
    return this.#history.event();
  }

  get timePlace(): number {
    return this.#history.timePlace;
  }

  timeAt(place: number): bigint {
    return this.#history.timeAt(place);
  }

  takeEntry(into: Map<string, Ino>): void {
    this.#history.takeEntry(into);
  }
}

const NOTHING: NodeEffects = {
  seq: 0,
  isEvent: false,
  timePlace: 0,
  next: () => false,
  event: () => {
    throw new Error('touches: there is no effect');
  },
  timeAt: () => 0n,
  takeEntry: () => {},
};
