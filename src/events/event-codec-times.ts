import { storeError } from './log-error.ts';

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
  if (time < INT64_MIN || time > INT64_MAX) {
    throw storeError('ERR_INVALID_ARGUMENT', `the time ${time} ns is beyond int64`);
  }
  writeLast = time;
  return time;
}

export function beginReading(base: bigint): void {
  readBase = base;
  readLast = base;
}

/** @returns The time, or undefined when the value is none (nil counts as none). */
export function timeOf(stored: unknown): bigint | undefined {
  if (stored === true) return readBase;
  if (stored === false) return readLast;
  if (typeof stored !== 'bigint') return undefined;
  readLast = stored;
  return stored;
}
