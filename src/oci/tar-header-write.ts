import { encodeName, isUtf8Name } from '../events/name.ts';
import { PAX_XATTR_PREFIX } from './pax.ts';
import { formatPaxTime } from './pax-time.ts';
import { encodePaxRecords } from './pax-write.ts';
import { TAR_BLOCK_BYTES } from './tar-header.ts';

/** What a header says; `path` as it is to be written. */
export interface TarHeaderFields {
  readonly path: string;
  readonly target: string;
  readonly typeflag: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/** Largest numbers of octal fields with 8 and 12 bytes, one of which is the NUL behind the digits. */
const OCTAL_8_MAX = 8 ** 7 - 1;
const OCTAL_12_MAX = 8 ** 11 - 1;

/** Name of extension headers, for readers that unpack them as files. */
const PAX_HEADER_NAME = Buffer.from('././@PaxHeader');

/**
 * The header blocks of an entry: one ustar block, with a PAX header in front where ustar does not suffice.
 *
 * The bytes depend on the fields alone. What ustar cannot hold stands in PAX records (long or non-ASCII names, fractions and
 * negative times, big numbers, xattrs); the ustar field then holds the nearest it can. Names that are not UTF-8 stand as they
 * are, in ustar where they fit, because PAX records are UTF-8 by the standard.
 *
 * @returns A new buffer of whole blocks.
 */
export function encodeTarHeader(fields: TarHeaderFields): Buffer {
  const path = encodeName(fields.path);
  const target = encodeName(fields.target);
  const split = path.length <= 100 ? -1 : findSplit(path);
  const seconds = Number(fields.mtimeNs / 1_000_000_000n);
  const records = paxRecords(fields, { path, target, isPathFitting: split !== null, seconds });
  const body = records.length === 0 ? null : encodePaxRecords(records);
  const start = body === null ? 0 : TAR_BLOCK_BYTES + body.length + paddingBytes(body.length);
  const bytes = Buffer.alloc(start + TAR_BLOCK_BYTES);
  if (body !== null) putPaxHeader(bytes, body);

  const block = start === 0 ? bytes : bytes.subarray(start);
  const nameStart = split === null ? 0 : split + 1;
  path.copy(block, 0, nameStart, Math.min(path.length, nameStart + 100));
  if (split !== null && split > 0) path.copy(block, 345, 0, split);
  target.copy(block, 157, 0, Math.min(target.length, 100));
  putOctal(block, 100, 8, fields.mode & 0o7777);
  putOctal(block, 108, 8, Math.min(fields.uid, OCTAL_8_MAX));
  putOctal(block, 116, 8, Math.min(fields.gid, OCTAL_8_MAX));
  putOctal(block, 124, 12, Math.min(fields.size, OCTAL_12_MAX));
  putOctal(block, 136, 12, Math.min(Math.max(seconds, 0), OCTAL_12_MAX));
  putOctal(block, 329, 8, fields.major);
  putOctal(block, 337, 8, fields.minor);
  finishBlock(block, fields.typeflag);
  return bytes;
}

/** What ustar cannot hold. */
function paxRecords(
  fields: TarHeaderFields,
  encoded: { path: Buffer; target: Buffer; isPathFitting: boolean; seconds: number },
): (readonly [string, Uint8Array])[] {
  const { path, target, isPathFitting, seconds } = encoded;
  const records: (readonly [string, Uint8Array])[] = [];
  if (!isPathFitting || needsPax(fields.path)) records.push(['path', path]);
  if (target.length > 100 || needsPax(fields.target)) records.push(['linkpath', target]);
  if (fields.uid > OCTAL_8_MAX) records.push(['uid', Buffer.from(String(fields.uid))]);
  if (fields.gid > OCTAL_8_MAX) records.push(['gid', Buffer.from(String(fields.gid))]);
  if (fields.size > OCTAL_12_MAX) records.push(['size', Buffer.from(String(fields.size))]);
  const isWhole = BigInt(seconds) * 1_000_000_000n === fields.mtimeNs;
  if (!isWhole || seconds < 0 || seconds > OCTAL_12_MAX) {
    records.push(['mtime', Buffer.from(formatPaxTime(fields.mtimeNs))]);
  }
  for (const [name, value] of fields.xattrs) records.push([`${PAX_XATTR_PREFIX}${name}`, value]);
  return records;
}

/** Writes an extension header and its body to the start of `bytes`. */
function putPaxHeader(bytes: Buffer, body: Buffer): void {
  const block = bytes.subarray(0, TAR_BLOCK_BYTES);
  PAX_HEADER_NAME.copy(block);
  putOctal(block, 100, 8, 0o644);
  for (const [start, length] of PAX_ZERO_FIELDS) putOctal(block, start, length, 0);
  putOctal(block, 124, 12, body.length);
  finishBlock(block, 'x');
  body.copy(bytes, TAR_BLOCK_BYTES);
}

/** Owner, time and device of an extension header. */
const PAX_ZERO_FIELDS = [
  [108, 8],
  [116, 8],
  [136, 12],
  [329, 8],
  [337, 8],
] as const;

/** Zeros behind content of this length. */
export function paddingBytes(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

/** Whether ustar may not hold the text: POSIX allows ASCII there; UTF-8 goes into PAX. */
function needsPax(text: string): boolean {
  return /[^\0-\x7f]/.test(text) && isUtf8Name(text);
}

/** Where to cut a path into a prefix of 1 to 155 bytes and a name of 1 to 100, without the slash between; null if nowhere. */
function findSplit(bytes: Buffer): number | null {
  const last = Math.min(155, bytes.length - 2);
  const slash = bytes.lastIndexOf(0x2f, last);
  return slash > 0 && bytes.length - slash - 1 <= 100 ? slash : null;
}

/** Writes octal digits; the byte behind them stays NUL. */
function putOctal(block: Buffer, start: number, length: number, value: number): void {
  let rest = value;
  for (let index = start + length - 2; index >= start; index--) {
    block[index] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

function finishBlock(block: Buffer, typeflag: string): void {
  block[156] = typeflag.charCodeAt(0);
  MAGIC.copy(block, 257);
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let index = 0; index < TAR_BLOCK_BYTES; index++) sum += block[index];
  putOctal(block, 148, 7, sum);
  block[154] = 0;
}

const MAGIC = Buffer.from('ustar\x0000', 'latin1');
