import { Packr, Unpackr } from 'msgpackr';
import type { FileEvent, StoreEvent } from './event.ts';
import { malformed } from './event-codec-fields.ts';
import { eventOf } from './event-codec-read.ts';
import { beginReading, beginWriting, writtenLast } from './event-codec-times.ts';
import { storedEvent, type StoredEvent } from './event-codec-write.ts';
import { isFileEvent } from './file-event.ts';
import { FILE_EVENT_CODE_MIN, readFileEvent } from './file-event-read.ts';
import { writeFileEvent } from './file-event-write.ts';
import { beginReadingBundle, beginWritingCause } from './cause-path.ts';
import { isStoreError, storeError } from './log-error.ts';
import { PackReader } from './pack-reader.ts';
import { PackWriter } from './pack-writer.ts';
import { FORMAT_VERSION, unsupportedFormat, upcast } from './upcast.ts';

/**
 * Events as MessagePack, each a list `[code, field, …]` (docs/log-format.md, "Events"), and batches of them.
 *
 * Two hands write the same plain MessagePack. File events, of which a log has millions, go field by field through
 * `PackWriter` and `PackReader`. Events about the store, images, containers and volumes go through msgpackr, which this
 * module alone owns. Every option is written out, because the options are the format: no records, no extensions, no
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

/** Short events are decoded from here: msgpackr makes a DataView for every buffer that it has not met. */
const scratch = Buffer.allocUnsafeSlow(65_536);
const scratchRange = { start: 0, end: 0 };

export function writeEvent(out: PackWriter, event: StoreEvent): void {
  if (isFileEvent(event)) writeFileEvent(out, event);
  else out.encoded(packr.pack(storedEvent(event)));
}

/**
 * @param format - The format of what holds it.
 * @throws `ERR_LOG_CORRUPT` for what is no event.
 */
export function readEvent(from: PackReader, format: number): StoreEvent {
  const start = from.at;
  const count = from.list();
  const code = count === 0 ? 0 : from.number();
  if (code >= FILE_EVENT_CODE_MIN) return upcast(readFileEvent(from, code, count), format);
  from.at = start;
  from.skip();
  return upcast(eventOf(unpackEvent(from.bytes, start, from.at)), format);
}

/** Writes a file event that stands alone, from the start of `out` on: nothing in it refers to what is around it. */
export function encodeFileEvent(out: PackWriter, event: FileEvent): void {
  beginWriting(0n);
  beginWritingCause('');
  out.at = 0;
  writeFileEvent(out, event);
}

/** Reads what {@link encodeFileEvent} wrote. */
export function decodeFileEvent(bytes: Buffer, start: number, end: number): FileEvent {
  beginReading(0n);
  beginReadingBundle();
  const from = new PackReader(bytes, start, end);
  const count = from.list();
  return readFileEvent(from, from.number(), count);
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
  const out = new PackWriter();
  let piece = Buffer.allocUnsafeSlow(bytesMax);
  let used = 1;
  piece[0] = FORMAT_VERSION;
  let last = 0n;
  for (let index = 0; index < events.length; index++) {
    // The consumer may encode something else between two pieces, so the state of times is set for each event.
    beginWriting(0n, last);
    beginWritingCause('');
    out.at = 0;
    writeFileEvent(out, events[index]);
    last = writtenLast();
    let taken = 0;
    while (taken < out.at) {
      if (used === bytesMax) {
        yield piece;
        piece = Buffer.allocUnsafeSlow(bytesMax);
        used = 0;
      }
      const copied = out.bytes.copy(piece, used, taken, out.at);
      taken += copied;
      used += copied;
    }
  }
  yield Buffer.from(piece.subarray(0, used));
}

/**
 * Decodes what {@link encodeEventBatch} gave. The result shares nothing with `bytes`.
 *
 * @throws `ERR_LOG_CORRUPT` when the bytes are no batch; `ERR_LOG_FORMAT_UNSUPPORTED` for a newer format.
 */
export function decodeEventBatch(bytes: Uint8Array): FileEvent[] {
  const format = bytes[0];
  if (format === undefined) throw malformed('an event batch is empty');
  if (format < 1 || format > FORMAT_VERSION) throw unsupportedFormat(format);
  beginReading(0n);
  beginReadingBundle();
  const from = new PackReader(bytes, 1);
  const events: FileEvent[] = [];
  while (!from.isAtEnd) {
    const count = from.list();
    events.push(upcast(readFileEvent(from, from.number(), count), format));
  }
  return events;
}

/** Decodes the pieces of {@link splitEventBatches}, in order. */
export function joinEventBatches(pieces: Iterable<Uint8Array>): FileEvent[] {
  return decodeEventBatch(Buffer.concat([...pieces]));
}

function unpackEvent(bytes: Buffer, start: number, end: number): StoredEvent {
  try {
    if (end - start > scratch.length) return unpackr.unpack(Buffer.from(bytes.subarray(start, end))) as StoredEvent;
    bytes.copy(scratch, 0, start, end);
    scratchRange.end = end - start;
    return unpackr.unpack(scratch, scratchRange) as StoredEvent;
  } catch (error) {
    if (isStoreError(error)) throw error;
    throw storeError('ERR_LOG_CORRUPT', 'malformed event: not MessagePack', { cause: error });
  }
}
