/**
 * Reads the arguments and the result of one call.
 *
 *     write(3</c/a>, "one\n", 4) = 4
 *     clone3({flags=CLONE_VM|CLONE_FS, …} => {parent_tid=[64]}, 88) = 64
 *     openat(AT_FDCWD</c>, "x", O_RDONLY) = -1 ENOENT (No such file or directory)
 *     read(0x3, 0x7ffc, 0x340) = -1 (errno 11)
 *
 * What it does not know becomes a word, with its brackets and comments in balance, so that newer calls and flags do not
 * break the reading of the others.
 */

import { lineError } from './strace-error.ts';
import { type ListToken, parseNumber, StringToken, type Token, type WordToken } from './token.ts';

/** How a call ended. */
export interface CallResult {
  /** NaN where strace does not know it (`= ?`). */
  readonly value: number;
  /** Such as `ENOENT`; '' when it succeeded. */
  readonly errno: string;
  /** Where the value is a descriptor: what it stands for. */
  readonly path: StringToken | null;
  readonly isDeleted: boolean;
}

const LISTS_MAX = 64;

const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const STAR = 0x2a;
const COMMA = 0x2c;
const DOT = 0x2e;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUAL = 0x3d;
const GREATER = 0x3e;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_STRUCT = 0x7b;
const CLOSE_STRUCT = 0x7d;
const SPACE = 0x20;

export class Tokenizer {
  readonly #buffer: Buffer;
  readonly #end: number;
  readonly #line: number;
  /** The call has not ended (`<unfinished ...>`): arguments may be missing. */
  readonly #isOpen: boolean;
  #at: number;
  #depth = 0;
  /** Path at the descriptor that was read last. */
  #path: StringToken | null = null;
  #isDeleted = false;

