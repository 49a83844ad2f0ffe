/**
 * An answer as the kernel reads it: fuse_out_header, then the operation's own structure.
 *
 * ```
 *  0 len u32 │ 4 error i32 │ 8 unique u64 │ 16 structure or data
 * ```
 *
 * Operations write their structure at offset 0 of the payload; one object and one buffer serve all answers.
 */

import { MAX_WRITE_BYTES, OUT_HEADER_BYTES } from './protocol.ts';

const TWO_32 = 0x1_0000_0000;

export class Reply {
  readonly bytes: Buffer = Buffer.from(new ArrayBuffer(OUT_HEADER_BYTES + MAX_WRITE_BYTES));
  readonly #words = new Uint32Array(this.bytes.buffer);
  readonly #signed = new Int32Array(this.bytes.buffer);

  /** Writes the header; `error` is 0 or a negative error number. Returns the length of the whole. */
  seal(payloadBytes: number, error: number, uniqueLow: number, uniqueHigh: number): number {
    const length = OUT_HEADER_BYTES + payloadBytes;
    this.#words[0] = length;
    this.#signed[1] = error;
    this.#words[2] = uniqueLow;
    this.#words[3] = uniqueHigh;
    return length;
  }

  /** @param at - Offset in the payload, a multiple of 4. */
  u32(at: number, value: number): void {
    this.#words[(OUT_HEADER_BYTES + at) >> 2] = value;
  }

  u16(at: number, value: number): void {
    this.bytes.writeUInt16LE(value, OUT_HEADER_BYTES + at);
  }

  /** @param value - A whole number between -2^53 and 2^53. */
  u64(at: number, value: number): void {
    const word = (OUT_HEADER_BYTES + at) >> 2;
    this.#words[word] = value; // modulo 2^32
    this.#words[word + 1] = Math.floor(value / TWO_32);
  }

  /** An inode number, of any 64 bits. */
  ino(at: number, value: number | bigint): void {
    if (typeof value === 'number') this.u64(at, value);
    else this.bytes.writeBigUInt64LE(value, OUT_HEADER_BYTES + at);
  }

  /** Fills with zeros: what a structure reserves must be zero. */
  clear(at: number, bytes: number): void {
    this.bytes.fill(0, OUT_HEADER_BYTES + at, OUT_HEADER_BYTES + at + bytes);
  }

  /** Copies bytes to the payload. */
  put(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, OUT_HEADER_BYTES + at);
  }
}
