import { decodeName } from '../events/name.ts';
import { readTarNumber } from './tar-numbers.ts';

/**
 * One header block.
 *
 * ```
 * offset  0    100   108  116  124   136    148       156       157      257    263      265    297    329   337   345
 *         name mode  uid  gid  size  mtime  checksum  typeflag  linkname magic  version  uname  gname  major minor prefix
 * bytes   100  8     8    8    12    12     8         1         100      6      2        32     32     8     8     155
 * ```
 *
 * v7 has nothing from 257 on. `ustar\0` (POSIX.1-1988) joins prefix and name with a slash. GNU's `ustar  \0` keeps times and
 * the sparse map where the prefix would be, so it has none. star (`tar\0` at 508) has a prefix of 131 bytes, then times.
 */
export interface TarHeader {
  /** Prefix and name joined, as written. */
  readonly name: string;
  readonly linkName: string;
  /** The byte at 156; NUL for regular files of v7. */
  readonly typeflag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

export const TAR_BLOCK_BYTES = 512;

/** Whether a block holds only zeros; two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.equals(ZERO_BLOCK);
}

const ZERO_BLOCK = Buffer.alloc(TAR_BLOCK_BYTES);

/**
 * Whether a file is meant as a tar, also as a damaged one: it starts with a header whose checksum fits, with one that says
 * `ustar`, or with the end of an archive that holds nothing.
 *
 * @param start - The first {@link TAR_BLOCK_BYTES} bytes, or all of a shorter file.
 */
export function looksLikeTar(start: Buffer): boolean {
  if (start.length >= 261 && start.readUInt32BE(257) === USTAR) return true;
  return start.length >= TAR_BLOCK_BYTES && (isZeroBlock(start) || hasValidChecksum(start));
}

/**
 * Reads a header block.
 *
 * @param block - {@link TAR_BLOCK_BYTES} bytes; read, not kept.
 * @returns The header, or in words what is wrong with it.
 */
export function parseTarHeader(block: Buffer): TarHeader | string {
  if (!hasValidChecksum(block)) return 'not a tar header: its checksum does not fit';
  const isUstar = block.readUInt32BE(257) === USTAR && block[261] === 0x72 && block[262] === 0;
  const isGnu = !isUstar && block.toString('latin1', 257, 265) === 'ustar  \0';
  const hasDevice = isUstar || isGnu;
  const header: TarHeader = {
    name: decodeName(nameBytes(block, isUstar)),
    linkName: block[157] === 0 ? '' : decodeName(textBytes(block, 157, 100)),
    typeflag: String.fromCharCode(block[156]),
    mode: readTarNumber(block, 100, 8),
    uid: readTarNumber(block, 108, 8),
    gid: readTarNumber(block, 116, 8),
    size: readTarNumber(block, 124, 12),
    mtime: readTarNumber(block, 136, 12),
    major: hasDevice ? readTarNumber(block, 329, 8) : 0,
    minor: hasDevice ? readTarNumber(block, 337, 8) : 0,
  };
  const { mode, uid, gid, size, mtime, major, minor } = header;
  // One sum tells whether any is NaN; which one is only of interest then.
  if (Number.isNaN(mode + uid + gid + size + mtime + major + minor)) {
    const [field] = Object.entries(header).find(([, value]) => Number.isNaN(value)) ?? ['number'];
    return `the header's ${field} field is not a number`;
  }
  return size < 0 ? 'the header gives a negative size' : header;
}

/** The first four bytes of `ustar`. */
const USTAR = 0x75737461;

/** Prefix and name. */
function nameBytes(block: Buffer, isUstar: boolean): Buffer {
  const name = textBytes(block, 0, 100);
  if (!isUstar || block[345] === 0) return name;
  const isStar = block.toString('latin1', 508, 512) === 'tar\0';
  return Buffer.concat([textBytes(block, 345, isStar ? 131 : 155), SLASH, name]);
}

const SLASH = Buffer.from('/');

/** A text field up to its first NUL; a field without NUL uses all its bytes. */
function textBytes(block: Buffer, start: number, length: number): Buffer {
  const end = block.indexOf(0, start);
  return block.subarray(start, end === -1 || end > start + length ? start + length : end);
}

/**
 * Whether the checksum is the sum of all bytes with the checksum field as spaces. POSIX sums unsigned bytes; old Sun and other
 * tars summed signed ones, and readers take both.
 */
function hasValidChecksum(block: Buffer): boolean {
  const stored = readTarNumber(block, 148, 8);
  let unsigned = 8 * 0x20;
  for (let index = 0; index < 148; index++) unsigned += block[index];
  for (let index = 156; index < TAR_BLOCK_BYTES; index++) unsigned += block[index];
  if (stored === unsigned) return true;
  let high = 0;
  for (const [index, byte] of block.entries()) if (byte >= 0x80 && (index < 148 || index >= 156)) high++;
  return stored === unsigned - 256 * high;
}