  /** @param start - Behind the call's opening parenthesis. */
  constructor(buffer: Buffer, start: number, end: number, line: number, isOpen: boolean) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#line = line;
    this.#isOpen = isOpen;
  }

  /** The arguments, up to the closing parenthesis. */
  args(): ListToken {
    return this.#list(CLOSE);
  }

  /** What stands behind the arguments. */
  result(): CallResult {
    this.#skipSpaces();
    if (this.#peek() !== EQUAL) throw this.#error('there is no "= result"');
    this.#at++;
    this.#skipSpaces();
    const start = this.#at;
    let at = start;
    const buffer = this.#buffer;
    while (at < this.#end && buffer[at] !== SPACE && buffer[at] !== LESS) at++;
    const text = shortText(buffer, start, at);
    this.#at = at;
    if (text === '?') return { value: Number.NaN, errno: '', path: null, isDeleted: false };
    const value = parseNumber(text);
    if (Number.isNaN(value)) throw this.#error(`"${text.slice(0, 40)}" is not a result`);
    this.#descriptorPath();
    const path = this.#path;
    const isDeleted = this.#isDeleted;
    return { value, errno: value === -1 ? this.#errno() : '', path, isDeleted };
  }

  #errno(): string {
    const rest = this.#buffer.toString('latin1', this.#at, Math.min(this.#end, this.#at + 60));
    const match = /^ (?:(E[A-Z0-9]+)|\(errno (\d+)\))/.exec(rest);
    return match === null ? '' : (match[1] ?? `errno ${match[2]}`);
  }

  #list(close: number): ListToken {
    if (++this.#depth > LISTS_MAX) throw this.#error('brackets in brackets, too many');
    const items: Token[] = [];
    const names: string[] = [];
    let isCut = false;
    for (;;) {
      this.#skipSpaces();
      if (this.#at >= this.#end) {
        if (this.#isOpen) break;
        throw this.#error(`its "${String.fromCharCode(close)}" is missing`);
      }
      const byte = this.#buffer[this.#at];
      if (byte === close) {
        this.#at++;
        break;
      }
      if (byte === COMMA) {
        this.#at++;
        continue;
      }
      if (byte === CLOSE || byte === CLOSE_ARRAY || byte === CLOSE_STRUCT) {
        throw this.#error(`"${String.fromCharCode(byte)}" closes nothing`);
      }
      const name = this.#memberName();
      const value = this.#value();
      if (value.kind === 'word' && value.text === '...') {
        isCut = true;
        continue;
      }
      items.push(value);
      names.push(name);
    }
    this.#depth--;
    return { kind: 'list', items, names, isCut };
  }

  /** `name=` before a value. */
  #memberName(): string {
    const buffer = this.#buffer;
    let at = this.#at;
    while (at < this.#end && isNameByte(buffer[at])) at++;
    if (at === this.#at || buffer[at] !== EQUAL || at >= this.#end || buffer[at + 1] === EQUAL) return '';
    if (buffer[at + 1] === GREATER) return '';
    const name = buffer.toString('latin1', this.#at, at);
    this.#at = at + 1;
    return name;
  }

  #value(): Token {
    const value = this.#plainValue();
    this.#skipSpaces();
    // What the call made of it (`[5] => [782]`) is in the result, or not wanted.
    if (this.#peek() === EQUAL && this.#buffer[this.#at + 1] === GREATER) {
      this.#at += 2;
      this.#skipSpaces();
      if (this.#at < this.#end) this.#plainValue();
    }
    return value;
  }

  #plainValue(): Token {
    switch (this.#buffer[this.#at]) {
      case QUOTE:
        return this.#string();
      case OPEN_ARRAY:
        this.#at++;
        return this.#list(CLOSE_ARRAY);
      case OPEN_STRUCT:
        this.#at++;
        return this.#list(CLOSE_STRUCT);
      default:
        return this.#word();
    }
  }

  #string(): StringToken {
    const start = this.#at + 1;
    const end = this.#closingQuote(start);
    this.#at = end + 1;
    const isCut =
      this.#buffer[end + 1] === DOT &&
      this.#buffer[end + 2] === DOT &&
      this.#buffer[end + 3] === DOT &&
      end + 3 < this.#end;
    if (isCut) this.#at += 3;
    return new StringToken(this.#buffer, start, end, isCut);
  }

  /** The next quote that no backslash escapes. */
  #closingQuote(start: number): number {
    const buffer = this.#buffer;
    let at = start;
    for (;;) {
      at = buffer.indexOf(QUOTE, at);
      if (at < 0 || at >= this.#end) throw this.#error('a string does not end');
      let before = at;
      while (before > start && buffer[before - 1] === BACKSLASH) before--;
      if ((at - before) % 2 === 0) return at;
      at++;
    }
  }

  #word(): WordToken {
    const buffer = this.#buffer;
    const start = this.#at;
    let at = start;
    let end = -1;
    loop: while (at < this.#end) {
      switch (buffer[at]) {
        case COMMA:
        case CLOSE:
        case CLOSE_ARRAY:
        case CLOSE_STRUCT:
          break loop;
        case EQUAL:
          if (buffer[at + 1] === GREATER) break loop;
          at++;
          break;
        case LESS:
          // `3</path>`; elsewhere (`1<<3`) it is what it is.
          if (end < 0 && at > start && isNameByte(buffer[at - 1]) && buffer[at + 1] !== LESS) {
            end = at;
            this.#at = at;
            this.#descriptorPath();
            at = this.#at;
          } else at++;
          break;
        case SLASH:
          if (buffer[at + 1] !== STAR) {
            at++;
            break;
          }
          if (end < 0) end = at;
          at = this.#endOfComment(at);
          break;
        case QUOTE:
          at = this.#closingQuote(at + 1) + 1;
          break;
        case OPEN:
        case OPEN_ARRAY:
        case OPEN_STRUCT:
          at = this.#balanced(at);
          break;
        default:
          at++;
      }
    }
    if (end < 0) end = at;
    while (end > start && buffer[end - 1] === SPACE) end--;
    this.#at = at;
    const path = this.#path;
    const isDeleted = this.#isDeleted;
    this.#path = null;
    this.#isDeleted = false;
    return { kind: 'word', text: shortText(buffer, start, end), path, isDeleted };
  }

  /** Behind the bracket that closes the one here. */
  #balanced(open: number): number {
    const buffer = this.#buffer;
    let depth = 0;
    let at = open;
    while (at < this.#end) {
      const byte = buffer[at];
      if (byte === QUOTE) {
        at = this.#closingQuote(at + 1) + 1;
        continue;
      }
      if (byte === SLASH && buffer[at + 1] === STAR) {
        at = this.#endOfComment(at);
        continue;
      }
      at++;
      if (byte === OPEN || byte === OPEN_ARRAY || byte === OPEN_STRUCT) depth++;
      else if ((byte === CLOSE || byte === CLOSE_ARRAY || byte === CLOSE_STRUCT) && --depth === 0) return at;
    }
    if (this.#isOpen) return at;
    throw this.#error('a bracket does not close');
  }

  #endOfComment(start: number): number {
    const buffer = this.#buffer;
    for (let at = start + 2; at + 1 < this.#end; at++) {
      if (buffer[at] === STAR && buffer[at + 1] === SLASH) return at + 2;
    }
    throw this.#error('a comment does not end');
  }

  /** `</path>` and `(deleted)` behind it; with `-yy` the path has `<char 1:3>` in it. `<` and `>` of a name are escaped. */
  #descriptorPath(): void {
    if (this.#peek() !== LESS) return;
    const buffer = this.#buffer;
    const start = this.#at + 1;
    let at = start;
    let end = -1;
    let depth = 1;
    if (isUpperCase(buffer[start])) {
      // `<UNIX-STREAM:[5->6]>` (-yy): no path, and its `>` closes nothing.
      const close = buffer.indexOf(']>', start, 'latin1');
      if (close < 0 || close >= this.#end) throw this.#error('the path of a descriptor does not end');
      end = close + 1;
      at = close + 2;
      depth = 0;
    }
    for (; at < this.#end && depth > 0; at++) {
      if (buffer[at] === LESS) {
        depth++;
        if (end < 0) end = at;
      } else if (buffer[at] === GREATER) {
        depth--;
        if (depth === 0 && end < 0) end = at;
      }
    }
    if (depth > 0) throw this.#error('the path of a descriptor does not end');
    this.#path = new StringToken(buffer, start, end, false);
    this.#isDeleted = buffer[at] === OPEN && buffer.toString('latin1', at, Math.min(this.#end, at + 9)) === '(deleted)';
    if (this.#isDeleted) at += 9;
    this.#at = at;
  }

  #skipSpaces(): void {
    const buffer = this.#buffer;
    while (this.#at < this.#end) {
      if (buffer[this.#at] === SPACE) this.#at++;
      else if (buffer[this.#at] === SLASH && buffer[this.#at + 1] === STAR) this.#at = this.#endOfComment(this.#at);
      else return;
    }
  }

  #peek(): number {
    return this.#at < this.#end ? this.#buffer[this.#at] : -1;
  }

  #error(message: string): Error {
    return lineError(this.#line, message);
  }
}

/** Short words are spelled out here: asking the buffer for so few bytes costs more than reading them. */
function shortText(buffer: Buffer, start: number, end: number): string {
  if (end - start > 12) return buffer.toString('latin1', start, end);
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(buffer[at]);
  return text;
}

const isUpperCase = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

function isNameByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f
  );
}
