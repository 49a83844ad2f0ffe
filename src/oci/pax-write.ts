import { encodeName } from '../events/name.ts';

/**
 * Encodes PAX records, sorted by the bytes of their keys, so that equal records give equal bytes.
 *
 * @param records - Keys must be distinct and hold no `=`; values may hold any byte.
 */
export function encodePaxRecords(records: readonly (readonly [key: string, value: Uint8Array])[]): Buffer {
  const encoded = records.map(([key, value]) => ({ key: encodeName(key), value }));
  encoded.sort((a, b) => Buffer.compare(a.key, b.key));
  const parts: Uint8Array[] = [];
  for (const { key, value } of encoded) {
    const rest = key.length + value.length + 3; // space, equals sign, newline
    let length = rest + String(rest).length;
    // The length counts its own digits, which can make it one digit longer.
    if (rest + String(length).length !== length) length = rest + String(length).length;
    parts.push(Buffer.from(`${length} `), key, EQUALS, value, NEWLINE);
  }
  return Buffer.concat(parts);
}

const EQUALS = Buffer.from('=');
const NEWLINE = Buffer.from('\n');
