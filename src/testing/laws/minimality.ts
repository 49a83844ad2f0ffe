import type { Cause, FileEvent, Ino, OverlayProfile, StoreEvent, Transaction } from '../../events/event.ts';
import { LowerViews } from '../../projections/lower-views.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { type Overlay, World } from '../../projections/world.ts';
import type { Store } from '../../store/store.ts';

/**
 * Law 5: the log holds no whiteout for a name that no lower has, no copy-up that nobody asked for, no object copied up
 * twice, and no mark but where a rule puts one: opaque by SEM-W4, SEM-R5 and SEM-X4, redirects by SEM-R13 and SEM-X3, files
 * without data by SEM-X1 and SEM-X2, further names of a hard link by SEM-H5.
 *
 * Judged event by event against the state before it.
 *
 * @returns What does not hold, in sentences.
 */
export function minimalityProblems(store: Store): string[] {
  const problems: string[] = [];
  const world = new World(new LowerViews(store.engine.log.chunks));
  for (const transaction of store.engine.log.read()) {
    let seq = transaction.seq;
    for (const [index, event] of transaction.events.entries()) {
      const overlay = world.overlay(transaction.subject);
      if (isFileEvent(event) && overlay !== undefined) {
        const problem = problemOf(transaction, index, event, overlay);
        if (problem !== null) problems.push(`event ${seq} (${transaction.cause.join(' ')}): ${problem}`);
      }
      world.applyEvents(transaction.subject, [event], seq++, transaction.timeNs, store.time);
    }
    world.applied(transaction);
  }
  return problems;
}

function problemOf({ cause, events }: Transaction, index: number, event: FileEvent, overlay: Overlay): string | null {
  const { tree, lower, profile } = overlay;
  switch (event.type) {
    case 'WhiteoutCreated':
      return showsBelow(overlay, event.parent, event.name) ? null : `no lower has ${event.name}`;
    case 'WhiteoutRemoved':
      return hasWhiteout(tree, event.parent, event.name) ? null : `${event.name} was not whited out`;
    case 'OpaqueSet': {
      const before = events.slice(0, index);
      return isMadeOverWhiteout(before, event.ino) ||
        isMovedIntoMerged(overlay, before, event.ino) ||
        isMadeInMerged(overlay, before, event.ino)
        ? null
        : `directory ${event.ino} needs no opaque mark`;
    }
    case 'DirectoryCopiedUp':
      if (lower === null) return 'a volume has nothing to copy up';
      if (tree.at(event.ino).isUpper) return `directory ${event.ino} is in the upper already`;
      return isWanted(tree, events.slice(index + 1), event.ino, cause[0]) ? null : 'nothing in that directory changes';
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      if (lower === null) return 'a volume has nothing to copy up';
      if (tree.at(event.ino).isUpper) return `node ${event.ino} is in the upper already`;
      if (event.upperIno !== event.ino && tree.get(event.upperIno) !== undefined) return `${event.upperIno} is taken`;
      return isCopyUpTrigger(cause, profile) ? null : `${cause[0]} asks for no copy-up`;
    case 'LinkedUp':
      if (!profile.index) return 'the container has no index';
      if (tree.at(event.ino).hasInUpper(event.parent, event.name)) return `${event.name} is in the upper already`;
      return isCopyUpTrigger(cause, profile) ? null : `${cause[0]} asks for no copy-up`;
    case 'MetacopySet':
      if (!profile.metacopy) return 'the container has no metacopy';
      return lower?.get(event.dataIno) === undefined ? `no lower has the data of ${event.ino}` : null;
    case 'DataCopiedUp':
      if (!tree.at(event.ino).isMetacopy) return `${event.ino} has its data already`;
      return DATA_TRIGGERS.has(cause[0]) ? null : `${cause[0]} needs no data`;
    case 'RedirectSet':
      if (!profile.redirectDir) return 'the container has no redirect_dir';
      return isRedirectWanted(overlay, events, event.ino) ? null : `${event.ino} needs no redirect`;
    default:
      return null;
  }
}

/** Whether a directory's lower part, if it shows, has a name. */
function showsBelow({ tree, lower }: Overlay, parent: Ino, name: string): boolean {
  const directory = tree.at(parent);
  if (lower === null || directory.dir === null || directory.dir.opaque) return false;
  return lower.get(parent)?.dir?.entries.has(name) ?? false;
}

const hasWhiteout = (tree: Tree, parent: Ino, name: string): boolean =>
  tree.at(parent).dir?.whiteouts?.has(name) ?? false;

