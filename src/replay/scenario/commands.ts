/** Command lines: a verb with its arguments, and the fixed forms `>`, `>>`, `;`, `&&` and one pipe. */

import type { Command } from './scenario.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';
import type { Token } from './words.ts';

/** What output can be piped into. */
const FILTERS: ReadonlySet<string> = new Set(['tail', 'head', 'wc']);

/**
 * Reads a sequence of commands. `;` and `&&` mean the same: in a scenario the first refusal ends the line either way.
 *
 * @param verbs - The verbs that exist; null lets any word be one.
 */
export function parseCommands(
  tokens: readonly Token[],
  place: SourcePlace,
  verbs: ReadonlySet<string> | null,
): Command[] {
  const commands: Command[] = [];
  let from = 0;
  tokens.forEach((token, index) => {
    if (token.kind !== 'operator' || (token.text !== ';' && token.text !== '&&')) return;
    commands.push(parseCommand(tokens.slice(from, index), place, verbs));
    from = index + 1;
  });
  commands.push(parseCommand(tokens.slice(from), place, verbs));
  return commands;
}

/** Reads one command, without `;` and `&&`. */
export function parseCommand(tokens: readonly Token[], place: SourcePlace, verbs: ReadonlySet<string> | null): Command {
  let index = tokens.findIndex((token) => token.kind === 'operator');
  if (index < 0) index = tokens.length;
  const words = tokens.slice(0, index).map((token) => token.text);
  if (words.length === 0) throw syntaxError(place, 'a verb', tokens[0]?.text ?? '');
  if (verbs !== null && !verbs.has(words[0])) {
    throw syntaxError(place, `a file verb (${[...verbs].join(' ')})`, words[0]);
  }
  const operator = tokens[index];
  const rest = tokens.slice(index + 1);
  if (operator === undefined) return { words, redirect: null, filter: null };
  const extra = rest.find((token) => token.kind === 'operator');
  if (extra !== undefined) throw syntaxError(place, 'at most one > >> or | in a command', extra.text);
  if (operator.text === '|') return { words, redirect: null, filter: parseFilter(rest, place) };
  if (operator.text === '>' || operator.text === '>>') {
    if (rest.length !== 1) throw syntaxError(place, `one path after ${operator.text}`, rest[1]?.text ?? '');
    return { words, redirect: { path: rest[0].text, append: operator.text === '>>' }, filter: null };
  }
  throw syntaxError(place, 'one command', operator.text);
}

function parseFilter(tokens: readonly Token[], place: SourcePlace): string[] {
  const words = tokens.map((token) => token.text);
  if (words.length > 0 && FILTERS.has(words[0])) return words;
  throw syntaxError(place, 'a pipe into tail, head or wc', words[0] ?? '');
}
