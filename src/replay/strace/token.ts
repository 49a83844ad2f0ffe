/** What the arguments of a call in the log are made of. */

export type Token = StringToken | WordToken | ListToken;

/** A string, as C escapes between quotes; also the path in `3</path>`. Decoded when it is asked for. */
export class StringToken {
  readonly kind = 'string';
  /** strace cut it (`"…"...`): what is here is only its beginning. */
  readonly isCut: boolean;
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(buffer: Buffer, start: number, end: number, isCut: boolean) {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
    this.isCut = isCut;
  }

  /** The bytes; a view on the log where nothing was escaped. */
  get bytes(): Buffer {
    const raw = this.#buffer.subarray(this.#start, this.#end);
    const first = raw.indexOf(BACKSLASH);
    return first < 0 ? raw : unescape(raw, first);
  }

  /** The same string in a buffer of its own, which does not hold the piece of the log that it came from. */
  get text(): string {
    return this.bytes.toString('latin1');
  }
}

/** Anything that is neither string nor list: a number, flags, `NULL`, a file descriptor, an address. */
export interface WordToken {
  readonly kind: 'word';
  readonly text: string;
  /** What a descriptor stood for, as strace saw it (`3</path>`); null without. */
  readonly path: StringToken | null;
  /** That file had no name any more (`3</path>(deleted)`). */
  readonly isDeleted: boolean;
}

/** `[…]` or `{…}`. */
export interface ListToken {
  readonly kind: 'list';
  readonly items: readonly Token[];
  /** Of each item the name before its `=`, or ''. */
  readonly names: readonly string[];
  /** strace left items out (`...`). */
  readonly isCut: boolean;
}

const BACKSLASH = 0x5c;

/** Turns C escapes into bytes: `\n`, `\"`, up to three octal digits, `\x` with two hex digits. */
function unescape(raw: Buffer, first: number): Buffer {
  const out = Buffer.allocUnsafe(raw.length);
  raw.copy(out, 0, 0, first);
  let to = first;
  let at = first;
  while (at < raw.length) {
    const byte = raw[at++];
    if (byte !== BACKSLASH || at === raw.length) {
      out[to++] = byte;
      continue;
    }
    const escape = raw[at++];
    if (escape >= 0x30 && escape <= 0x37) {
      let value = escape - 0x30;
      for (let digits = 1; digits < 3 && at < raw.length && raw[at] >= 0x30 && raw[at] <= 0x37; digits++) {
        value = value * 8 + raw[at++] - 0x30;
      }
      out[to++] = value & 0xff;
    } else if (escape === 0x78) {
      const value = Number.parseInt(raw.toString('latin1', at, at + 2), 16);
      at += 2;
      out[to++] = Number.isNaN(value) ? 0 : value;
    } else {
      out[to++] = SIMPLE_ESCAPES.get(escape) ?? escape;
    }
  }
  return out.subarray(0, to);
}

const SIMPLE_ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8, e: 27 }).map(([letter, byte]) => [
    letter.charCodeAt(0),
    byte,
  ]),
);

const isWord = (token: Token | undefined): token is WordToken => token?.kind === 'word';

/** A number as strace prints it (decimal, 0 octal, 0x hex); NaN for anything else. */
export function numberOf(token: Token | undefined): number {
  return isWord(token) ? parseNumber(token.text) : Number.NaN;
}

export function parseNumber(text: string): number {
  const sign = text.charCodeAt(0) === 0x2d ? -1 : 1;
  const digits = sign < 0 ? text.slice(1) : text;
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  return /^(?:\d+|0x[0-9a-f]+)$/.test(digits) ? sign * Number(digits) : Number.NaN;
}

export const wordOf = (token: Token | undefined): string => (isWord(token) ? token.text : '');

/** The names and numbers of `A|B|0644`. */
export const flagsOf = (token: Token | undefined): readonly string[] =>
  isWord(token) && token.text !== '0' ? token.text.split('|') : [];

export const stringOf = (token: Token | undefined): StringToken | null => (token?.kind === 'string' ? token : null);

export const listOf = (token: Token | undefined): ListToken | null => (token?.kind === 'list' ? token : null);

/** A member of a struct. */
export function memberOf(token: Token | undefined, name: string): Token | undefined {
  if (token?.kind !== 'list') return undefined;
  const index = token.names.indexOf(name);
  return index < 0 ? undefined : token.items[index];
}
