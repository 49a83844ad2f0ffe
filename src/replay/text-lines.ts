/** Bytes cut into lines, without holding more than one. */

import { JsonFormError } from './event-json.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the LF; a view, good until the next line is asked for. */
  readonly bytes: Uint8Array;
}

/** Longest line in bytes: well above what one transaction can be, well below the longest string. */
const LINE_BYTES_MAX = 256 << 20;

/** The lines of a text that comes in pieces; an LF at its end starts no further line. */
export async function* linesOf(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Line, void> {
  let number = 0;
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  for await (const piece of source) {
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      const rest = piece.subarray(start, end);
      yield { number: ++number, bytes: kept.length === 0 ? rest : Buffer.concat([...kept, rest]) };
      kept = [];
      keptBytes = 0;
      start = end + 1;
    }
    if (start === piece.length) continue;
    // A copy: the source may use its buffer again.
    kept.push(Buffer.from(piece.subarray(start)));
    keptBytes += piece.length - start;
    if (keptBytes > LINE_BYTES_MAX)
      throw new JsonFormError(`line ${number + 1} is longer than ${LINE_BYTES_MAX} bytes`);
  }
  if (keptBytes > 0) yield { number: ++number, bytes: Buffer.concat(kept) };
}
