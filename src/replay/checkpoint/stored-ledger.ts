/**
 * The ledger of copy-ups in a store of nodes: a record for each part of the log, with the entries that the part added and
 * all that is small in full. The entries of the parts, one behind the other, are the ledger's.
 *
 * ```
 * record (V8) { version, after, before, entries: [piece, piece, …], rest }      piece (V8) [entry, entry, …]
 * ```
 */

import { deserialize, serialize } from 'node:v8';
import type { NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import { type CopyUp, copyUpLedger, type CopyUpLedger } from '../../projections/copy-up-ledger.ts';
import { Owner, Trie } from '../../projections/tree/trie.ts';

/** Entries that are stored at once, so that storing can pause. */
const PIECE_ENTRIES = 64;

interface LedgerRecord {
  readonly version: number;
  /** The entries are those of the events behind this one; 0: all. */
  readonly after: number;
  /** How many there were up to `after`. */
  readonly before: number;
  readonly entries: readonly NodeRef[];
  readonly rest: LedgerRest;
}

/** A ledger without its entries: what it takes to go on. */
type LedgerRest = Omit<CopyUpLedger, 'entries'>;

/**
 * Stores what events behind `after` added to a ledger; it yields after pieces of work.
 *
 * @param ledger - With the entries from `before` on; earlier ones may be missing.
 * @returns The record.
 */
export function* storeLedger(
  ledger: CopyUpLedger,
  part: { readonly after: number; readonly before: number },
  write: NodeWriter['write'],
): Generator<void, NodeRef> {
  const { entries: all, ...rest } = ledger;
  const entries: NodeRef[] = [];
  for (let first = part.before; first < rest.total.count; first += PIECE_ENTRIES) {
    const length = Math.min(PIECE_ENTRIES, rest.total.count - first);
    const piece = Array.from({ length }, (_, index) => all.get(first + index) as CopyUp);
    entries.push(write(serialize(piece)));
    yield;
  }
  return write(serialize({ version: copyUpLedger.version, ...part, entries, rest } satisfies LedgerRecord));
}

/** What {@link storeLedger} stored for one part of the log. */
export class StoredLedgerPart {
  readonly #record: LedgerRecord;
  readonly #nodes: NodeReader;

  private constructor(record: LedgerRecord, nodes: NodeReader) {
    this.#record = record;
    this.#nodes = nodes;
  }

  /** @returns null: it was made by a ledger of another version. */
  static read(bytes: Uint8Array, nodes: NodeReader): StoredLedgerPart | null {
    const record = deserialize(bytes) as LedgerRecord;
    return record.version === copyUpLedger.version ? new StoredLedgerPart(record, nodes) : null;
  }

  /** The event behind which its entries begin; 0: it has all. */
  get after(): number {
    return this.#record.after;
  }

  /** The ledger at its end, with no entry: folding goes on from it. */
  get withoutEntries(): CopyUpLedger {
    return { ...this.#record.rest, entries: new Trie<CopyUp>() };
  }

  /**
   * The ledger at the end of this part.
   *
   * @param parts - All of them, oldest first, this one the last.
   * @throws `ERR_CHECKPOINT_DAMAGED`.
   */
  static join(parts: readonly StoredLedgerPart[]): CopyUpLedger {
    const owner = new Owner();
    const entries = new Trie<CopyUp>();
    for (const part of parts) {
      let place = part.#record.before;
      for (const ref of part.#record.entries) {
        for (const entry of deserialize(part.#nodes.node(ref)) as CopyUp[]) entries.set(place++, entry, owner);
      }
    }
    return { ...(parts.at(-1) as StoredLedgerPart).#record.rest, entries };
  }
}
