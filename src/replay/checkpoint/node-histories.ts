/**
 * What happened to each node in a stretch of the log, node by node: the log in another order.
 *
 * The log has events as they came, in bundles that are read from their start; what became of one node would have to be
 * gathered from hundreds of places. Here it stands in one:
 *
 * ```
 * history   bytes of the index varint, 0 for a short history · index (history-index.ts) · effects
 * effects   one after the other: row since the last effect's varint · kind u8 · event in its transaction varint
 *           · length varint ‖ payload
 * kind 0    an event that is about the node: MessagePack as in the log, nothing left out
 * kind 1    an entry of the directory: node varint (0: the name goes) · name
 * kind 2    the same, and the directory's new mtime and ctime: time i64 · node varint · name
 * kind 3    nothing: the node is as it was, and named by an event about another one
 * ```
 *
 * A row is a transaction. Histories lie one behind the other in blocks, which are read when somebody asks for a node. A long
 * history has an index in front.
 */

import { encodeFileEvent } from '../../events/codec.ts';
import type { FileEvent, Ino } from '../../events/event.ts';
import { NODE_DIGEST_BYTES, type NodeRef } from '../../events/node-store.ts';
import { PackWriter } from '../../events/pack-writer.ts';
import { ByteWriter } from '../../projections/bytes.ts';
import { forEachAffected, forEachEntry } from '../../projections/node-effects.ts';
import { IS_EVENT, IS_NOTHING, MARK_EFFECTS, writeIndex } from './history-index.ts';
import { nameHash } from './name-hash.ts';
import { EFFECTS_MAX, sortByNode } from './sort-effects.ts';

export const EVENT = 0;
export const ENTRY = 1;
export const TIMED_ENTRY = 2;
export const NAMED = 3;

const EMPTY = new Uint8Array(0);

/** What is read at once, more or less; one history is never cut. */
const BLOCK_BYTES = 3072;

/** Histories of so many effects get an index. */
const INDEXED_MIN = 2 * MARK_EFFECTS;

/** Nodes that are passed over together when all of them were touched later only. */
export const NODES_IN_GROUP = 64;

/** Nodes whose histories are put in order between two pauses. */
const NODES_AT_ONCE = 64;

/** The nodes of a subject that a stretch is about, and where their histories are. */
export interface HistoryTable {
  /** Ascending. */
  readonly inos: Uint32Array;
  /** First and last row that touched each node. */
  readonly firstRows: Uint32Array;
  readonly lastRows: Uint32Array;
  /** The least first row of each {@link NODES_IN_GROUP} nodes. */
  readonly leastRows: Uint32Array;
  /** Where each node's history starts in its block. */
  readonly starts: Uint32Array;
  /** Index of each block's first node, ascending. */
  readonly blockNodes: Uint32Array;
  /** Of each block: position, and digest in {@link NODE_DIGEST_BYTES} characters. */
  readonly blockPositions: Float64Array;
  readonly blockDigests: string;
}

/** The reference to a block. */
export const blockRef = ({ blockPositions, blockDigests }: HistoryTable, block: number): NodeRef => ({
  position: blockPositions[block],
  digest: blockDigests.slice(block * NODE_DIGEST_BYTES, (block + 1) * NODE_DIGEST_BYTES),
});

/** Gathers what happened to the nodes of a subject, in the order of the log. */
export class HistoryGathering {
  readonly #inos: number[] = [];
  readonly #rows: number[] = [];
  /** Where each effect starts, in {@link #effects}; and where the last one ends. */
  readonly #starts: number[] = [0];
  readonly #effects = new ByteWriter();
  /** Of each effect; see {@link IndexedEffects}. */
  readonly #hashes: number[] = [];
  readonly #event = new PackWriter();
  readonly #entry = new ByteWriter();
  readonly #history = new ByteWriter();
  readonly #index = new ByteWriter();
  #row = 0;
  #eventIndex = 0;

  /** Whether all that was added can be put in order. */
  get isComplete(): boolean {
    return this.#inos.length <= EFFECTS_MAX;
  }

