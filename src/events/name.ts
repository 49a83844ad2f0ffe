/**
 * Names are bytes; in memory they are strings.
 *
 * A Linux name is any sequence of bytes without `/` and NUL; it need not be UTF-8. In memory a name is a JS string in
 * which each byte that is not part of valid UTF-8 stands as a lone surrogate U+DC80..U+DCFF (the low 8 bits are the
 * byte; PEP 383 "surrogateescape"). The mapping is a bijection: every byte sequence has one string and comes back as it
 * was. A string from outside that holds other lone surrogates has no bytes of its own: node:fs writes U+FFFD for them,
 * and so does the façade.
 */

/** Longest file name in bytes (linux/limits.h NAME_MAX). */
export const NAME_BYTES_MAX = 255;

/** Longest path in bytes, the terminating NUL not counted (linux/limits.h PATH_MAX - 1). */
export const PATH_BYTES_MAX = 4095;

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The string form of a name or path.
 *
 * @param bytes - Any bytes; read, not kept.
 */
export function decodeName(bytes: Uint8Array): string {
  const length = bytes.length;
  if (length <= 64) {
    let index = 0;
    while (index < length && bytes[index] < 0x80) index++;
    if (index === length) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  }
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

/**
 * The bytes of a name or path, in a new buffer.
 *
 * @param name - As {@link decodeName} gives it. A lone surrogate outside U+DC80..U+DCFF becomes U+FFFD; callers that take
 *   strings from outside check {@link isEncodable} first.
 */
export function encodeName(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  let start = 0;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    if (unit < 0xdc00) {
      const next = name.charCodeAt(index + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        index++; // a whole pair
        continue;
      }
    }
    if (index > start) parts.push(Buffer.from(name.slice(start, index), 'utf8'));
    parts.push(unit >= 0xdc80 && unit <= 0xdcff ? Buffer.of(unit & 0xff) : Buffer.from('\ufffd', 'utf8'));
    start = index + 1;
  }
  if (start < name.length) parts.push(Buffer.from(name.slice(start), 'utf8'));
  return Buffer.concat(parts);
}

/** Length of a name or path in bytes. */
export function nameBytes(name: string): number {
  for (let index = 0; index < name.length; index++) {
    if (name.charCodeAt(index) >= 0x80) return name.isWellFormed() ? Buffer.byteLength(name) : encodeName(name).length;
  }
  return name.length;
}

/** Whether every lone surrogate in the string stands for a byte, so that {@link encodeName} loses nothing. */
export function isEncodable(name: string): boolean {
  return name.isWellFormed() || decodeName(encodeName(name)) === name;
}

/** Whether the name's bytes are UTF-8, so that it can be shown to people and stored in JSON as it is. */
export function isUtf8Name(name: string): boolean {
  return name.isWellFormed();
}

/** The name for people: bytes that are not UTF-8 as `\xNN`, control characters as in C. */
export function printableName(name: string): string {
  let text = '';
  for (const char of name) {
    const code = char.codePointAt(0) as number;
    if (code >= 0xdc80 && code <= 0xdcff) text += `\\x${(code & 0xff).toString(16)}`;
    else if (code === 0x0a) text += '\\n';
    else if (code === 0x09) text += '\\t';
    else if (code < 0x20 || code === 0x7f) text += `\\x${code.toString(16).padStart(2, '0')}`;
    else text += char;
  }
  return text;
}

/** As `startsWith`, at half of its cost for a path: V8 has that as a call, and it goes through a string that was put together. */
export function beginsWith(text: string, start: string): boolean {
  let index = start.length;
  if (index > text.length) return false;
  while (--index >= 0) if (text.charCodeAt(index) !== start.charCodeAt(index)) return false;
  return true;
}

/** Compares two names by their bytes. UTF-16 order differs from byte order only where surrogates are involved. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    if (left < 0xd800 && right < 0xd800) return left - right;
    return Buffer.compare(encodeName(a), encodeName(b));
  }
  return a.length - b.length;
}

/** Decodes byte by byte: valid UTF-8 sequences as characters, every other byte as a lone surrogate. */
function decodeEscaped(bytes: Uint8Array): string {
  let text = '';
  let index = 0;
  while (index < bytes.length) {
    const length = sequenceLength(bytes, index);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + bytes[index]);
      index++;
    } else {
      text += strictDecoder.decode(bytes.subarray(index, index + length));
      index += length;
    }
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `index`, 0 if there is none (RFC 3629 §4). */
function sequenceLength(bytes: Uint8Array, index: number): number {
  const lead = bytes[index];
  if (lead < 0x80) return 1;
  const isTail = (at: number, low = 0x80, high = 0xbf): boolean =>
    at < bytes.length && bytes[at] >= low && bytes[at] <= high;
  if (lead >= 0xc2 && lead <= 0xdf) return isTail(index + 1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return isTail(index + 1, low, high) && isTail(index + 2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return isTail(index + 1, low, high) && isTail(index + 2) && isTail(index + 3) ? 4 : 0;
  }
  return 0;
}
