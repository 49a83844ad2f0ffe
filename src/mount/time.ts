/** Times as the protocol has them: whole seconds, signed, and nanoseconds from 0 to 999,999,999. */

const cell = new BigInt64Array(1);
const words = new Int32Array(cell.buffer);
const TWO_32 = 0x1_0000_0000;
const SECOND_NS = 1_000_000_000;

/** The parts of the time that was split last. */
export let seconds = 0;
export let nanoseconds = 0;

/**
 * Splits nanoseconds since 1970; the parts are in {@link seconds} and {@link nanoseconds}.
 *
 * Dividing BigInts would cost as much as the rest of an answer. The quotient of doubles is off by one at most, and the rest
 * is exact in 32-bit arithmetic, which shows it.
 */
export function splitTime(timeNs: bigint): void {
  cell[0] = timeNs;
  const low = words[0];
  let quotient = Math.floor((words[1] * TWO_32 + (low >>> 0)) / SECOND_NS);
  let rest = (low - Math.imul(quotient | 0, SECOND_NS)) | 0;
  if (rest < 0) {
    quotient--;
    rest += SECOND_NS;
  } else if (rest >= SECOND_NS) {
    quotient++;
    rest -= SECOND_NS;
  }
  seconds = quotient;
  nanoseconds = rest;
}

/** Nanoseconds since 1970. */
export const joinTime = (wholeSeconds: number, partNs: number): bigint =>
  BigInt(wholeSeconds) * 1_000_000_000n + BigInt(partNs);
