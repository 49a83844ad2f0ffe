import { storeError } from './log-error.ts';
import { decodeName, encodeName, isEncodable } from './name.ts';

/**
 * The fields of stored events. Writers give what the Packr takes; readers check what the Unpackr gave, and throw
 * `ERR_LOG_CORRUPT` for a value of another type: its checksum was right, so a writer was wrong.
 */

const BYTE_ORDER_MARK = 0xfeff;

/**
 * A string as it is stored: as `str`, or as `bin` when its bytes are not UTF-8 (`name.ts`) or when it starts with
 * U+FEFF, which a TextDecoder in its usual mode swallows.
 */
export function storedText(text: string): string | Uint8Array {
  return text.isWellFormed() && text.charCodeAt(0) !== BYTE_ORDER_MARK ? text : textBytes(text);
}

function textBytes(text: string): Uint8Array {
  if (isEncodable(text)) return encodeName(text);
  throw storeError('ERR_INVALID_ARGUMENT', 'a string holds a lone surrogate that stands for no byte');
}

export function storedTexts(texts: readonly string[]): (string | Uint8Array)[] {
  const stored: (string | Uint8Array)[] = new Array(texts.length);
  for (let index = 0; index < texts.length; index++) stored[index] = storedText(texts[index]);
  return stored;
}

export const storedTextOrNull = (text: string | null): string | Uint8Array | null =>
  text === null ? null : storedText(text);

/** Refuses what follows the fields that the format knows. */
export function arity(fields: readonly unknown[], count: number): void {
  if (fields.length !== count) throw malformed(`${fields.length} values for ${count}`);
}

export function int(value: unknown): number {
  if (typeof value !== 'number') throw malformed('a number is missing');
  return value;
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return decodeName(value);
  throw malformed('a string is missing');
}

export const textOrNull = (value: unknown): string | null => (value === null ? null : text(value));

export function flag(value: unknown): boolean {
  if (typeof value !== 'boolean') throw malformed('a boolean is missing');
  return value;
}

/** A copy: the decoded one is a view of the buffer that is decoded. */
export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed('bytes are missing');
  return new Uint8Array(value);
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed('a list is missing');
  return value;
}

export const intOrNull = (value: unknown): number | null => (value === null ? null : int(value));

export function ints(value: unknown): number[] {
  return list(value).map(int);
}

export function texts(value: unknown): string[] {
  return list(value).map(text);
}

export function malformed(what: string): Error {
  return storeError('ERR_LOG_CORRUPT', `malformed event: ${what}`);
}
