/**
 * Finds accesses of one file that overlapped in time and whose order matters: the log tells when calls began and ended,
 * not what happened first in between.
 *
 *     63 write(3</c/thr>, "t3\n", 3 <unfinished ...>      begins
 *     64 write(3</c/thr>, "t1\n", 3) = 3                  begins and ends meanwhile
 *     63 <... write resumed>) = 3                         ends
 */

import type { Ino } from '../../events/event.ts';
import type { Description } from './descriptors.ts';

export interface Access {
  /** Lines of the log. */
  readonly startLine: number;
  readonly line: number;
  /** Bytes `[from, to)` of the file; a truncation reaches to infinity. */
  readonly from: number;
  readonly to: number;
  readonly isWrite: boolean;
  /** It went to the end of the file, wherever that was. */
  readonly isAppend: boolean;
  /** It used and moved the offset of that description; null: it said where. */
  readonly offsetOf: Description | null;
  /** The file whose content depends on it: for the source of a copy the target. */
  readonly affects: Ino;
}

export class Overlaps {
  /** Pairs found. */
  pairs = 0;
  readonly #recent = new Map<Ino, Access[]>();

  /**
   * Adds an access that has ended.
   *
   * @param inFlight - Data calls that have begun and not ended yet. Without any, nothing before can overlap what comes.
   * @returns Files whose content is uncertain by it.
   */
  add(ino: Ino, access: Access, inFlight: number): Ino[] {
    const affected: Ino[] = [];
    if (access.startLine !== access.line) {
      for (const other of this.#recent.get(ino) ?? []) {
        if (other.line < access.startLine || !conflict(access, other)) continue;
        this.pairs++;
        affected.push(access.affects, other.affects);
      }
    }
    if (inFlight === 0) this.#recent.clear();
    else {
      const recent = this.#recent.get(ino);
      if (recent === undefined) this.#recent.set(ino, [access]);
      else recent.push(access);
    }
    return affected;
  }
}

function conflict(a: Access, b: Access): boolean {
  if (!a.isWrite && !b.isWrite) return false;
  if (a.offsetOf !== null && a.offsetOf === b.offsetOf) return true;
  if (a.isWrite && b.isWrite && (a.isAppend || b.isAppend)) return true;
  return a.from < b.to && b.from < a.to;
}
