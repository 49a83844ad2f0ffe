/** Times in PAX records: decimal seconds with an optional fraction, before 1970 with a minus sign (POSIX pax, "mtime"). */

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Reads a PAX time.
 *
 * @returns Nanoseconds, digits beyond the ninth cut off; null if the text is no such number. `-1.5` is 1.5 s before 1970.
 */
export function parsePaxTime(text: string): bigint | null {
  const match = /^(-?)([0-9]{1,30})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return null;
  const fraction = (match[3] ?? '').slice(0, 9).padEnd(9, '0');
  const magnitude = BigInt(match[2]) * NS_PER_SECOND + BigInt(fraction);
  return match[1] === '-' ? -magnitude : magnitude;
}

/** Writes a PAX time in its shortest form: no trailing zeros, no point for whole seconds. */
export function formatPaxTime(timeNs: bigint): string {
  const magnitude = timeNs < 0n ? -timeNs : timeNs;
  const fraction = (magnitude % NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  const text = `${magnitude / NS_PER_SECOND}${fraction === '' ? '' : `.${fraction}`}`;
  return timeNs < 0n ? `-${text}` : text;
}
