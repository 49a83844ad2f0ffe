/** The nodes that were touched in a part of a stretch, and what happened to each. */

import type { Ino } from '../../events/event.ts';
import { ByteReader } from '../../projections/bytes.ts';
import { type HistoryTable, NODES_IN_GROUP } from './node-histories.ts';
import { HistoryIndex } from './history-index.ts';
import { HistoryRange } from './history-range.ts';
import { type HistoryPlace, NodeHistory } from './node-history.ts';
import { lowerBound, upperBound } from './sorted.ts';

/** A history of so many effects is kept once it was read; and those of so many are kept in all. */
const KEPT_MIN = 16;
const KEPT_MAX = 400_000;

/** All touched nodes of a subject in a stretch. */
export class TouchedNodes {
  readonly seqs: Uint32Array;
  readonly table: HistoryTable;
  readonly #from: number;
  readonly #block: (index: number) => Buffer;
  readonly #seqOf = (row: number): number => this.#from + this.seqs[row];
  readonly #kept = new Map<number, NodeHistory>();
  #keptEffects = 0;

  /**
   * @param from - What `seqs` count from.
   * @param block - A block of histories, by its index.
   */
  constructor(from: number, seqs: Uint32Array, table: HistoryTable, block: (index: number) => Buffer) {
    this.#from = from;
    this.seqs = seqs;
    this.table = table;
    this.#block = block;
  }

  /** What happened to the node at a place in the table. */
  history(at: number): NodeHistory {
    const known = this.#kept.get(at);
    if (known !== undefined) return known;
    const history = new NodeHistory(this.place(at));
    const { count } = history;
    if (count >= KEPT_MIN) {
      this.#keptEffects += count;
      if (this.#keptEffects > KEPT_MAX) {
        this.#kept.clear();
        this.#keptEffects = count;
      }
      this.#kept.set(at, history);
    }
    return history;
  }

  /** The first event of the transaction with file events that holds event `seq`. */
  firstOf(seq: number): number {
    return this.#from + this.seqs[upperBound(this.seqs, seq - this.#from) - 1];
  }

  /** Where the history of the node at a place in the table lies. */
  place(at: number): HistoryPlace {
    const { starts, blockNodes } = this.table;
    const block = upperBound(blockNodes, at) - 1;
    const bytes = this.#block(block);
    const isLast = at + 1 === (blockNodes[block + 1] ?? starts.length);
    const end = isLast ? bytes.length : starts[at + 1];
    const reader = new ByteReader(bytes, starts[at]);
    const indexBytes = reader.varint();
    const index = indexBytes === 0 ? null : new HistoryIndex(bytes, reader.at);
    return { bytes, start: reader.at + indexBytes, end, index, seqOf: this.#seqOf };
  }
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
   * What happened to a node; null: nothing.
   *
   * @param after - Events up to this one do not count.
   * @param end - Nor do those from this one on.
   */
  of(ino: Ino, after: number, end: number): HistoryRange | null {
    const { inos } = this.#nodes.table;
    const at = lowerBound(inos, ino);
    return at < this.#length && inos[at] === ino && this.#mayCount(at) ? this.#range(at, after, end) : null;
  }

  #range(at: number, after: number, end: number): HistoryRange {
    const { seqs } = this.#nodes;
    const first = this.#first < seqs.length ? this.#from + seqs[this.#first] - 1 : Infinity;
    const last = this.#end < seqs.length ? this.#from + seqs[this.#end] : Infinity;
    return new HistoryRange(this.#nodes.history(at), Math.max(first, after), Math.min(last, end));
  }

  /** Calls `visit` for each node that was touched, and maybe for some that were touched before and behind, ascending. */
  forEachThatMay(visit: (ino: Ino) => void): void {
    const { inos } = this.#nodes.table;
    for (let at = this.#next(0); at < this.#length; at = this.#next(at + 1)) visit(inos[at]);
  }

  /** The first node that may count from a place on, or a place behind all. */
  #next(from: number): number {
    const { leastRows } = this.#nodes.table;
    let at = from;
    while (at < this.#length) {
      if (at % NODES_IN_GROUP === 0 && leastRows[at / NODES_IN_GROUP] >= this.#end) at += NODES_IN_GROUP;
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
