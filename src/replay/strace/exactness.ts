/** Which files can't be exact, and why: what the log does not tell is reported, never guessed. */

import type { Ino } from '../../events/event.ts';

export type InexactReason =
  | 'shared-mapping'
  | 'cut-string'
  | 'overlapping-writes'
  | 'data-from-outside'
  | 'copy-of-inexact'
  | 'unknown-offset';

const TEXTS: Readonly<Record<InexactReason, string>> = {
  'shared-mapping': 'written through a shared mapping: what was written there is not in the log',
  'cut-string': 'data was cut by strace (-s): only its beginning is in the log',
  'overlapping-writes': 'writes overlap in time: the log does not tell their order',
  'data-from-outside': 'data was copied inside the kernel from outside the tree: it is not in the log',
  'copy-of-inexact': 'copied from a file that is inexact itself',
  'unknown-offset': 'written through a descriptor from before the recording: its offset is not in the log',
};

export interface InexactFile {
  /** As it is called at the end; where it has no name then, as it was called. */
  readonly path: string;
  readonly isGone: boolean;
  readonly reasons: readonly {
    readonly reason: InexactReason;
    readonly text: string;
    /** First line of the log, and how often. */
    readonly line: number;
    readonly count: number;
  }[];
}

/** Something that makes the whole replay uncertain. */
export interface InexactEvent {
  readonly line: number;
  readonly text: string;
}

interface Marks {
  path: string;
  readonly reasons: Map<InexactReason, { readonly line: number; count: number }>;
}

export class Exactness {
  readonly events: InexactEvent[] = [];
  readonly #files = new Map<Ino, Marks>();

  mark(ino: Ino, path: string, reason: InexactReason, line: number): void {
    let marks = this.#files.get(ino);
    if (marks === undefined) this.#files.set(ino, (marks = { path, reasons: new Map() }));
    marks.path = path;
    const known = marks.reasons.get(reason);
    if (known === undefined) marks.reasons.set(reason, { line, count: 1 });
    else known.count++;
  }

  has(ino: Ino): boolean {
    return this.#files.has(ino);
  }

  /** @param pathOf - The path of a node at the end, or null. */
  files(pathOf: (ino: Ino) => string | null): InexactFile[] {
    return Array.from(this.#files, ([ino, { path, reasons }]) => ({
      path: pathOf(ino) ?? path,
      isGone: pathOf(ino) === null,
      reasons: Array.from(reasons, ([reason, { line, count }]) => ({ reason, text: TEXTS[reason], line, count })),
    }));
  }
}
