import { malformed } from './event-codec-fields.ts';
import { decodeName } from './name.ts';

/** Up to so many bytes of ASCII become a string without a call into the engine. */
const SHORT_BYTES_MAX = 16;

/**
 * Reads MessagePack value by value, any of its forms that the format allows for a kind of value.
 *
 * What is read shares nothing with the buffer. A value of another kind and one that goes on behind the end are
 * `ERR_LOG_CORRUPT`: its checksum was right, so a writer was wrong.
 */
export class PackReader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = start;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** The next byte, which tells what value stands here; it is not taken. */
  peek(): number {
    if (this.at >= this.end) throw cutOff();
    return this.bytes[this.at];
  }

  /** Takes the head of a list; its count. */
  list(): number {
    const tag = this.#tag();
    let count: number;
    if (tag >= 0x90 && tag <= 0x9f) count = tag & 0x0f;
    else if (tag === 0xdc) count = this.#unsigned(2);
    else if (tag === 0xdd) count = this.#unsigned(4);
    else throw malformed('a list is missing');
    // Each value takes a byte at least, so a count that was made up cannot make anybody reserve room for it.
    if (count > this.end - this.at) throw cutOff();
    return count;
  }

  number(): number {
    const tag = this.#tag();
    if (tag < 0x80) return tag;
    switch (tag) {
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xd0:
        return (this.#unsigned(1) << 24) >> 24;
      case 0xd1:
        return (this.#unsigned(2) << 16) >> 16;
      case 0xd2:
        return this.#unsigned(4) | 0;
      case 0xcb:
        return this.bytes.readDoubleBE(this.#take(8));
      case 0xcf:
        return Number(this.bytes.readBigUInt64BE(this.#take(8)));
      case 0xd3:
        return Number(this.bytes.readBigInt64BE(this.#take(8)));
      default:
        if (tag >= 0xe0) return tag - 0x100;
        throw malformed('a number is missing');
    }
  }

  numberOrNull(): number | null {
    if (this.peek() !== 0xc0) return this.number();
    this.at++;
    return null;
  }

  flag(): boolean {
    const tag = this.#tag();
    if (tag === 0xc3) return true;
    if (tag === 0xc2) return false;
    throw malformed('a boolean is missing');
  }

  /** An int 64, which stands for a time and nothing else. */
  int64(): bigint {
    if (this.#tag() !== 0xd3) throw malformed('a time is missing');
    return this.bytes.readBigInt64BE(this.#take(8));
  }

  text(): string {
    const tag = this.#tag();
    if (tag >= 0xa0 && tag <= 0xbf) return this.#string(tag & 0x1f);
    switch (tag) {
      case 0xd9:
        return this.#string(this.#unsigned(1));
      case 0xda:
        return this.#string(this.#unsigned(2));
      case 0xdb:
        return this.#string(this.#unsigned(4));
      default: {
        const length = this.#blobLength(tag);
        if (length < 0) throw malformed('a string is missing');
        const start = this.#take(length);
        return decodeName(this.bytes.subarray(start, this.at));
      }
    }
  }

  /** Steps over a text; where its bytes start. */
  passText(): number {
    const tag = this.#tag();
    if (tag >= 0xa0 && tag <= 0xbf) return this.#take(tag & 0x1f);
    const length = tag >= 0xd9 && tag <= 0xdb ? this.#unsigned(1 << (tag - 0xd9)) : this.#blobLength(tag);
    if (length < 0) throw malformed('a string is missing');
    return this.#take(length);
  }

  textOrNull(): string | null {
    if (this.peek() !== 0xc0) return this.text();
    this.at++;
    return null;
  }

  /** A copy. */
  blob(): Uint8Array {
    const length = this.#blobLength(this.#tag());
    if (length < 0) throw malformed('bytes are missing');
    const start = this.#take(length);
    return new Uint8Array(this.bytes.subarray(start, this.at));
  }

  /** Steps over one value of any kind, lists with all that is in them. */
  skip(): void {
    for (let pending = 1; pending > 0; pending--) {
      const tag = this.peek();
      if ((tag >= 0x90 && tag <= 0x9f) || tag === 0xdc || tag === 0xdd) pending += this.list();
      else this.#skipScalar();
    }
  }

  #skipScalar(): void {
    const tag = this.#tag();
    if (tag < 0x80 || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return;
    if (tag >= 0xa0 && tag <= 0xbf) this.#take(tag & 0x1f);
    else if (tag === 0xcc || tag === 0xd0) this.#take(1);
    else if (tag === 0xcd || tag === 0xd1) this.#take(2);
    else if (tag === 0xce || tag === 0xd2) this.#take(4);
    else if (tag === 0xcb || tag === 0xcf || tag === 0xd3) this.#take(8);
    else if (tag >= 0xd9 && tag <= 0xdb) this.#take(this.#unsigned(1 << (tag - 0xd9)));
    else {
      const length = this.#blobLength(tag);
      if (length < 0) throw malformed(`no value starts with ${tag}`);
      this.#take(length);
    }
  }

  /** -1: it is no `bin`. */
  #blobLength(tag: number): number {
    if (tag === 0xc4) return this.#unsigned(1);
    if (tag === 0xc5) return this.#unsigned(2);
    return tag === 0xc6 ? this.#unsigned(4) : -1;
  }

  #string(length: number): string {
    const start = this.#take(length);
    return utf8Text(this.bytes, start, start + length);
  }

  #tag(): number {
    if (this.at >= this.end) throw cutOff();
    return this.bytes[this.at++];
  }

  /** Steps over so many bytes; where they start. */
  #take(count: number): number {
    const start = this.at;
    if (count > this.end - start) throw cutOff();
    this.at = start + count;
    return start;
  }

  #unsigned(size: number): number {
    const start = this.#take(size);
    const { bytes } = this;
    if (size === 1) return bytes[start];
    if (size === 2) return (bytes[start] << 8) | bytes[start + 1];
    return ((bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3]) >>> 0;
  }
}

const cutOff = (): Error => malformed('a value goes on behind the end');

/** Text of UTF-8 bytes; a string of its own. */
export function utf8Text(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > SHORT_BYTES_MAX) return bytes.toString('utf8', start, end);
  for (let at = start; at < end; at++) if (bytes[at] >= 0x80) return bytes.toString('utf8', start, end);
  return shortAscii(bytes, start, length);
}

/** A name or path of bytes, as {@link decodeName} has it; a short one of ASCII, as most are, sooner. */
export function nameText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length <= SHORT_BYTES_MAX) {
    let at = start;
    while (at < end && bytes[at] < 0x80) at++;
    if (at === end) return shortAscii(bytes, start, length);
  }
  return decodeName(bytes.subarray(start, end));
}

