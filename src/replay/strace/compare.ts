/** Compares a tree with the listing of what was really there afterwards. */

import { storeError } from '../../events/log-error.ts';
import { decodeName } from '../../events/name.ts';
import type { ListingEntry } from '../listing.ts';

export interface TreeDifference {
  /** For people: bytes that are not UTF-8 as `\xNN`. */
  readonly path: string;
  /** `missing`: the replay does not have it. `extra`: only the replay has it. */
  readonly kind: 'missing' | 'extra' | 'different';
  /** The path as names are kept (events/name.ts). */
  readonly name: string;
  /** Of `different`: member, what was there, what the replay has. */
  readonly members: readonly { readonly name: string; readonly want: string; readonly got: string }[];
  /** The file is reported as inexact, or the whole replay as uncertain. */
  readonly isExplained: boolean;
}

export interface Comparison {
  readonly kind: 'merged' | 'upper';
  readonly entries: number;
  readonly differences: readonly TreeDifference[];
  /** Differences that nothing in the report explains. */
  readonly unexplained: number;
  /** How far modification times are off, in milliseconds: the log's times are those of strace. */
  readonly mtimeOffMs: { readonly median: number; readonly max: number };
}

const MEMBERS = [
  'type',
  'mode',
  'uid',
  'gid',
  'size',
  'linkname',
  'linkname_b64',
  'rdev',
  'sha256',
  'nlink',
  'hardlink',
] as const;

/** Attributes that overlayfs keeps for itself, and that say nothing about the tree. */
const INTERNAL_XATTRS: ReadonlySet<string> = new Set([
  'trusted.overlay.origin',
  'trusted.overlay.impure',
  'trusted.overlay.uuid',
]);

/**
 * @param want - What was there.
 * @param got - What the replay has.
 * @param shiftNs - What the replay added to all times.
 * @param isInexact - Whether a path is one of a file that is reported.
 */
export function compareListings(
  kind: 'merged' | 'upper',
  want: readonly ListingEntry[],
  got: Iterable<ListingEntry>,
  shiftNs: bigint,
  isInexact: (path: string) => boolean,
): Comparison {
  const wanted = new Map(want.map((entry) => [keyOf(entry), entry]));
  const differences: TreeDifference[] = [];
  const offs: number[] = [];
  const add = (entry: ListingEntry, what: TreeDifference['kind'], members: TreeDifference['members'] = []): void => {
    const bytes = entry.path_b64 === undefined ? Buffer.from(entry.path) : Buffer.from(entry.path_b64, 'base64');
    const name = decodeName(bytes);
    differences.push({ path: entry.path, kind: what, name, members, isExplained: isInexact(name) });
  };
  for (const entry of got) {
    const other = wanted.get(keyOf(entry));
    if (other === undefined) {
      add(entry, 'extra');
      continue;
    }
    wanted.delete(keyOf(entry));
    const members = differentMembers(other, entry);
    if (members.length > 0) add(entry, 'different', members);
    if (!isWhiteout(entry)) offs.push(mtimeOff(other, entry, shiftNs));
  }
  for (const entry of wanted.values()) add(entry, 'missing');
  offs.sort((a, b) => a - b);
  return {
    kind,
    entries: want.length,
    differences,
    unexplained: differences.filter(({ isExplained }) => !isExplained).length,
    mtimeOffMs: { median: offs.at(offs.length >> 1) ?? 0, max: offs.at(-1) ?? 0 },
  };
}

/** Reads a listing: one JSON object a line. @throws `ERR_LOG_IMPORT` with the line. */
export function parseListing(text: string, file: string): ListingEntry[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => {
      try {
        const entry = JSON.parse(line) as ListingEntry;
        if (typeof entry.path === 'string' && typeof entry.type === 'string') return entry;
      } catch {
        // Told below.
      }
      throw storeError('ERR_LOG_IMPORT', `${file}: line ${number} is not an entry of a listing`, {
        detail: { file, line: number },
      });
    });
}

const keyOf = ({ path, path_b64 }: ListingEntry): string => (path_b64 === undefined ? path : `\0${path_b64}`);

const isWhiteout = ({ type, rdev }: ListingEntry): boolean => type === 'chr' && rdev === '0:0';

function differentMembers(want: ListingEntry, got: ListingEntry): TreeDifference['members'] {
  const members: { name: string; want: string; got: string }[] = [];
  for (const name of MEMBERS) {
    // The kernel makes all whiteouts links of one node.
    if ((name === 'nlink' || name === 'hardlink') && isWhiteout(want)) continue;
    if (want[name] !== got[name]) members.push({ name, want: String(want[name] ?? ''), got: String(got[name] ?? '') });
  }
  const wantXattrs = xattrsOf(want);
  const gotXattrs = xattrsOf(got);
  if (wantXattrs !== gotXattrs) members.push({ name: 'xattrs', want: wantXattrs, got: gotXattrs });
  return members;
}

function xattrsOf({ xattrs = {} }: ListingEntry): string {
  const pairs = Object.entries(xattrs).filter(([name]) => !INTERNAL_XATTRS.has(name));
  return pairs
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Times that the program set are exact, and not shifted; the nearer reading counts. */
function mtimeOff(want: ListingEntry, got: ListingEntry, shiftNs: bigint): number {
  const off = Number(BigInt(got.mtime_ns) - BigInt(want.mtime_ns)) / 1e6;
  return Math.min(Math.abs(off), Math.abs(off - Number(shiftNs) / 1e6));
}
