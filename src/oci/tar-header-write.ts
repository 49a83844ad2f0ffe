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
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  const records: (readonly [string, Uint8Array])[] = [];
  const addText = (key: string, text: string): void => void records.push([key, Buffer.from(text)]);

  if (!putPath(block, fields.path)) records.push(['path', encodeName(fields.path)]);
  const target = encodeName(fields.target);
  target.copy(block, 157, 0, 100);
  if (target.length > 100 || needsPax(fields.target)) records.push(['linkpath', target]);
  putOctal(block, 100, 8, fields.mode & 0o7777);
  if (!putNumber(block, 108, 8, fields.uid)) addText('uid', String(fields.uid));
  if (!putNumber(block, 116, 8, fields.gid)) addText('gid', String(fields.gid));
  if (!putNumber(block, 124, 12, fields.size)) addText('size', String(fields.size));
  const seconds = Number(fields.mtimeNs / 1_000_000_000n);
  const isWhole = BigInt(seconds) * 1_000_000_000n === fields.mtimeNs;
  if (!putNumber(block, 136, 12, seconds) || !isWhole) addText('mtime', formatPaxTime(fields.mtimeNs));
  putOctal(block, 329, 8, fields.major);
  putOctal(block, 337, 8, fields.minor);
  for (const [name, value] of fields.xattrs) records.push([`${PAX_XATTR_PREFIX}${name}`, value]);
  finishBlock(block, fields.typeflag);
  return records.length === 0 ? block : Buffer.concat([encodePaxHeader(encodePaxRecords(records)), block]);
}

function encodePaxHeader(body: Buffer): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  PAX_HEADER_NAME.copy(block);
  putOctal(block, 100, 8, 0o644);
  putOctal(block, 108, 8, 0);
  putOctal(block, 116, 8, 0);
  putOctal(block, 124, 12, body.length);
  putOctal(block, 136, 12, 0);
  putOctal(block, 329, 8, 0);
  putOctal(block, 337, 8, 0);
  finishBlock(block, 'x');
  return Buffer.concat([block, body, Buffer.alloc(paddingBytes(body.length))]);
}

/** Zeros behind content of this length. */
export function paddingBytes(size: number): number {
  return (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

/** Whether ustar may not hold the text: POSIX allows ASCII there; UTF-8 goes into PAX. */
function needsPax(text: string): boolean {
  return /[^\0-\x7f]/.test(text) && isUtf8Name(text);
}

/** Writes name and prefix; returns false if the path needs a PAX record as well. */
function putPath(block: Buffer, path: string): boolean {
  const bytes = encodeName(path);
  const split = bytes.length <= 100 ? -1 : findSplit(bytes);
  if (split === null) {
    bytes.copy(block, 0, 0, 100);
    return false;
  }
  bytes.copy(block, 0, split + 1);
  if (split > 0) bytes.copy(block, 345, 0, split);
  return !needsPax(path);
}

/** Where to cut a path into a prefix of 1 to 155 bytes and a name of 1 to 100, without the slash between; null if nowhere. */
function findSplit(bytes: Buffer): number | null {
  const last = Math.min(155, bytes.length - 2);
  const slash = bytes.lastIndexOf(0x2f, last);
  return slash > 0 && bytes.length - slash - 1 <= 100 ? slash : null;
}

/** Writes a number that may not fit; returns whether it did. The nearest number that fits is written otherwise. */
function putNumber(block: Buffer, start: number, length: 8 | 12, value: number): boolean {
  const max = length === 8 ? OCTAL_8_MAX : OCTAL_12_MAX;
  putOctal(block, start, length, Math.min(Math.max(value, 0), max));
  return value >= 0 && value <= max;
}

function putOctal(block: Buffer, start: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1');
}

function finishBlock(block: Buffer, typeflag: string): void {
  block.write(typeflag, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let index = 0; index < TAR_BLOCK_BYTES; index++) sum += block[index];
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
