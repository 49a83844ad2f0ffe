import type { ChunkReader } from '../../events/chunk-store.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Store } from '../../store/store.ts';
import { type ListingEntry, listTree } from '../../replay/listing.ts';

/**
 * Law 4 and a part of law 5, by paths and without the engine: a container's merged view is its upper laid over its lower,
 * and every whiteout of the upper hides something.
 *
 * It holds for containers without `redirect_dir`, where a path in the upper is the same path in the lower. With `index` the
 * lower names of a hard link are left out: they show a node that another name may have brought into the upper (SEM-H5).
 *
 * @returns What does not hold, in sentences.
 */
export function overlayProblems(store: Store): string[] {
  const problems: string[] = [];
  for (const { container, name, profile } of store.world.registry.containers.values()) {
    const overlay = store.world.overlay(container);
    if (overlay === undefined || profile.redirectDir) continue;
    const found = problemsOf(overlay, store.engine.log.chunks, profile.index);
    problems.push(...found.map((problem) => `container ${name}: ${problem}`));
  }
  return problems;
}

function problemsOf({ tree, lower }: Overlay, chunks: ChunkReader, hasIndex: boolean): string[] {
  const merged = new Map([...listTree(tree, chunks)].map((entry) => [entry.path, entry]));
  const upper = new Map([...listTree(tree, chunks, { upper: true })].map((entry) => [entry.path, entry]));
  const below = new Map(lower === null ? [] : [...listTree(lower, chunks)].map((entry) => [entry.path, entry]));
  const problems: string[] = [];
  const expected = new Map<string, ListingEntry>();
  for (const [path, entry] of upper) {
    if (!isWhiteout(entry)) expected.set(path, asMounted(entry));
    else if (!below.has(path) || isHidden(path, upper)) problems.push(`the whiteout ${path} hides nothing`);
  }
  for (const [path, entry] of below) if (!upper.has(path) && !isHidden(path, upper)) expected.set(path, entry);
  for (const path of new Set([...expected.keys(), ...merged.keys()])) {
    if (hasIndex && !upper.has(path) && (below.get(path)?.nlink ?? 1) > 1) continue;
    const shown = comparable(merged.get(path));
    const meant = comparable(expected.get(path));
    if (shown !== meant) problems.push(`${path} shows ${shown}, and upper over lower makes ${meant}`);
  }
  return problems;
}

const isWhiteout = ({ type, rdev }: ListingEntry): boolean => type === 'chr' && rdev === '0:0';

const isOpaque = ({ xattrs }: ListingEntry): boolean => xattrs?.['trusted.overlay.opaque'] !== undefined;

/** Whether an upper hides what lies below at a path, by what it has at the directories above it. */
function isHidden(path: string, upper: ReadonlyMap<string, ListingEntry>): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const above = upper.get(path.slice(0, end));
    if (above !== undefined && (above.type !== 'dir' || isOpaque(above))) return true;
  }
  return false;
}

/** As the mount shows what its upper holds: without the mark, and with users' attributes by their own names (W12). */
function asMounted(entry: ListingEntry): ListingEntry {
  const { xattrs, ...rest } = entry;
  const own = Object.entries(xattrs ?? {}).filter(([name]) => name !== 'trusted.overlay.opaque');
  if (own.length === 0) return rest;
  const shown = own.map(([name, value]) => [name.replace(/^trusted\.overlay\.overlay\./, 'trusted.overlay.'), value]);
  return { ...rest, xattrs: Object.fromEntries(shown.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Link counts are left out: a listing of an upper does not have all names of a node, and copy-up breaks links. */
function comparable(entry: ListingEntry | undefined): string {
  if (entry === undefined) return 'nothing';
  const { nlink: _, hardlink: __, ...rest } = entry;
  return JSON.stringify(Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
