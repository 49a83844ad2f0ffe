/** Bytes written and read in order: canonical encodings, and nodes of checkpoints. All integers little endian. */

import { encodeName } from '../events/name.ts';
import { nameText } from '../events/pack-reader.ts';

/** A growing buffer. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  reset(): void {
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  /** A view that is valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A double. */
  number(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** An int64. */
  time(value: bigint): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value >>> 0, this.#length);
  }

  /** An integer from 0 to 2^53 - 1 in groups of 7 bits, low ones first, with the high bit where more follow (LEB128). */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** u32 length ‖ bytes of a name. */
  text(value: string): void {
    this.blob(encodeName(value));
  }

  /** u32 length ‖ bytes. */
  blob(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.#length = this.#buffer.writeUInt32LE(value.length, this.#length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Bytes of a name behind their number as a varint. */
  shortText(value: string): void {
    const start = this.#length;
    const { length } = value;
    if (length < 0x80) {
      // Most names are short ASCII.
      this.#reserve(1 + length);
      const buffer = this.#buffer;
      let at = start + 1;
      let index = 0;
      for (; index < length; index++) {
        const unit = value.charCodeAt(index);
        if (unit >= 0x80) break;
        buffer[at++] = unit;
      }
      if (index === length) {
        buffer[start] = length;
        this.#length = at;
        return;
      }
    }
    this.shortBlob(encodeName(value));
  }

  shortBlob(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads what a {@link ByteWriter} wrote. Whoever made sure of a digest may trust the bytes: bounds are not checked. */
export class ByteReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++];
  }

  uint32(): number {
    const value = this.bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  time(): bigint {
    const value = this.bytes.readBigInt64LE(this.at);
    this.at += 8;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  shortText(): string {
    const length = this.varint();
    this.at += length;
    return nameText(this.bytes, this.at - length, this.at);
  }

  /** A copy. */
  shortBlob(): Buffer {
    return Buffer.from(this.raw(this.varint()));
  }

  /** A view. */
  raw(length: number): Buffer {
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }
}
