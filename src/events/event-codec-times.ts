import { malformed } from './event-codec-fields.ts';
import { storeError } from './log-error.ts';
import type { PackReader } from './pack-reader.ts';
import type { PackWriter } from './pack-writer.ts';

/**
 * Times inside of a transaction or an event batch, mostly one byte each.
 *
 *     nil     null
 *     true    the base: the transaction's time; in an event batch 0
 *     false   the time that was spelled out last before this one, in the same transaction or batch (at first the base)
 *     int 64  spelled out
 *
 * The state is the module's, because a closure or an object for each transaction would cost as much as the encoding.
 * Writing and reading have their own, and neither awaits or yields between `begin…` and the last time.
 */

let writeBase = 0n;
let writeLast = 0n;
let readBase = 0n;
let readLast = 0n;

const INT64_MIN = -0x8000000000000000n;
const INT64_MAX = 0x7fffffffffffffffn;

export type StoredTime = bigint | boolean | null;

/** @param last - What {@link writtenLast} gave, to go on with a batch. */
export function beginWriting(base: bigint, last: bigint = base): void {
  writeBase = base;
  writeLast = last;
}

export const writtenLast = (): bigint => writeLast;

export function storedTime(time: bigint | null): StoredTime {
  if (time === null) return null;
  if (time === writeBase) return true;
  if (time === writeLast) return false;
  checkTime(time);
  writeLast = time;
  return time;
}

/** As {@link storedTime}, written at once. */
export function writeTime(out: PackWriter, time: bigint | null): void {
  if (time === null) out.nil();
  else if (time === writeBase) out.flag(true);
  else if (time === writeLast) out.flag(false);
  else {
    checkTime(time);
    writeLast = time;
    out.int64(time);
  }
}

/** @throws `ERR_INVALID_ARGUMENT` for a time beyond int64. */
export function checkTime(time: bigint): void {
  if (time < INT64_MIN || time > INT64_MAX) {
    throw storeError('ERR_INVALID_ARGUMENT', `the time ${time} ns is beyond int64`);
  }
}

export function beginReading(base: bigint): void {
  readBase = base;
  readLast = base;
}

/** @returns The time, or undefined when the value is none (nil counts as none). */
function timeOf(stored: unknown): bigint | undefined {
  if (stored === true) return readBase;
  if (stored === false) return readLast;
  if (typeof stored !== 'bigint') return undefined;
  readLast = stored;
  return stored;
}

/** A time that msgpackr has decoded. */
export function time(stored: unknown): bigint {
  const timeNs = timeOf(stored);
  if (timeNs === undefined) throw malformed('a time is missing');
  return timeNs;
}

export function readTime(from: PackReader): bigint {
  const tag = from.peek();
  if (tag === 0xc3) {
    from.at++;
    return readBase;
  }
  if (tag === 0xc2) {
    from.at++;
    return readLast;
  }
  if (tag === 0xc0) throw malformed('a time is missing');
  return (readLast = from.int64());
}

export function readTimeOrNull(from: PackReader): bigint | null {
  if (from.peek() !== 0xc0) return readTime(from);
  from.at++;
  return null;
}
