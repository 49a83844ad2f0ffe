import { BUNDLE_PREFIX_BYTES, TRANSACTION_HEAD_VALUES } from './bundle-writer.ts';
import { beginReadingBundle, beginReadingCause, passCauseArgument, readCauseArgument } from './cause-path.ts';
import { readEvent } from './codec.ts';
import { type Cause, NO_CAUSE, type StoreEvent, type SubjectId, type Transaction } from './event.ts';
import { malformed } from './event-codec-fields.ts';
import { operationOf } from './event-codec-operations.ts';
import { beginReading } from './event-codec-times.ts';
import type { ReadParts } from './event-log.ts';
import { PackReader } from './pack-reader.ts';
import { FORMAT_VERSION, unsupportedFormat } from './upcast.ts';

const UINT32 = 0x1_0000_0000;

/**
 * Reads the transactions of a frame: in format 1 one, later a bundle. They share nothing with `bytes`.
 *
 * @param bytes - From the prefix on.
 * @param fromSeq - Whole transactions from the one that holds this event on.
 * @param toSeq - To the one that holds this event.
 * @param format - Of the segment that holds the frame.
 * @param wanted - Of each transaction.
 * @throws `ERR_LOG_CORRUPT` when the bytes are none; `ERR_LOG_FORMAT_UNSUPPORTED` for a newer format.
 */
export function decodeTransactions(
  bytes: Uint8Array,
  format: number = FORMAT_VERSION,
  fromSeq = 1,
  toSeq: number = Number.MAX_SAFE_INTEGER,
  wanted: ReadParts = 'all',
): Transaction[] {
  if (format < 1 || format > FORMAT_VERSION) throw unsupportedFormat(format);
  if (bytes.length <= BUNDLE_PREFIX_BYTES) throw malformed('a transaction is too short');
  return new BundleReader(bytes, format, wanted).read(fromSeq, toSeq);
}

/** Sequence number of the first event of a bundle that starts at `offset`. */
export function bundleSeq(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset) + uint32(bytes, offset + 4) * UINT32;
}

/** Number of events of a bundle that starts at `offset`. */
export function bundleCount(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset + 8);
}

class BundleReader {
  readonly #from: PackReader;
  readonly #format: number;
  readonly #wantsCauses: boolean;
  #seq: number;
  readonly #end: number;
  #timeNs = 0n;
  #subject: SubjectId = 0;
  #group: string | null = null;
  #actor: string | null = null;

  constructor(bytes: Uint8Array, format: number, wanted: ReadParts) {
    this.#from = new PackReader(bytes, BUNDLE_PREFIX_BYTES);
    this.#format = format;
    this.#wantsCauses = wanted === 'all';
    this.#seq = bundleSeq(bytes, 0);
    this.#end = this.#seq + bundleCount(bytes, 0);
  }

  read(fromSeq: number, toSeq: number): Transaction[] {
    const from = this.#from;
    const transactions: Transaction[] = [];
    beginReadingBundle();
    while (this.#seq < this.#end && this.#seq <= toSeq) {
      const count = from.list() - TRANSACTION_HEAD_VALUES;
      if (count < 1) throw malformed('a transaction has no events');
      this.#readTime();
      this.#readContext();
      beginReadingCause();
      const cause = this.#wantsCauses ? this.#readCause() : this.#passCause();
      const seq = this.#seq;
      this.#seq = seq + count;
      if (this.#seq > this.#end) throw anotherCount();
      if (this.#seq <= fromSeq) {
        for (let index = 0; index < count; index++) from.skip();
        continue;
      }
      const events = this.#readEvents(count);
      transactions.push({
        seq,
        timeNs: this.#timeNs,
        subject: this.#subject,
        cause,
        group: this.#group,
        actor: this.#actor,
        events,
      });
    }
    if (this.#seq === this.#end && !from.isAtEnd) throw anotherCount();
    return transactions;
  }

  #readEvents(count: number): StoreEvent[] {
    const from = this.#from;
    const format = this.#format;
    beginReading(this.#timeNs);
    const events: StoreEvent[] = [];
    for (let index = 0; index < count; index++) events.push(readEvent(from, format));
    return events;
  }

  #readTime(): void {
    const from = this.#from;
    if (from.peek() === 0xd3) this.#timeNs = from.int64();
    else this.#timeNs += BigInt(integer(from.number()));
  }

  #readContext(): void {
    const from = this.#from;
    const tag = from.peek();
    if (tag === 0xc3) {
      from.at++;
      return;
    }
    this.#group = null;
    this.#actor = null;
    if (tag === 0x93) {
      from.at++;
      this.#subject = from.number();
      this.#group = from.textOrNull();
      this.#actor = from.textOrNull();
    } else {
      this.#subject = from.number();
    }
  }

  #passCause(): Cause {
    const from = this.#from;
    const count = from.list();
    if (count === 0) throw malformed('a cause is empty');
    from.skip();
    for (let index = 1; index < count; index++) passCauseArgument(from);
    return NO_CAUSE;
  }

  #readCause(): Cause {
    const from = this.#from;
    const count = from.list();
    if (count === 0) throw malformed('a cause is empty');
    const tag = from.peek();
    const operation = tag < 0x80 || tag === 0xcc ? operationOf(from.number()) : from.text();
    if (operation === undefined) throw malformed('an operation is unknown');
    if (count === 2) return [operation, readCauseArgument(from)];
    const cause: [string, ...(string | number)[]] = [operation];
    for (let index = 1; index < count; index++) cause.push(readCauseArgument(from));
    return cause;
  }
}

function integer(value: number): number {
  if (!Number.isInteger(value)) throw malformed('a time is missing');
  return value;
}

const anotherCount = (): Error => malformed('a frame has another number of events');

function uint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) >>> 0;
}
