import { Packr, RESERVE_START_SPACE, Unpackr } from 'msgpackr';
import type { Cause, FileEvent, StoreEvent, Transaction } from './event.ts';
import { int, list, malformed, storedText, storedTextOrNull, text, textOrNull } from './event-codec-fields.ts';
import { beginReading, beginWriting, storedTime, writtenLast } from './event-codec-times.ts';
import { eventOf } from './event-codec-read.ts';
import { fileEventOf } from './event-codec-read-files.ts';
import { storedEvent, storedFileEvent } from './event-codec-write.ts';
import { operationCode, operationOf } from './event-codec-operations.ts';
import { isStoreError, storeError } from './log-error.ts';
import { FORMAT_VERSION, type StoredEvent, unsupportedFormat, upcast } from './upcast.ts';

/**
 * Transactions and event batches as bytes; the one owner of MessagePack (docs/log-format.md, "Transactions").
 *
 *     0        8       12
 *     ┌────────┬───────┬──────────────────────────────────────────────────────────────────┐
 *     │ seq    │ count │ MessagePack [timeNs, context, cause, event, event…]                │
 *     │ u64 le │ u32 le│ context = subject or [subject, group, actor]                     │
 *     │        │       │ cause = [operation, arg…] · event = [code, field…]                │
 *     └────────┴───────┴──────────────────────────────────────────────────────────────────┘
 *
 * The first 12 bytes are fixed, so that opening a log needs no MessagePack.
 */
export const TRANSACTION_PREFIX_BYTES = 12;

/** Values of a stored transaction in front of its events. */
const TRANSACTION_HEAD_VALUES = 3;

const UINT32 = 0x1_0000_0000;

/**
 * Every option is written out, because the options are the format: plain MessagePack, no records, no extensions, no
 * maps. Integers up to 2^32 - 1 become (u)int, larger ones float 64 (exact to 2^53), a bigint always int 64.
 */
const OPTIONS = {
  useRecords: false,
  variableMapSize: true,
  mapsAsObjects: false,
  sequential: false,
  maxSharedStructures: 0,
  bundleStrings: false,
  structuredClone: false,
  moreTypes: false,
  useToJSON: false,
  useFloat32: 0,
  int64AsType: 'bigint',
  largeBigIntToFloat: false,
  largeBigIntToString: false,
  useBigIntExtension: false,
  encodeUndefinedAsNil: false,
  // Bytes that leave are copied once, in `bytes` of event-codec-fields.ts; a name stored as bytes becomes a string.
  copyBuffers: false,
} as const;

const packr = new Packr({ ...OPTIONS });
const unpackr = new Unpackr({ ...OPTIONS });

/** Short payloads are decoded from here: msgpackr makes a DataView for every buffer that it has not met. */
const scratch = Buffer.allocUnsafeSlow(65_536);
const scratchRange = { start: 0, end: 0 };

/**
 * Encodes a transaction in {@link FORMAT_VERSION}.
 *
 * @returns A view of a pooled buffer: copy it before it is kept, since it pins the pool's piece (8 KiB and more).
 * @throws `ERR_INVALID_ARGUMENT` for a string that has no bytes (`name.ts`) and for a time beyond int64.
 */
export function encodeTransaction(transaction: Transaction): Uint8Array {
  const { events, seq, timeNs } = transaction;
  const count = events.length;
  const body: unknown[] = [timeNs, storedContext(transaction), storedCause(transaction.cause)];
  beginWriting(0n);
  storedTime(timeNs); // for its check of the range
  beginWriting(timeNs);
  for (let index = 0; index < count; index++) body.push(storedEvent(events[index]));
  const packed = packr.pack(body, RESERVE_START_SPACE | TRANSACTION_PREFIX_BYTES);
  packed.writeUInt32LE(seq >>> 0, 0);
  packed.writeUInt32LE(Math.floor(seq / UINT32), 4);
  packed.writeUInt32LE(count, 8);
  return packed;
}

/**
 * Decodes a transaction. The result shares nothing with `bytes`.
 *
 * @param format - The format of the segment that holds it.
 * @throws `ERR_LOG_CORRUPT` when the bytes are not a transaction; `ERR_LOG_FORMAT_UNSUPPORTED` for a newer format.
 */
export function decodeTransaction(bytes: Uint8Array, format: number = FORMAT_VERSION): Transaction {
  if (format > FORMAT_VERSION) throw unsupportedFormat(format);
  if (bytes.length <= TRANSACTION_PREFIX_BYTES) throw malformed('a transaction is too short');
  const seq = transactionSeq(bytes, 0);
  const body = unpackBody(bytes);
  if (!Array.isArray(body)) throw malformed('a transaction is not a list');
  const count = body.length - TRANSACTION_HEAD_VALUES;
  if (count < 1 || count !== transactionCount(bytes, 0)) throw malformed('a transaction has another number of events');
  const timeNs: unknown = body[0];
  if (typeof timeNs !== 'bigint') throw malformed('a transaction has no time');
  beginReading(timeNs);
  const events: StoreEvent[] = new Array(count);
  for (let index = 0; index < count; index++) {
    const stored: unknown = body[TRANSACTION_HEAD_VALUES + index];
    if (!Array.isArray(stored)) throw malformed('an event is not a list');
    events[index] = eventOf(upcast(stored, format));
  }
  const context: unknown = body[1];
  const cause = causeOf(body[2]);
  if (typeof context === 'number') return { seq, timeNs, subject: context, cause, group: null, actor: null, events };
  const [subject, group, actor] = list(context);
  return { seq, timeNs, subject: int(subject), cause, group: textOrNull(group), actor: textOrNull(actor), events };
}

