/** The lines of a scenario's source that belong to the scenario, one after the other. */

import { type SourcePlace, syntaxError } from './syntax-error.ts';

export class SourceLines {
  readonly file: string;
  /** All lines of the file. */
  readonly all: readonly string[];
  /** The block that is read: lines `[at, end)` of the file. */
  #at: number;
  readonly #end: number;

  constructor(file: string, all: readonly string[], block: { readonly start: number; readonly end: number }) {
    this.file = file;
    this.all = all;
    this.#at = block.start;
    this.#end = block.end;
  }

  /** The next line, or undefined at the end. */
  get next(): string | undefined {
    return this.#at < this.#end ? this.all[this.#at] : undefined;
  }

  /** Where the next line is. */
  get place(): SourcePlace {
    return { file: this.file, line: this.#at + 1 };
  }

  advance(): void {
    this.#at++;
  }
}

/** A stretch of lines, from 0, the end not included. */
export interface SourceBlock {
  readonly start: number;
  readonly end: number;
}

/**
 * The fenced blocks marked `scn` of a Markdown file. Together they are one scenario: a later block goes on where the one
 * before ended.
 *
 * @throws `ERR_SCENARIO_SYNTAX` for a block that is not closed, or that is indented: its lines could not be told apart.
 */
export function markdownBlocks(file: string, lines: readonly string[]): SourceBlock[] {
  const blocks: SourceBlock[] = [];
  let index = 0;
  while (index < lines.length) {
    const fence = /^([ \t]*)(`{3,}|~{3,})[ \t]*([^\s`]*)/.exec(lines[index]);
    if (fence === null) {
      index++;
      continue;
    }
    const start = index + 1;
    const closing = new RegExp(`^[ \\t]*${fence[2][0]}{${fence[2].length},}[ \\t\\r]*$`);
    let end = start;
    while (end < lines.length && !closing.test(lines[end])) end++;
    if (fence[3] === 'scn') {
      if (fence[1] !== '') throw syntaxError({ file, line: start }, 'a scn block that starts in the first column');
      if (end === lines.length) throw syntaxError({ file, line: start }, 'a scn block that is closed');
      blocks.push({ start, end });
    }
    index = end + 1;
  }
  return blocks;
}
