/**
 * The ledger of copy-ups in checkpoints: each has what the ledger gained behind the one before it.
 *
 * A part that is missing, damaged or of another version of the ledger is as if it were not there: who asks folds the log,
 * and the next checkpoint stores all of the ledger.
 */

import { lastSeq, type StoreEvent, type Transaction } from '../../events/event.ts';
import { isStoreError } from '../../events/log-error.ts';
import type { CheckpointInfo, NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import { copyUpLedger, type CopyUpLedger } from '../../projections/copy-up-ledger.ts';
import type { Kept } from '../../projections/projection.ts';
import type { World } from '../../projections/world.ts';
import { StoredLedgerPart, storeLedger } from './stored-ledger.ts';

/** Name of the record in a checkpoint. */
export const LEDGER = 'copy-ups';

/** Transactions with copy-ups that are folded at once. */
const BATCH = 16;

/** Events that are read from the log at once, where nobody else reads them. */
const EVENTS_AT_ONCE = 128;

interface Stored extends NodeReader {
  readonly list: readonly CheckpointInfo[];
  part(info: CheckpointInfo, name: string): Buffer | null;
}

type Read = (from: number, to: number) => Iterable<Transaction>;

type KeptLedger = Kept<CopyUpLedger>;

/** The newest ledger that checkpoints hold of a moment at or before `seq`; null: none is whole. */
export function storedLedger(stored: Stored, seq: number): KeptLedger | null {
  for (let at = stored.list.length - 1; at >= 0; at--) {
    const info = stored.list[at];
    if (info.seq > seq) continue;
    const state = joined(stored, at);
    if (state !== null) return { seq: info.seq, state };
  }
  return null;
}

function joined(stored: Stored, last: number): CopyUpLedger | null {
  const parts: StoredLedgerPart[] = [];
  for (let at = last; at >= 0; at--) {
    const expected = parts[0]?.after;
    if (expected !== undefined && stored.list[at].seq > expected) continue;
    if (expected !== undefined && stored.list[at].seq < expected) return null;
    const part = partOf(stored, stored.list[at]);
    if (part === null) return null;
    parts.unshift(part);
    if (part.after === 0) return unlessDamaged(() => StoredLedgerPart.join(parts));
  }
  return null;
}

function partOf(stored: Stored, info: CheckpointInfo): StoredLedgerPart | null {
  const bytes = stored.part(info, LEDGER);
  return bytes === null ? null : StoredLedgerPart.read(bytes, stored);
}

function unlessDamaged<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (isStoreError(error, 'ERR_CHECKPOINT_DAMAGED')) return null;
    throw error;
  }
}

/** The fold of one part of the log, for the checkpoint that ends it. */
export class LedgerFolding {
  readonly #world: World;
  readonly #read: Read;
  /** Where it starts; null: with the log, since nothing stored can be gone on from. */
  readonly #start: KeptLedger | null;
  #ledger: CopyUpLedger;
  #seq: number;
  #batch: Transaction[] = [];

  /** @param world - At the end of the part. */
  constructor(parts: { stored: Stored | null; read: Read; from: number; world: World }) {
    const { stored, read, from, world } = parts;
    const info = stored?.list.find(({ seq }) => seq === from);
    const before = stored === null || info === undefined ? null : partOf(stored, info);
    this.#world = world;
    this.#read = read;
    this.#start = before === null ? null : { seq: from, state: before.withoutEntries };
    this.#ledger = this.#start?.state ?? copyUpLedger.initial();
    this.#seq = this.#start?.seq ?? 0;
  }

  /** The same transactions, which it takes in as they go by if they are the next ones. */
  *watch(transactions: Iterable<Transaction>): Generator<Transaction, void> {
    for (const transaction of transactions) {
      if (transaction.seq === this.#seq + 1) this.#take(transaction);
      yield transaction;
    }
  }

  /** Takes in what is left, and stores it; it yields after pieces of work. */
  *store(write: NodeWriter['write']): Generator<void, NodeRef> {
    while (this.#seq < this.#world.seq) {
      const before = this.#seq;
      // Read to the end before it goes on: the log may grow in a pause.
      const to = Math.min(before + EVENTS_AT_ONCE, this.#world.seq);
      for (const transaction of Array.from(this.#read(before + 1, to))) this.#take(transaction);
      if (this.#seq === before) throw new Error(`ledger: there is no event ${before + 1}`);
      yield;
    }
    this.#fold();
    const start = this.#start;
    return yield* storeLedger(this.#ledger, { after: start?.seq ?? 0, before: start?.state.total.count ?? 0 }, write);
  }

  #take(transaction: Transaction): void {
    this.#seq = lastSeq(transaction);
    if (!transaction.events.some(isOfLedger)) return;
    if (this.#batch.push(transaction) >= BATCH) this.#fold();
  }

  #fold(): void {
    if (this.#batch.length > 0) this.#ledger = copyUpLedger.apply(this.#ledger, this.#batch, this.#world);
    this.#batch = [];
  }
}

/** Whether the ledger takes anything from it. */
function isOfLedger({ type }: StoreEvent): boolean {
  switch (type) {
    case 'LayerAdded':
    case 'ImageAdded':
    case 'ContainerCreated':
    case 'ContainerForked':
    case 'DirectoryCopiedUp':
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
    case 'DataCopiedUp':
      return true;
    default:
      return false;
  }
}
