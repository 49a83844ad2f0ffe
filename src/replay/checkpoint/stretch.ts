/**
 * What is known of a stretch of the log, the events `(from, to]`, without reading it: what happened to which node
 * (node-histories.ts), and what the counters of the trees were.
 *
 * With it a past moment is a checkpoint and, for each node that somebody asks for, what happened to it since.
 */

import { deserialize } from 'node:v8';
import type { SubjectId, Transaction } from '../../events/event.ts';
import { isStoreError } from '../../events/log-error.ts';
import type { NodeReader, NodeRef } from '../../events/node-store.ts';
import type { TreeCounters } from '../../projections/stored/stored-tree.ts';
import { gatherHistories } from './gather-histories.ts';
import { blockRef, type HistoryTable } from './node-histories.ts';
import { upperBound } from './sorted.ts';
import { countersAtRow, type SubjectRows } from './subject-rows.ts';
import { TouchedNodes, Touches } from './touches.ts';

export interface StretchData {
  readonly from: number;
  readonly to: number;
  /** First events of transactions that hold something else than file events, less `from`. */
  readonly others: Uint32Array;
  readonly subjects: ReadonlyMap<SubjectId, { readonly rows: SubjectRows; readonly history: HistoryTable }>;
}

/** Where a stretch has its blocks from. */
export interface StretchSource {
  readonly nodes: NodeReader;
  /** Transactions that begin in `[from, to]`. */
  read(from: number, to: number): Iterable<Transaction>;
}

/** A stretch that is complete. */
export class Stretch {
  readonly #data: StretchData;
  readonly #source: StretchSource;
  readonly #nodes = new Map<SubjectId, TouchedNodes>();

  constructor(bytes: Buffer, source: StretchSource) {
    this.#data = deserialize(bytes) as StretchData;
    this.#source = source;
  }

  get from(): number {
    return this.#data.from;
  }

  get to(): number {
    return this.#data.to;
  }

  /** First events of the transactions up to `seq` that hold something else than file events. */
  *otherTransactions(seq: number): Generator<number, void> {
    for (const other of this.#data.others) {
      if (this.#data.from + other > seq) return;
      yield this.#data.from + other;
    }
  }

  /**
   * What touched the nodes of a subject from event `after + 1` to `seq`; null: nothing in the stretch.
   *
   * @param keyEnd - No node that was there then has this number or a greater one.
   */
  touches(subject: SubjectId, after: number, seq: number, keyEnd = Infinity): Touches | null {
    const nodes = this.nodesOf(subject);
    return nodes === null ? null : new Touches(nodes, { from: this.#data.from, after, seq, keyEnd });
  }

  /** What happened to nodes of a subject in the stretch; null: nothing. */
  nodesOf(subject: SubjectId): TouchedNodes | null {
    const stored = this.#data.subjects.get(subject);
    if (stored === undefined) return null;
    let nodes = this.#nodes.get(subject);
    if (nodes === undefined) {
      const block = (index: number): Buffer => this.#block(subject, blockRef(stored.history, index), index);
      nodes = new TouchedNodes(this.#data.from, stored.rows.seqs, stored.history, block);
      this.#nodes.set(subject, nodes);
    }
    return nodes;
  }

  /** A block of histories; one that can't be read is made of the log again. */
  #block(subject: SubjectId, ref: NodeRef, index: number): Buffer {
    try {
      return this.#source.nodes.node(ref);
    } catch (error) {
      if (!isStoreError(error, 'ERR_CHECKPOINT_DAMAGED')) throw error;
      return this.#again(subject)[index];
    }
  }

  /** The blocks of a subject from the log. The same gathering over the same events gives the same blocks. */
  #again(subject: SubjectId): Buffer[] {
    const { from, to, subjects } = this.#data;
    const blocks: Buffer[] = [];
    const write = (bytes: Uint8Array): NodeRef => {
      blocks.push(Buffer.from(bytes));
      return { position: blocks.length - 1, digest: '' };
    };
    const rows = new Map([[subject, (subjects.get(subject) as { rows: SubjectRows }).rows]]);
    const read = (first: number, last: number): Iterable<Transaction> => this.#source.read(first, last);
    for (const _ of gatherHistories({ from, to, rows, read, write }));
    return blocks;
  }

  /** The counters of a subject after its last transaction up to `seq`; null: it has none in the stretch. */
  countersAt(subject: SubjectId, seq: number): TreeCounters | null {
    const rows = this.#data.subjects.get(subject)?.rows;
    if (rows === undefined) return null;
    const row = upperBound(rows.seqs, seq - this.#data.from) - 1;
    return row < 0 ? null : countersAtRow(rows, row);
  }

  /** For whoever goes on writing it. */
  get data(): StretchData {
    return this.#data;
  }
}
