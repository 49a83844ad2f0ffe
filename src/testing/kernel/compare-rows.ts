import type { Row } from './kernel-call.ts';

/** Times before this were set on purpose and are compared exactly; later ones are a clock's. */
const CLOCK_STARTS_NS = 1_500_000_000_000_000_000n;

/** Attributes of an upper that are the kernel's own bookkeeping of where it lies. */
const ROOT_BOOKKEEPING = new Set(['trusted.overlay.origin', 'trusted.overlay.uuid']);

/** Attributes whose values are file handles or the like: that they are there is what counts. */
const PRESENCE_ONLY = new Set(['trusted.overlay.origin']);

export interface RowRules {
  readonly isUpper: boolean;
  /** The root is an upper's own (L6); without an upper it is the topmost lower's. */
  readonly comparesRoot: boolean;
  /** Whether the upper has marks of the overlay at a node, by overlog's inode number. */
  readonly hasMarks: (ino: string) => boolean;
  /** The kernel's impure marks follow from what was done; not after deviation D1, which leaves one behind. */
  readonly comparesImpure: boolean;
  /** Whether a node may have a block more for attributes of the overlay, or for some that are gone. */
  readonly mayHaveBlock: (ino: string) => boolean;
  /** The listings before had been seen, so that what has changed since can be told. */
  readonly comparesChanges: boolean;
}

/** A listing, and the one of the same tree before it. */
export interface Listed {
  readonly now: readonly Row[];
  readonly before: ReadonlyMap<string, Row>;
}

/** The first difference between two listings of one tree in words, or null. */
export function firstRowDifference(kernel: Listed, overlog: Listed, rules: RowRules): string | null {
  for (let index = 0; index < Math.max(kernel.now.length, overlog.now.length); index++) {
    const theirs = kernel.now.at(index);
    const ours = overlog.now.at(index);
    if (theirs === undefined || ours === undefined || theirs.path !== ours.path) {
      return `kernel ${text(theirs?.path)}, overlog ${text(ours?.path)}`;
    }
    if (ours.path === '/' && !rules.comparesRoot) continue;
    const ignoresBlocks =
      hasXattrs(theirs) || hasXattrs(ours) || rules.hasMarks(ours.ino) || hasMarkBlock(theirs, ours, rules);
    const [a, b] = [canonical(theirs, rules, ignoresBlocks), canonical(ours, rules, ignoresBlocks)];
    if (a !== b) return `${ours.path}: kernel ${a}, overlog ${b}`;
    const changed = isWhiteout(ours) ? null : changeDifference(theirs, ours, kernel.before, overlog.before, rules);
    if (changed !== null) return `${ours.path}: ${changed}`;
  }
  return null;
}

/** Attributes may take a block of their own on the file system below, so that blocks say nothing of the data. */
const hasXattrs = ({ xattrs }: Row): boolean =>
  Object.keys(xattrs ?? {}).some((name) => name !== 'trusted.overlay.origin');

/** 4 KiB, in units of 512 bytes. */
export const MARK_BLOCKS = 8;

const hasMarkBlock = (theirs: Row, ours: Row, rules: RowRules): boolean =>
  theirs.blocks === (ours.blocks ?? 0) + MARK_BLOCKS && rules.mayHaveBlock(ours.ino);

const isWhiteout = ({ type, rdev }: Row): boolean => type === 'chr' && rdev === '0:0';

function canonical(row: Row, rules: RowRules, ignoresBlocks: boolean): string {
  const { xattrs, ino: _, mtimeNs: __, path: ___, ...rest } = row;
  // The kernel makes the whiteouts of unlink links of one node (W1).
  if (isWhiteout(row)) return 'whiteout';
  const kept = Object.entries(xattrs ?? {})
    .filter(([name]) => isCompared(name, row, rules))
    .map(([name, value]) => (PRESENCE_ONLY.has(name) ? [name, ''] : [name, value]));
  const compared = ignoresBlocks ? { ...rest, blocks: 0 } : rest;
  return text([Object.entries(compared).toSorted(byKey), kept.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

function isCompared(name: string, row: Row, rules: RowRules): boolean {
  if (row.path === '/' && ROOT_BOOKKEEPING.has(name)) return false;
  // The kernel takes the mark away while it lists a directory, so that it can be told of what was listed only.
  if (name === 'trusted.overlay.impure') return rules.comparesChanges && rules.comparesImpure;
  return true;
}

/** Times and inode numbers: what each side's own listing before says. */
function changeDifference(
  theirs: Row,
  ours: Row,
  kernelBefore: ReadonlyMap<string, Row>,
  oursBefore: ReadonlyMap<string, Row>,
  rules: RowRules,
): string | null {
  if (isSetTime(theirs) || isSetTime(ours)) {
    return theirs.mtimeNs === ours.mtimeNs ? null : `kernel mtime ${theirs.mtimeNs}, overlog ${ours.mtimeNs}`;
  }
  if (!rules.comparesChanges) return null;
  const [a, b] = [kernelBefore.get(ours.path), oursBefore.get(ours.path)];
  if (a === undefined || b === undefined || ours.ino !== b.ino) return null;
  // The other way round says nothing: a file system uses the number of a removed node again.
  if (!rules.isUpper && theirs.ino !== a.ino) return 'the kernel has another inode number than before, overlog has not';
  const [theyChanged, weChanged] = [theirs.mtimeNs !== a.mtimeNs, ours.mtimeNs !== b.mtimeNs];
  return theyChanged === weChanged
    ? null
    : `mtime has changed for ${theyChanged ? 'the kernel' : 'overlog'} and not for the other`;
}

const isSetTime = ({ mtimeNs }: Row): boolean => BigInt(mtimeNs) < CLOCK_STARTS_NS;

const byKey = (a: [string, unknown], b: [string, unknown]): number => (a[0] < b[0] ? -1 : 1);

/** JSON, with long texts cut. */
export function text(value: unknown): string {
  return value === undefined
    ? 'nothing'
    : JSON.stringify(value, (_, part: unknown) =>
        typeof part === 'string' && part.length > 64 ? `${part.slice(0, 16)}… (${part.length})` : part,
      );
}