/** SEM-W4: mkdir over a whiteout. */
function isMadeOverWhiteout(before: readonly StoreEvent[], ino: Ino): boolean {
  const made = before.find((event) => event.type === 'NodeCreated' && event.ino === ino);
  if (made?.type !== 'NodeCreated') return false;
  return before.some(
    (event) => event.type === 'WhiteoutRemoved' && event.parent === made.parent && event.name === made.name,
  );
}

/** SEM-R5, R6, R9: a directory without a lower part was moved into one that is merged or lower. */
function isMovedIntoMerged({ tree, lower }: Overlay, before: readonly StoreEvent[], ino: Ino): boolean {
  const moved = before.findLast((event) => event.type === 'Renamed');
  if (moved?.type !== 'Renamed') return false;
  if (moved.ino !== ino && !(moved.exchange && moved.replaced === ino)) return false;
  const parent = moved.ino === ino ? moved.toParent : moved.fromParent;
  return tree.at(parent).dir?.opaque === false && lower?.get(parent)?.dir !== undefined;
}

/** SEM-X4: with an option on, a directory that is made in a merged or lower one is opaque. */
function isMadeInMerged({ tree, lower, profile }: Overlay, before: readonly StoreEvent[], ino: Ino): boolean {
  if (!profile.redirectDir && !profile.index && !profile.metacopy) return false;
  const made = before.find((event) => event.type === 'NodeCreated' && event.ino === ino);
  if (made?.type !== 'NodeCreated') return false;
  return tree.at(made.parent).dir?.opaque === false && lower?.get(made.parent)?.dir !== undefined;
}

/** SEM-R13, X3: a directory with a lower part moves, or a file without data gets another name. */
function isRedirectWanted({ tree, lower }: Overlay, events: readonly StoreEvent[], ino: Ino): boolean {
  const node = tree.at(ino);
  const hasLowerPart = node.dir === null ? node.isMetacopy : !node.dir.opaque && lower?.get(ino)?.dir !== undefined;
  return (
    hasLowerPart && events.some((event) => isRenamed(event, ino) || (event.type === 'Linked' && event.ino === ino))
  );
}

const isRenamed = (event: StoreEvent, ino: Ino): boolean =>
  event.type === 'Renamed' && (event.ino === ino || (event.exchange && event.replaced === ino));

/**
 * Whether something later in the transaction is about a directory or what is below it. A refused setxattr is the one call
 * that copies up and changes nothing more (SEMANTICS 1.2).
 */
function isWanted(tree: Tree, later: readonly StoreEvent[], ino: Ino, operation: string): boolean {
  if (operation === 'setxattr' || operation === 'fsetxattr') return true;
  return later.some((event) => {
    if (!isFileEvent(event) || event.type === 'DirectoryCopiedUp') return false;
    if (event.type === 'NodeCreated' && event.parent === 0) return true; // SEM-O6: O_TMPFILE
    return placesOf(event).some((place) => isAtOrBelow(tree, place, ino));
  });
}

/** The nodes and directories that an event is about. */
function placesOf(event: FileEvent): Ino[] {
  if (event.type === 'Renamed') return [event.ino, event.fromParent, event.toParent];
  const places: Ino[] = [];
  if ('parent' in event) places.push(event.parent);
  if ('ino' in event) places.push(event.ino);
  return places;
}

function isAtOrBelow(tree: Tree, ino: Ino, ancestor: Ino): boolean {
  for (let at = ino; ;) {
    if (at === ancestor) return true;
    const parent = tree.get(at)?.parent ?? 0;
    if (parent === 0 || parent === at) return false;
    at = parent;
  }
}

/** The operations that copy a file up, even where nothing changes (SEMANTICS 1.2); with `index` also to lose a name (SEM-H5). */
function isCopyUpTrigger([operation, , flags]: Cause, { index }: OverlayProfile): boolean {
  if (index && NAME_LOSERS.has(operation)) return true;
  if (operation === 'open') return /O_WRONLY|O_RDWR|O_TRUNC|O_APPEND/.test(String(flags));
  return COPY_UP_TRIGGERS.has(operation);
}

const NAME_LOSERS: ReadonlySet<string> = new Set(['unlink', 'rm']);

/** What needs the data of a file that was copied up without it (SEM-X2). */
const DATA_TRIGGERS: ReadonlySet<string> = new Set(
  'open writeFile appendFile truncate ftruncate fallocate copyFile write writev copy_file_range'.split(' '),
);

/** The last line: a file that was open for writing when its container was rewound to before its copy-up. */
const COPY_UP_TRIGGERS: ReadonlySet<string> = new Set(
  `writeFile appendFile truncate ftruncate fallocate copyFile
  chmod fchmod chown lchown fchown utimensat futimens
  setxattr fsetxattr removexattr fremovexattr link rename
  write writev copy_file_range`.split(/\s+/),
);