/** Sequence number of the first event of an encoded transaction that starts at `offset`. */
export function transactionSeq(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset) + uint32(bytes, offset + 4) * UINT32;
}

/** Number of events of an encoded transaction that starts at `offset`. */
export function transactionCount(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset + 8);
}

/**
 * Encodes file events outside of a transaction: the content of an image layer (docs/log-format.md, "Event batches").
 *
 * A batch is a sequence of MessagePack values: the format, then one list per event. Times are relative to 0.
 *
 * @returns A buffer of its own.
 */
export function encodeEventBatch(events: readonly FileEvent[]): Uint8Array {
  const pieces = [...splitEventBatches(events, EVENT_BATCH_PIECE_BYTES)];
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

const EVENT_BATCH_PIECE_BYTES = 65_536;

/**
 * As {@link encodeEventBatch}, cut into pieces of `bytesMax` bytes (the last one shorter), also in the middle of an
 * event: an event may be larger than a piece. {@link joinEventBatches} decodes them.
 *
 * @param bytesMax - From 1.
 * @returns At least one piece, each a buffer of its own.
 */
export function* splitEventBatches(events: readonly FileEvent[], bytesMax: number): Generator<Uint8Array, void> {
  let piece = Buffer.allocUnsafeSlow(bytesMax);
  let used = 1;
  piece[0] = FORMAT_VERSION;
  let last = 0n;
  for (let index = 0; index < events.length; index++) {
    // The consumer may encode something else between two pieces, so the state of times is set for each event.
    beginWriting(0n, last);
    const packed = packr.pack(storedFileEvent(events[index]));
    last = writtenLast();
    let taken = 0;
    while (taken < packed.length) {
      if (used === bytesMax) {
        yield piece;
        piece = Buffer.allocUnsafeSlow(bytesMax);
        used = 0;
      }
      const copied = packed.copy(piece, used, taken);
      taken += copied;
      used += copied;
    }
  }
  yield Buffer.from(piece.subarray(0, used));
}

/**
 * Decodes what {@link encodeEventBatch} gave. The result shares nothing with `bytes`.
 *
 * @throws As {@link decodeTransaction}.
 */
export function decodeEventBatch(bytes: Uint8Array): FileEvent[] {
  const format = bytes[0];
  if (format === undefined) throw malformed('an event batch is empty');
  if (format !== FORMAT_VERSION && !(format > 0 && format < FORMAT_VERSION)) throw unsupportedFormat(format);
  beginReading(0n);
  const events: FileEvent[] = [];
  try {
    unpackr.unpackMultiple(bytes, (stored: unknown, start = 0) => {
      if (start === 0) return;
      if (!Array.isArray(stored)) throw malformed('an event is not a list');
      events.push(fileEventOf(upcast(stored as StoredEvent, format)));
    });
  } catch (error) {
    throw asCorrupt(error);
  }
  return events;
}

/** Decodes the pieces of {@link splitEventBatches}, in order. */
export function joinEventBatches(pieces: Iterable<Uint8Array>): FileEvent[] {
  return decodeEventBatch(Buffer.concat([...pieces]));
}

/** The subject alone, or with group and actor when there is one. */
function storedContext(transaction: Transaction): unknown {
  const { subject, group, actor } = transaction;
  if (group === null && actor === null) return subject;
  return [subject, storedTextOrNull(group), storedTextOrNull(actor)];
}

function storedCause(cause: Cause): unknown[] {
  const stored: unknown[] = new Array(cause.length);
  stored[0] = operationCode(cause[0]) ?? storedText(cause[0]);
  for (let index = 1; index < cause.length; index++) {
    const value = cause[index];
    stored[index] = typeof value === 'string' ? storedText(value) : value;
  }
  return stored;
}

function causeOf(value: unknown): Cause {
  const stored = list(value);
  const operation = stored[0];
  const cause: [string, ...(string | number)[]] = [
    text(typeof operation === 'number' ? operationOf(operation) : operation),
  ];
  for (let index = 1; index < stored.length; index++) {
    const arg = stored[index];
    cause.push(typeof arg === 'number' ? arg : text(arg));
  }
  return cause;
}

function unpackBody(bytes: Uint8Array): unknown {
  try {
    if (bytes.length > scratch.length) return unpackr.unpack(Buffer.from(bytes).subarray(TRANSACTION_PREFIX_BYTES));
    scratch.set(bytes, 0);
    scratchRange.start = TRANSACTION_PREFIX_BYTES;
    scratchRange.end = bytes.length;
    return unpackr.unpack(scratch, scratchRange);
  } catch (error) {
    throw asCorrupt(error);
  }
}

function asCorrupt(error: unknown): Error {
  if (isStoreError(error)) return error;
  return storeError('ERR_LOG_CORRUPT', 'malformed event: not MessagePack', { cause: error });
}

function uint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) >>> 0;
}
