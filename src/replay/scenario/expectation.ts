/**
 * Expected output and what matches it.
 *
 * A line is expected exactly as it stands, or as a regular expression `… (re)`, or as a pattern with `*` and `?`
 * `… (glob)`; `...` stands for any number of lines, `(blank)` for an empty one. Blanks at the end of a line never count.
 */

import type { ExpectedLine } from './scenario.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';

/** Expected lines are indented by this. */
export const INDENT = '  ';

/** Reads one expected line, without its indentation. */
export function parseExpectedLine(raw: string, place: SourcePlace): ExpectedLine {
  const text = raw.trimEnd();
  if (text === '...') return { kind: 'any' };
  if (text === '(blank)') return { kind: 'exact', text: '' };
  if (text.endsWith(' (re)')) return { kind: 'pattern', text, pattern: compile(text.slice(0, -5), place) };
  if (text.endsWith(' (glob)')) {
    return { kind: 'pattern', text, pattern: compile(globSource(text.slice(0, -7)), place) };
  }
  return { kind: 'exact', text };
}

/** The expected line, with its indentation, that matches just this output line. */
export function formatExpectedLine(output: string): string {
  const text = output.trimEnd();
  if (text === '') return `${INDENT}(blank)`;
  const isSpecial = text === '...' || text === '(blank)' || text.endsWith(' (re)') || text.endsWith(' (glob)');
  return INDENT + (isSpecial ? `${escapePattern(text)} (re)` : text);
}

/** The lines of an output; a line feed at its end begins no further line. */
export function outputLines(output: string): string[] {
  if (output === '') return [];
  const lines = output.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Whether output is as expected. */
export function matchesOutput(expected: readonly ExpectedLine[], actual: readonly string[]): boolean {
  // Where the lines seen so far can end in the expectation; `...` stays and goes on at once.
  let states = closure(new Set([0]), expected);
  for (const line of actual) {
    const next = new Set<number>();
    for (const state of states) {
      const want = expected[state];
      if (want === undefined) continue;
      if (want.kind === 'any') next.add(state);
      else if (matchesLine(want, line)) next.add(state + 1);
    }
    if (next.size === 0) return false;
    states = closure(next, expected);
  }
  return states.has(expected.length);
}

function closure(states: Set<number>, expected: readonly ExpectedLine[]): Set<number> {
  for (const state of states) if (expected[state]?.kind === 'any') states.add(state + 1);
  return states;
}

function matchesLine(want: ExpectedLine, line: string): boolean {
  const text = line.trimEnd();
  switch (want.kind) {
    case 'exact':
      return want.text === text;
    case 'pattern':
      return want.pattern.test(text);
    case 'any':
      return true;
  }
}

function compile(source: string, place: SourcePlace): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 's');
  } catch {
    throw syntaxError(place, 'a regular expression before (re)', source);
  }
}

function globSource(glob: string): string {
  return glob.replaceAll(/\\(.)|[*?]|[^*?\\]+|\\$/gs, (piece, escaped: string | undefined) => {
    if (escaped !== undefined) return escapePattern(escaped);
    if (piece === '*') return '.*';
    return piece === '?' ? '.' : escapePattern(piece);
  });
}

const escapePattern = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
