/** Which files can't be exact, and why: what the log does not tell is reported, never guessed. */

import type { Ino } from '../../events/event.ts';

export type InexactReason =
  | 'shared-mapping'
  | 'perhaps-mapped'
  | 'cut-string'
  | 'overlapping-writes'
  | 'overlapping-names'
  | 'data-from-outside'
  | 'copy-of-inexact'
  | 'unknown-offset';

const TEXTS: Readonly<Record<InexactReason, string>> = {
  'shared-mapping': 'written through a shared mapping: what was written there is not in the log',
  'perhaps-mapped':
    'mapped shared, open for writing: mprotect was not traced, so the log does not tell whether it was written',
  'cut-string': 'data was cut by strace (-s): only its beginning is in the log',
  'overlapping-writes': 'writes overlap in time: the log does not tell their order',
  'overlapping-names': 'calls on its name overlap in time: the log does not tell their order',
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

function addReasons(to: Marks['reasons'], from: Marks['reasons']): void {
  for (const [reason, { line, count }] of from) {
    const known = to.get(reason);
    to.set(reason, known === undefined ? { line, count } : { line: known.line, count: known.count + count });
  }
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
    const files = new Map<string, { path: string; isGone: boolean; reasons: Marks['reasons'] }>();
    for (const [ino, { path: last, reasons }] of this.#files) {
      const path = pathOf(ino) ?? last;
      const isGone = pathOf(ino) === null;
      // A name that many files had, one after the other, is told once.
      const key = `${isGone}${path}`;
      const known = files.get(key);
      if (known === undefined) files.set(key, { path, isGone, reasons: new Map(reasons) });
      else addReasons(known.reasons, reasons);
    }
    return Array.from(files.values(), ({ path, isGone, reasons }) => ({
      path,
      isGone,
      reasons: Array.from(reasons, ([reason, { line, count }]) => ({ reason, text: TEXTS[reason], line, count })),
    }));
  }
}
