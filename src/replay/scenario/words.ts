/**
 * Cuts a line into words, as a shell would, with nothing of a shell behind it.
 *
 *     plain          up to a blank or an operator; a backslash takes the next character as it is
 *     'single'       as it stands
 *     "double"       \" and \\ are undone, any other backslash stays
 *     $'bytes'       \n \t \r \e \0 \\ \' \" and \xNN, one byte each, so that any name can be written
 *     > >> ; && |    operators
 *       # comment    after two blanks or at the start, to the end of the line
 *
 * Variables, globs, substitutions, `<`, `&` and `||` do not exist; the ones that would change a line's meaning are errors.
 */

import { decodeName, encodeName } from '../../events/name.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';

export type OperatorText = '>' | '>>' | ';' | '&&' | '|';

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: 'operator'; readonly text: OperatorText; readonly start: number; readonly end: number };

export interface TokenizedLine {
  readonly tokens: readonly Token[];
  /** Where the line's last token ends; a comment and blanks may follow. */
  readonly end: number;
}

const OPERATORS: readonly OperatorText[] = ['>>', '&&', '>', ';', '|'];

/** @throws `ERR_SCENARIO_SYNTAX` for an open quote or a form that does not exist. */
export function tokenize(line: string, place: SourcePlace, from = 0): TokenizedLine {
  const tokens: Token[] = [];
  let at = from;
  for (;;) {
    const blanks = at;
    while (at < line.length && isBlank(line[at])) at++;
    if (at >= line.length) break;
    const isApart = at === 0 || at - blanks >= 2 || line.slice(blanks, at).includes('\t');
    if (line[at] === '#' && isApart) break;
    const operator = OPERATORS.find((text) => line.startsWith(text, at));
    if (operator !== undefined) {
      if (line.startsWith('||', at)) throw syntaxError(place, 'one of > >> ; && |', '||');
      tokens.push({ kind: 'operator', text: operator, start: at, end: at + operator.length });
      at += operator.length;
      continue;
    }
    const word = readWord(line, at, place);
    tokens.push({ kind: 'word', text: word.text, start: at, end: word.end });
    at = word.end;
  }
  return { tokens, end: tokens.at(-1)?.end ?? from };
}

/** The texts of a line that holds nothing but words. */
export function wordsOf(line: string, place: SourcePlace, from = 0): string[] {
  return tokenize(line, place, from).tokens.map((token) => {
    if (token.kind === 'operator') throw syntaxError(place, 'a word', token.text);
    return token.text;
  });
}

export const isBlank = (char: string): boolean => char === ' ' || char === '\t' || char === '\r';

function readWord(line: string, start: number, place: SourcePlace): { text: string; end: number } {
  let text = '';
  let at = start;
  while (at < line.length) {
    const char = line[at];
    if (isBlank(char) || char === '>' || char === ';' || char === '|') break;
    if (char === '&' || char === '<' || char === '`') {
      if (line.startsWith('&&', at)) break;
      throw syntaxError(place, `no ${char} (this is not a shell; put it in quotes)`, line.slice(at));
    }
    if (char === '\0') throw syntaxError(place, 'no NUL byte', line.slice(start, at));
    if (char === "'" || char === '"' || line.startsWith("$'", at)) {
      const quote = readQuoted(line, at, place);
      text += quote.text;
      at = quote.end;
    } else if (char === '\\') {
      if (at + 1 >= line.length) throw syntaxError(place, 'a character after the backslash', '');
      text += line[at + 1];
      at += 2;
    } else {
      text += char;
      at++;
    }
  }
  return { text, end: at };
}

function readQuoted(line: string, start: number, place: SourcePlace): { text: string; end: number } {
  const isBytes = line[start] === '$';
  const quote = isBytes ? "'" : line[start];
  let text = '';
  let at = start + (isBytes ? 2 : 1);
  const content = at;
  while (at < line.length && line[at] !== quote) {
    if (line[at] === '\0') throw syntaxError(place, 'no NUL byte', line.slice(start, at));
    if (line[at] !== '\\' || (quote === "'" && !isBytes)) {
      text += line[at++];
    } else if (isBytes) {
      at += line.startsWith('\\x', at) ? 4 : 2;
    } else {
      const isEscape = line[at + 1] === '"' || line[at + 1] === '\\';
      text += isEscape ? line[at + 1] : line.slice(at, at + 2);
      at += 2;
    }
  }
  if (line[at] !== quote) throw syntaxError(place, `a closing ${quote}`, line.slice(start));
  if (isBytes) text = unescapeBytes(line.slice(content, at), place);
  return { text, end: at + 1 };
}

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ['n', 0x0a],
  ['t', 0x09],
  ['r', 0x0d],
  ['e', 0x1b],
  ['\\', 0x5c],
  ["'", 0x27],
  ['"', 0x22],
]);

/** The text of `$'…'`: escapes become bytes, and bytes that are no UTF-8 lone surrogates. */
function unescapeBytes(text: string, place: SourcePlace): string {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < text.length) {
    const escape = text.indexOf('\\', at);
    if (escape < 0) {
      parts.push(encodeName(text.slice(at)));
      break;
    }
    parts.push(encodeName(text.slice(at, escape)));
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(escape, escape + 4));
    const byte = hex === null ? ESCAPES.get(text[escape + 1]) : Number.parseInt(hex[1], 16);
    if (byte === undefined || byte === 0) {
      throw syntaxError(place, String.raw`one of \n \t \r \e \\ \' \" \x01…\xff`, text.slice(escape, escape + 4));
    }
    parts.push(Uint8Array.of(byte));
    at = escape + (hex === null ? 2 : 4);
  }
  return decodeName(Buffer.concat(parts));
}