/** As {@link utf8Text} from the start on, in two parts where that is faster: for texts that are seldom looked at. */
export function longText(bytes: Buffer, end: number): string {
  if (end <= SHORT_BYTES_MAX || end > 2 * SHORT_BYTES_MAX) return utf8Text(bytes, 0, end);
  for (let at = 0; at < end; at++) if (bytes[at] >= 0x80) return bytes.toString('utf8', 0, end);
  return shortAscii(bytes, 0, SHORT_BYTES_MAX) + shortAscii(bytes, SHORT_BYTES_MAX, end - SHORT_BYTES_MAX);
}

/**
 * A few characters a call: a call with a list of arguments that has to be made first costs five times as much. Two strings
 * are joined only where the result is short, since V8 keeps a longer one in two parts.
 */
function shortAscii(b: Buffer, i: number, length: number): string {
  const of = String.fromCharCode;
  switch (length) {
    case 0:
      return '';
    case 1:
      return of(b[i]);
    case 2:
      return of(b[i], b[i + 1]);
    case 3:
      return of(b[i], b[i + 1], b[i + 2]);
    case 4:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3]);
    case 13:
      return of(
        b[i],
        b[i + 1],
        b[i + 2],
        b[i + 3],
        b[i + 4],
        b[i + 5],
        b[i + 6],
        b[i + 7],
        b[i + 8],
        b[i + 9],
        b[i + 10],
        b[i + 11],
        b[i + 12],
      );
    case 14:
      return of(
        b[i],
        b[i + 1],
        b[i + 2],
        b[i + 3],
        b[i + 4],
        b[i + 5],
        b[i + 6],
        b[i + 7],
        b[i + 8],
        b[i + 9],
        b[i + 10],
        b[i + 11],
        b[i + 12],
        b[i + 13],
      );
    case 15:
      return of(
        b[i],
        b[i + 1],
        b[i + 2],
        b[i + 3],
        b[i + 4],
        b[i + 5],
        b[i + 6],
        b[i + 7],
        b[i + 8],
        b[i + 9],
        b[i + 10],
        b[i + 11],
        b[i + 12],
        b[i + 13],
        b[i + 14],
      );
    case 16:
      return of(
        b[i],
        b[i + 1],
        b[i + 2],
        b[i + 3],
        b[i + 4],
        b[i + 5],
        b[i + 6],
        b[i + 7],
        b[i + 8],
        b[i + 9],
        b[i + 10],
        b[i + 11],
        b[i + 12],
        b[i + 13],
        b[i + 14],
        b[i + 15],
      );
    default:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3]) + shortAscii(b, i + 4, length - 4);
  }
}
