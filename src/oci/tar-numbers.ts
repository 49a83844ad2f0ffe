/**
 * Numbers in tar headers.
 *
 * A field is octal text, padded with spaces or NUL on either side, or, when bit 7 of its first byte is set, a big-endian
 * two's complement number in the remaining bits (GNU's "base-256", tar(5) of libarchive). Bit 6 of the first byte is the sign.
 */

/**
 * Reads a numeric field.
 *
 * @returns The number; an empty field is 0; NaN if the field holds something else or a number outside ±(2^53 - 1).
 */
export function readTarNumber(block: Uint8Array, start: number, length: number): number {
  return (block[start] & 0x80) === 0 ? readOctal(block, start, start + length) : readBase256(block, start, length);
}

function readOctal(block: Uint8Array, start: number, end: number): number {
  let index = start;
  while (index < end && isPadding(block[index])) index++;
  let value = 0;
  while (index < end && block[index] >= 0x30 && block[index] <= 0x37) {
    value = value * 8 + (block[index] - 0x30); // at most 12 digits: below 2^36
    index++;
  }
  // What follows a NUL is not part of the text (Go's archive/tar reads it so too); before it only padding may stand.
  for (; index < end && block[index] !== 0; index++) if (block[index] !== 0x20) return NaN;
  return value;
}

const isPadding = (byte: number): boolean => byte === 0x20 || byte === 0;

function readBase256(block: Uint8Array, start: number, length: number): number {
  const isNegative = (block[start] & 0x40) !== 0;
  let value = BigInt(isNegative ? (block[start] & 0x7f) - 0x80 : block[start] & 0x7f);
  for (let index = start + 1; index < start + length; index++) value = (value << 8n) | BigInt(block[index]);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : NaN;
}

/** Reads decimal digits, nothing else; NaN for other text, an empty text, and numbers above 2^53 - 1. */
export function readDecimal(text: string): number {
  if (!/^[0-9]{1,16}$/.test(text)) return NaN;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : NaN;
}