  /**
   * @param row - Not less than that of the event before.
   * @param index - In its transaction.
   * @param mayMoveDirectory - See {@link forEachAffected}.
   */
  add(event: FileEvent, row: number, index: number, mayMoveDirectory: boolean): void {
    if (!this.isComplete) return;
    this.#row = row;
    this.#eventIndex = index;
    encodeFileEvent(this.#event, event);
    forEachEntry(event, this.#addEntry);
    forEachAffected(event, mayMoveDirectory, this.#addEvent);
    // A broken hard link: what was copied goes on under its other names.
    if ('upperIno' in event && event.upperIno !== event.ino) this.#add(event.ino, NAMED, EMPTY, IS_NOTHING);
  }

  /** Writes the histories; it yields after pieces of work. */
  *store(write: (bytes: Uint8Array) => NodeRef): Generator<void, HistoryTable> {
    const order = yield* sortByNode(this.#inos);
    const inos: number[] = [];
    const firstRows: number[] = [];
    const lastRows: number[] = [];
    const starts: number[] = [];
    const blockNodes: number[] = [];
    const blockPositions: number[] = [];
    let blockDigests = '';
    const block = new ByteWriter();
    const effects = this.#effects.bytes();
    for (let at = 0; at < order.length;) {
      const ino = this.#inos[order[at]];
      if (block.length === 0) blockNodes.push(inos.length);
      inos.push(ino);
      firstRows.push(this.#rows[order[at]]);
      starts.push(block.length);
      let end = at + 1;
      while (end < order.length && this.#inos[order[end]] === ino) end++;
      lastRows.push(this.#copy(order.subarray(at, end), effects, block));
      at = end;
      if (block.length >= BLOCK_BYTES || at === order.length) {
        const { position, digest } = write(block.bytes());
        blockPositions.push(position);
        blockDigests += digest;
        block.reset();
        yield;
      } else if (inos.length % NODES_AT_ONCE === 0) yield;
    }
    return {
      inos: new Uint32Array(inos),
      firstRows: new Uint32Array(firstRows),
      leastRows: leastOfGroups(firstRows),
      lastRows: new Uint32Array(lastRows),
      starts: new Uint32Array(starts),
      blockNodes: new Uint32Array(blockNodes),
      blockPositions: new Float64Array(blockPositions),
      blockDigests,
    };
  }

  readonly #addEvent = (ino: Ino): void => {
    if (ino !== 0) this.#add(ino, EVENT, this.#event.bytes.subarray(0, this.#event.at), IS_EVENT);
  };

  readonly #addEntry = (directory: Ino, name: string, _: Ino, after: Ino, timeNs: bigint | null): void => {
    const entry = this.#entry;
    entry.reset();
    if (timeNs !== null) entry.time(timeNs);
    entry.varint(after);
    entry.shortText(name);
    this.#add(directory, timeNs === null ? ENTRY : TIMED_ENTRY, entry.bytes(), nameHash(name));
  };

  #add(ino: Ino, kind: number, payload: Uint8Array, hash: number): void {
    const effects = this.#effects;
    effects.byte(kind);
    effects.varint(this.#eventIndex);
    effects.varint(payload.length);
    effects.raw(payload);
    this.#inos.push(ino);
    this.#rows.push(this.#row);
    this.#starts.push(effects.length);
    this.#hashes.push(hash);
  }

  /** Writes the history of one node. Gives its last row. */
  #copy(order: Uint32Array, effects: Buffer, block: ByteWriter): number {
    const history = this.#history;
    history.reset();
    const starts: number[] = [];
    let row = 0;
    for (const effect of order) {
      starts.push(history.length);
      history.varint(this.#rows[effect] - row);
      row = this.#rows[effect];
      history.raw(effects.subarray(this.#starts[effect], this.#starts[effect + 1]));
    }
    const index = this.#index;
    index.reset();
    if (order.length >= INDEXED_MIN) {
      const of = (values: readonly number[]): number[] => Array.from(order, (effect) => values[effect]);
      writeIndex(index, { rows: of(this.#rows), starts, hashes: of(this.#hashes) });
    }
    block.shortBlob(index.bytes());
    block.raw(history.bytes());
    return row;
  }
}

function leastOfGroups(rows: readonly number[]): Uint32Array {
  const least = new Uint32Array(Math.ceil(rows.length / NODES_IN_GROUP)).fill(0xffff_ffff);
  for (let at = 0; at < rows.length; at++) {
    const group = Math.floor(at / NODES_IN_GROUP);
    if (rows[at] < least[group]) least[group] = rows[at];
  }
  return least;
}
