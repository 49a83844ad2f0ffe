/**
 * The answer to a close, which nobody waits for: it is written behind the next answer, which somebody does wait for.
 *
 * A program that has closed a file goes on at once, and mostly opens or makes the next one; what it asks for then would come
 * behind this answer (in a loop of open, read and close a tenth of the time). It is not owed for long: before the server
 * sleeps it is written, whatever comes next.
 */

import { OUT_HEADER_BYTES, RELEASE, RELEASEDIR } from './protocol.ts';

export class LateAnswer {
  readonly #bytes = Buffer.alloc(OUT_HEADER_BYTES);
  #isThere = false;

  static isFor(opcode: number): boolean {
    return opcode === RELEASE || opcode === RELEASEDIR;
  }

  /** @param answer - Begins with the answer, a header alone; copied. */
  keep(answer: Buffer): void {
    answer.copy(this.#bytes, 0, 0, OUT_HEADER_BYTES);
    this.#isThere = true;
  }

  /** The answer that is owed, valid until the next one is kept; null: none is. */
  take(): Buffer | null {
    if (!this.#isThere) return null;
    this.#isThere = false;
    return this.#bytes;
  }
}
