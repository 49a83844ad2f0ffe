import { decodeName, nameBytes, printableName } from '../events/name.ts';
import { readSparseMap01 } from './gnu.ts';
import type { SparseMap } from './gnu.ts';
import type { TarLimits } from './limits.ts';
import { PAX_XATTR_PREFIX } from './pax.ts';
import type { PaxRecords } from './pax.ts';
import { parsePaxTime } from './pax-time.ts';
import type { TarHeader } from './tar-header.ts';
import { readDecimal } from './tar-numbers.ts';

export type TarEntryKind = 'file' | 'dir' | 'symlink' | 'hardlink' | 'chr' | 'blk' | 'fifo';

/** What the headers of one entry say together. */
export interface TarEntryFields {
  readonly kind: TarEntryKind;
  /** As written: it may be absolute, hold `..`, be empty or end in `/`. */
  readonly path: string;
  /** Target of a symlink or hard link as written; '' for other kinds. */
  readonly target: string;
  /** Permission bits, setuid, setgid and sticky included. */
  readonly mode: number;
  /** 0 to 2^32 - 1. */
  readonly uid: number;
  readonly gid: number;
  /** Exact; it may lie outside int64. */
  readonly mtimeNs: bigint;
  /** Length of the file with its holes; 0 for other kinds. */
  readonly size: number;
  /** Bytes that the archive stores for the entry, a sparse map in front included. */
  readonly storedBytes: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/** One entry with its place in the archive. */
export interface TarEntry extends TarEntryFields {
  /** The first entry is 1. */
  readonly ordinal: number;
  /** Where the entry's first header (an extension header, if it has one) starts. */
  readonly headerOffset: number;
  /** Where its content starts, behind a sparse map. */
  readonly dataOffset: number;
  readonly isSparse: boolean;
}

/** Where the sparse map of an entry is: none, read already, or in front of the data (PAX 1.0). */
export type SparseSource = null | SparseMap | 'in data';

/** Headers that belong to one entry. */
export interface EntryHeaders {
  readonly header: TarHeader;
  /** Global records overlaid with the entry's own. */
  readonly pax: PaxRecords;
  /** From GNU `L` and `K` headers; they win over PAX, as in Go's reader. */
  readonly longName: string | null;
  readonly longLink: string | null;
  /** From an old GNU sparse header. */
  readonly oldSparse: { readonly map: SparseMap; readonly realSize: number } | null;
}

/** Puts the headers of an entry together. A string says what is wrong. */
export function resolveTarEntry(
  headers: EntryHeaders,
  limits: TarLimits,
): { fields: TarEntryFields; sparse: SparseSource } | string {
  const { header, pax } = headers;
  const path = headers.longName ?? paxName(pax, 'GNU.sparse.name') ?? paxName(pax, 'path') ?? header.name;
  const target = headers.longLink ?? paxName(pax, 'linkpath') ?? header.linkName;
  if (nameBytes(path) > limits.pathBytesMax) return `its path is longer than ${limits.pathBytesMax} bytes`;
  if (nameBytes(target) > limits.pathBytesMax) return `its link target is longer than ${limits.pathBytesMax} bytes`;
  const kind = entryKind(header.typeflag, path);
  const numbers = readNumbers(header, pax);
  if (typeof numbers === 'string') return numbers;
  const isStored = !HEADER_ONLY.has(header.typeflag);
  const sparse = kind === 'file' ? findSparse(headers) : null;
  if (typeof sparse === 'string') return sparse;
  const storedBytes = isStored ? numbers.size : 0;
  const size = kind === 'file' ? (sparse?.realSize ?? storedBytes) : 0;
  const xattrs = readXattrs(pax);
  if (typeof xattrs === 'string') return xattrs;
  const fields: TarEntryFields = {
    kind,
    path,
    target: kind === 'symlink' || kind === 'hardlink' ? target : '',
    mode: header.mode & 0o7777,
    uid: numbers.uid,
    gid: numbers.gid,
    mtimeNs: numbers.mtimeNs,
    size,
    storedBytes,
    major: numbers.major,
    minor: numbers.minor,
    xattrs,
  };
  return { fields, sparse: sparse === null ? null : sparse.source };
}

/**
 * Types whose size field counts no stored bytes (Go's isHeaderOnly): old tars write the target's size into hard links.
 */
const HEADER_ONLY: ReadonlySet<string> = new Set(['1', '2', '3', '4', '5', '6']);

/** The kind a type flag names. v7 has no type for directories but ends their names in `/`. POSIX: unknown types are files. */
function entryKind(typeflag: string, path: string): TarEntryKind {
  switch (typeflag) {
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '3':
      return 'chr';
    case '4':
      return 'blk';
    case '5':
    case 'D': // GNU incremental archives: a directory that lists its names as data
      return 'dir';
    case '6':
      return 'fifo';
    case '\0':
      return path.endsWith('/') ? 'dir' : 'file';
    default:
      return 'file';
  }
}

/** Type flags whose meaning this reader knows; others are read as files, with a warning. */
export const KNOWN_TYPEFLAGS: ReadonlySet<string> = new Set(['\0', '0', '1', '2', '3', '4', '5', '6', '7', 'D', 'S']);

/** A PAX name; an empty value means the header's own (POSIX: a record without value deletes what it would override). */
function paxName(pax: PaxRecords, key: string): string | null {
  const value = pax.values.get(key);
  return value === undefined || value.length === 0 ? null : decodeName(value);
}

interface EntryNumbers {
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
}

function readNumbers(header: TarHeader, pax: PaxRecords): EntryNumbers | string {
  const size = paxNumber(pax, 'size') ?? header.size;
  const uid = unsignedId(paxNumber(pax, 'uid') ?? header.uid);
  const gid = unsignedId(paxNumber(pax, 'gid') ?? header.gid);
  const major = paxNumber(pax, 'SCHILY.devmajor') ?? header.major;
  const minor = paxNumber(pax, 'SCHILY.devminor') ?? header.minor;
  const time = pax.values.get('mtime');
  const mtimeNs =
    time === undefined || time.length === 0
      ? BigInt(header.mtime) * 1_000_000_000n
      : parsePaxTime(time.toString('latin1'));
  if (Number.isNaN(size) || size < 0) return 'its size is not a number';
  if (Number.isNaN(uid)) return 'its owner (uid) is not a number from 0 to 4294967295';
  if (Number.isNaN(gid)) return 'its group (gid) is not a number from 0 to 4294967295';
  if (Number.isNaN(major) || Number.isNaN(minor)) return 'its device number is not a number';
  if (mtimeNs === null) return 'its modification time is not a number';
  return { size, uid, gid, mtimeNs, major, minor };
}

/** A PAX number, which may be negative; NaN if it is none, null if there is no record or an empty one. */
function paxNumber(pax: PaxRecords, key: string): number | null {
  const value = pax.values.get(key);
  if (value === undefined || value.length === 0) return null;
  const text = value.toString('latin1');
  return text.startsWith('-') ? -readDecimal(text.slice(1)) : readDecimal(text);
}

/** Ids are 32 bits without sign; writers with signed ids give `nobody` as -2. */
function unsignedId(id: number): number {
  return id >= -(2 ** 31) && id < 2 ** 32 ? id >>> 0 : NaN;
}

/** Finds out how a file's holes are told, if it has any. */
function findSparse(headers: EntryHeaders): { source: SparseMap | 'in data'; realSize: number } | null | string {
  const { pax, oldSparse } = headers;
  const realSize =
    paxNumber(pax, 'GNU.sparse.realsize') ?? paxNumber(pax, 'GNU.sparse.size') ?? paxNumber(pax, 'SCHILY.realsize');
  if (realSize !== null && (Number.isNaN(realSize) || realSize < 0)) return 'the size of a sparse file is not a number';
  if (oldSparse !== null) return { source: oldSparse.map, realSize: realSize ?? oldSparse.realSize };
  const version = pax.values.get('GNU.sparse.major')?.toString('latin1');
  const map = pax.values.get('GNU.sparse.map')?.toString('latin1');
  if (version === '1') {
    return realSize === null ? 'a sparse file has no GNU.sparse.realsize' : { source: 'in data', realSize };
  }
  if (version !== undefined && version !== '0') return `sparse format ${version.slice(0, 10)} is not known`;
  if (map === undefined && pax.sparsePairs.length === 0) return null;
  if (realSize === null) return 'a sparse file has no GNU.sparse.size';
  if (pax.sparsePairs.length % 2 !== 0) return 'the PAX sparse map ends in the middle of a pair';
  const source = map === undefined ? pax.sparsePairs : readSparseMap01(map);
  return typeof source === 'string' ? source : { source, realSize };
}

/** linux/limits.h XATTR_NAME_MAX, XATTR_SIZE_MAX: no file system gives more back. */
const XATTR_NAME_BYTES_MAX = 255;
const XATTR_VALUE_BYTES_MAX = 65_536;

function readXattrs(pax: PaxRecords): (readonly [string, Uint8Array])[] | string {
  const xattrs: (readonly [string, Uint8Array])[] = [];
  for (const [key, value] of pax.values) {
    if (!key.startsWith(PAX_XATTR_PREFIX)) continue;
    const name = key.slice(PAX_XATTR_PREFIX.length);
    if (name === '' || nameBytes(name) > XATTR_NAME_BYTES_MAX) {
      return `an extended attribute whose name is not of 1 to ${XATTR_NAME_BYTES_MAX} bytes`;
    }
    if (value.byteLength > XATTR_VALUE_BYTES_MAX) {
      return `the extended attribute ${printableName(name)} has more than ${XATTR_VALUE_BYTES_MAX} bytes`;
    }
    xattrs.push([name, value]);
  }
  return xattrs;
}
