import { printableName } from '../events/name.ts';
import { storeError } from '../events/log-error.ts';
import type { StoreError, StoreErrorCode } from '../events/log-error.ts';

/** Where in an image source something is, for errors and warnings. */
export interface SourcePlace {
  /** The file or directory that is read. */
  readonly file: string;
  /** Which layer, e.g. `layer 2 of 6`. */
  readonly layer?: string | undefined;
}

/** Where in a tar something is. */
export interface EntryPlace {
  /** The entry's name as the archive writes it. */
  readonly entry?: string | undefined;
  /** The entry's number, the first is 1. */
  readonly ordinal?: number | undefined;
  /** Bytes from the start of the uncompressed tar. */
  readonly offset?: number | undefined;
}

/** Makes an error that names the file and, as far as known, layer, entry and byte offset, in words and in `detail`. */
export function sourceError(
  code: StoreErrorCode,
  message: string,
  place: SourcePlace & EntryPlace,
  cause?: unknown,
): StoreError {
  const { file, layer, entry, ordinal, offset } = place;
  const where = [file];
  if (layer !== undefined) where.push(layer);
  if (ordinal !== undefined)
    where.push(entry === undefined ? `entry ${ordinal}` : `entry ${ordinal} "${shorten(entry)}"`);
  else if (entry !== undefined) where.push(`entry "${shorten(entry)}"`);
  if (offset !== undefined) where.push(`byte ${offset}`);
  const detail = {
    file,
    layer: layer ?? null,
    entry: entry ?? null,
    ordinal: ordinal ?? null,
    offset: offset ?? null,
  };
  return storeError(code, `${where.join(', ')}: ${message}`, cause === undefined ? { detail } : { detail, cause });
}

/** A name as people can read it, at most 200 characters. */
function shorten(name: string): string {
  const text = printableName(name);
  return text.length <= 200 ? text : `${text.slice(0, 197)}...`;
}
