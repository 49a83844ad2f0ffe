/**
 * A request as the kernel wrote it: fuse_in_header, then the operation's own structure, then names or data.
 *
 * ```
 *  0 len u32 │ 4 opcode u32 │ 8 unique u64 │ 16 nodeid u64 │ 24 uid u32 │ 28 gid u32 │ 32 pid u32 │ 36 … │ 40 arguments
 * ```
 *
 * One object and one buffer serve all requests, one after the other. Numbers are in the machine's order, which is little
 * endian on everything that Node runs Linux on but s390x.
 */

import { decodeName } from '../events/name.ts';
import { IN_HEADER_BYTES } from './protocol.ts';

const TWO_32 = 0x1_0000_0000;

export class Request {
  readonly bytes: Buffer;
  readonly #words: Uint32Array;
  /** Bytes that came. */
  length = 0;

  /** @param bytes - Each request is put at their beginning. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  }

  get opcode(): number {
    return this.#words[1];
  }

  get uniqueLow(): number {
    return this.#words[2];
  }

  get uniqueHigh(): number {
    return this.#words[3];
  }

  get nodeId(): number {
    return this.#words[5] * TWO_32 + this.#words[4];
  }

  get uid(): number {
    return this.#words[6];
  }

  get gid(): number {
    return this.#words[7];
  }

  get pid(): number {
    return this.#words[8];
  }

  /** Whether the arguments are at least so long. */
  has(argumentBytes: number): boolean {
    return this.length >= IN_HEADER_BYTES + argumentBytes;
  }

  /** A number of the arguments; `at` is a multiple of 4. */
  u32(at: number): number {
    return this.#words[(IN_HEADER_BYTES + at) >> 2];
  }

  /** A number up to 2^53; a larger one loses its low bits. */
  u64(at: number): number {
    const word = (IN_HEADER_BYTES + at) >> 2;
    return this.#words[word + 1] * TWO_32 + this.#words[word];
  }

  /** A signed number, for seconds and offsets. */
  s64(at: number): number {
    const word = (IN_HEADER_BYTES + at) >> 2;
    return (this.#words[word + 1] | 0) * TWO_32 + this.#words[word];
  }

  /**
   * A name or a link's target, which ends in NUL.
   *
   * @param at - Offset in the arguments.
   */
  name(at: number): string {
    return decodeName(this.bytes.subarray(IN_HEADER_BYTES + at, this.endOfName(at)));
  }

  /** The name behind the first one. */
  secondName(at: number): string {
    return this.name(this.endOfName(at) + 1 - IN_HEADER_BYTES);
  }

  /** Where the name's NUL stands in the buffer; the end of the request where there is none. */
  endOfName(at: number): number {
    const end = this.bytes.indexOf(0, IN_HEADER_BYTES + at);
    return end < 0 || end > this.length ? this.length : end;
  }
}
