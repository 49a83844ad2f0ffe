import { decodeName } from '../events/name.ts';
import { readDecimal } from './tar-numbers.ts';

/**
 * PAX extended headers (POSIX.1-2001 pax, "pax Extended Header"): records `LENGTH KEY=VALUE\n`, LENGTH in decimal and counting
 * the whole record. Values are bytes: xattrs are binary, and names need not be UTF-8 whatever the standard says.
 */
export interface PaxRecords {
  /** Later records of a key replace earlier ones. Values are own copies. */
  readonly values: Map<string, Buffer>;
  /** Offset and length pairs of the GNU sparse format 0.0, which repeats two keys and so depends on their order. */
  readonly sparsePairs: number[];
}

export function emptyPaxRecords(): PaxRecords {
  return { values: new Map(), sparsePairs: [] };
}

/**
 * Adds the records of an extended header's body.
 *
 * @param body - Read, not kept.
 * @returns null, or in words what is wrong.
 */
export function addPaxRecords(records: PaxRecords, body: Buffer): string | null {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = space === -1 || space - at > 16 ? NaN : readDecimal(body.toString('latin1', at, space));
    const end = at + length;
    if (Number.isNaN(length) || end > body.length || end <= space + 1) return 'a PAX record has a bad length';
    if (body[end - 1] !== 0x0a) return 'a PAX record does not end with a newline';
    const equals = body.indexOf(0x3d, space + 1);
    if (equals === -1 || equals >= end - 1 || equals === space + 1) return 'a PAX record has no key or no value';
    const fault = addRecord(records, decodeName(body.subarray(space + 1, equals)), body.subarray(equals + 1, end - 1));
    if (fault !== null) return fault;
    at = end;
  }
  return null;
}

function addRecord(records: PaxRecords, key: string, value: Buffer): string | null {
  if (NAME_KEYS.has(key) && value.includes(0)) return `the PAX record ${key} holds a NUL byte`;
  if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
    const isOffset = key === 'GNU.sparse.offset';
    const number = readDecimal(value.toString('latin1'));
    if (Number.isNaN(number)) return `the PAX record ${key} is not a number`;
    if ((records.sparsePairs.length % 2 === 0) !== isOffset)
      return 'the PAX sparse map has offsets and lengths out of order';
    records.sparsePairs.push(number);
  } else {
    records.values.set(key, Buffer.from(value));
  }
  return null;
}

const NAME_KEYS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name']);

/** Prefix of the records that carry extended attributes (star; taken over by Go, GNU tar, libarchive and Docker). */
export const PAX_XATTR_PREFIX = 'SCHILY.xattr.';

/** Records that an entry takes in. */
const USED_KEYS =
  /^(?:path|linkpath|size|uid|gid|mtime|SCHILY\.(?:realsize|devmajor|devminor|xattr\..*)|GNU\.sparse\..*)$/s;

/**
 * Records that say nothing a layer could hold: user names beside ids, other times, a writer's notes, inode numbers. libarchive
 * writes each xattr twice, once under its own prefix.
 */
const HARMLESS_KEYS =
  /^(?:comment|charset|hdrcharset|uname|gname|atime|ctime|SCHILY\.(?:dev|ino|nlink|filetype|volhdr\..*|volno|archtype)|LIBARCHIVE\.(?:creationtime|symlinktype|xattr\..*)|GNU\.volume\..*)$/s;

/** Whether leaving a record out loses something that its writer meant to keep. */
export function isPaxKeyLost(key: string): boolean {
  return !USED_KEYS.test(key) && !HARMLESS_KEYS.test(key);
}

/** Bytes that the records hold, for bounds. */
export function paxRecordBytes(records: PaxRecords): number {
  let bytes = 8 * records.sparsePairs.length;
  for (const [key, value] of records.values) bytes += key.length + value.length;
  return bytes;
}
