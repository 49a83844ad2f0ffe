/** Going back with one path of a container: what stands there, and all below it; nothing else changes. */

import { existsBelow } from '../engine/decide/lower.ts';
import { type FileEvent, type Ino, ROOT_INO, type StoreEvent, type SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import { isReachable, NodeNames } from '../projections/tree/names-of.ts';
import type { NodeName } from '../projections/tree/inode.ts';
import { NOTHING } from '../projections/tree/restore.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { Overlay } from '../projections/world.ts';
import { directoriesUp, nodeOfThen } from './restore-links.ts';
import { entryIn, type EntryState, isSameState, RestorePlan } from './restore-plan.ts';

interface Query {
  readonly subject: SubjectId;
  readonly now: Tree;
  /** The tree after event `at`. */
  readonly past: Tree;
  readonly at: number;
  readonly timeNs: bigint;
}

export interface PathQuery extends Query {
  /** Whose tree `now` is. */
  readonly overlay: Overlay;
  /** Absolute; symbolic links are not followed. */
  readonly path: string;
}

export interface LowerEntryQuery extends Query {
  /** The directory of now, and a name in it. */
  readonly parent: Ino;
  readonly name: string;
  /** The node of the lower that shall stand there. */
  readonly ino: Ino;
}

export interface PathPlan {
  /** Nothing where the path is as it was. */
  readonly events: readonly StoreEvent[];
  readonly tree: Tree;
}

/**
 * Plans it. A file that was there then and is elsewhere now stays there; the path gets a copy of it.
 *
 * @throws `ERR_INVALID_ARGUMENT` for `/`, and when the directory that holds the path is not there now.
 */
export function planPath(query: PathQuery): PathPlan {
  const { now, overlay, past, path } = query;
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined) throw invalid('a whole container goes back with rewind, without a path');
  const parent = nodeAt(now, parts.join('/'));
  if (!now.get(parent)?.dir) {
    throw invalid(`/${printableName(parts.join('/'))} is not there now, so ${printableName(path)} has no place`);
  }
  const before = entryIn(past, nodeAt(past, parts.join('/')), name);
  // The directory of now may show something of the lower that the one of then did not, or had a directory above it hidden.
  const isWhiteout = before.ino === NOTHING ? existsBelow(overlay, parent, name) : before.isWhiteout;
  return new PathRestore(query, true).plan(parent, name, { ino: before.ino, isWhiteout });
}

/**
 * The same for a node of the lower, wherever it was then. One that has no name now, and all below it, keeps its number. Hard links
 * are the lower's again, whatever names they have.
 */
export function planLowerEntry(query: LowerEntryQuery): readonly StoreEvent[] {
  const { parent, name, ino } = query;
  return new PathRestore(query, false).plan(parent, name, { ino, isWhiteout: false }).events;
}

/** The node at a path without following symbolic links; 0: none. */
export function nodeAt(tree: Tree, path: string): Ino {
  return partsOf(path).reduce((ino, name) => (ino === NOTHING ? NOTHING : tree.lookup(ino, name)), ROOT_INO);
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

class PathRestore {
  readonly #query: Query;
  readonly #plan: RestorePlan;
  /** Nodes that are at the path or below it now. */
  readonly #inside = new Set<Ino>();
  /** What nodes of then are called now. */
  readonly #inos = new Map<Ino, Ino>();
  readonly #names: NodeNames;
  /** Of hard links that the index keeps together elsewhere: what files of the upper are made of, by their numbers, and where. */
  readonly #copies = new Map<Ino, { readonly from: Ino; readonly names: NodeName[] }>();
  /** Hard links that the index keeps together stay in the upper. */
  readonly #keepsLinks: boolean;
  #nextIno: Ino;

  constructor(query: Query, keepsLinks: boolean) {
    this.#query = query;
    this.#keepsLinks = keepsLinks;
    this.#nextIno = query.now.nextIno;
    this.#names = new NodeNames(query.now);
    this.#plan = new RestorePlan(query.subject, query.now, () => query.past);
  }

  /** @param before - What shall stand at the name of a directory of now. */
  plan(parent: Ino, name: string, before: EntryState): PathPlan {
    const { now, past } = this.#query;
    this.#collect(now.lookup(parent, name));
    const ino = before.ino === NOTHING ? NOTHING : this.#visit(before.ino);
    this.#entry(parent, name, { ino, isWhiteout: before.isWhiteout });
    if (this.#plan.isEmpty && this.#copies.size === 0) return { events: [], tree: now };
    const isUpper = before.isWhiteout || (past.get(before.ino)?.isUpper ?? false);
    const isTouched = this.#plan.parents.has(parent) || this.#copies.has(ino);
    if (this.#keepsLinks) this.#plan.keepLinks();
    this.#plan.settle();
    for (const [copy, { from, names }] of this.#copies) this.#copy(copy, from, names);
    const events = [
      ...(isUpper ? this.#copyUps(parent) : []),
      ...this.#plan.events(),
      ...(isTouched ? [this.#touched(parent)] : []),
    ];
    return { events, tree: this.#plan.tree };
  }

  /** A name that the lower has would be one of the node that the index keeps together; a file of the upper's own is none. */
  #copy(ino: Ino, from: Ino, [first, ...others]: NodeName[]): void {
    const then = this.#query.past.at(from);
    this.#change(first.parent, nodeOfThen(ino, first, then));
    for (const [index, name] of others.entries())
      this.#change(name.parent, [{ type: 'Linked', ...name, ino, nlink: index + 2, timeNs: null, parentTimeNs: null }]);
  }

  #change(parent: Ino, events: readonly FileEvent[]): void {
    this.#plan.change([...directoriesUp(this.#plan.tree, parent, this.#query.timeNs), ...events]);
  }

  #collect(ino: Ino): void {
    if (ino === NOTHING || this.#inside.has(ino)) return;
    this.#inside.add(ino);
    this.#query.now.at(ino).dir?.entries.forEach((_, child) => this.#collect(child));
  }

  /** Puts a node of then into the plan, with all below it. @returns Its number now. */
  #visit(from: Ino): Ino {
    const known = this.#inos.get(from);
    if (known !== undefined) return known;
    const { now, past, at } = this.#query;
    const isFree = now.get(from) === undefined || this.#inside.has(from) || this.#isLowerWithoutName(from);
    const ino = isFree ? from : this.#nextIno++;
    this.#inos.set(from, ino);
    const before = past.at(from);
    if (this.#keepsLinks && !isFree && !before.isUpper && now.at(from).isIndexed) {
      this.#copies.set(ino, { from, names: [] });
      return ino;
    }
    const present = now.get(ino);
    if (present === undefined || !isSameState(before, present)) this.#plan.node(ino, from, at);
    if (before.dir === null) return ino;
    const names = new Set([
      ...before.dir.entries.names(),
      ...(before.dir.whiteouts?.names() ?? []),
      ...(present?.dir?.entries.names() ?? []),
      ...(present?.dir?.whiteouts?.names() ?? []),
    ]);
    for (const name of names) {
      const entry = entryIn(past, from, name);
      const child = entry.ino === NOTHING ? NOTHING : this.#visit(entry.ino);
      this.#entry(ino, name, { ino: child, isWhiteout: entry.isWhiteout });
    }
    return ino;
  }

  /** A node of the lower stays in the table when its last name goes. */
  #isLowerWithoutName(ino: Ino): boolean {
    const { now, past } = this.#query;
    if (past.at(ino).isUpper || now.at(ino).isUpper) return false;
    return this.#names.of(ino).every(({ parent }) => !isReachable(now, parent));
  }

  #entry(parent: Ino, name: string, wanted: EntryState): void {
    const copy = this.#copies.get(wanted.ino);
    copy?.names.push({ parent, name });
    const state = copy === undefined ? wanted : { ino: NOTHING, isWhiteout: false };
    const present = entryIn(this.#query.now, parent, name);
    if (present.ino === state.ino && present.isWhiteout === state.isWhiteout) return;
    this.#plan.entry(parent, name, state);
  }

  /** Directories above the path that lie in a layer, the topmost first: something of the upper will be below them. */
  #copyUps(parent: Ino): StoreEvent[] {
    const { now, timeNs } = this.#query;
    const events: StoreEvent[] = [];
    for (let ino = parent; ; ino = now.at(ino).parent) {
      const { isUpper, layer } = now.at(ino);
      if (!isUpper) events.unshift({ type: 'DirectoryCopiedUp', ino, layer, ctimeNs: timeNs });
      if (ino === ROOT_INO) return events;
    }
  }

  #touched(ino: Ino): StoreEvent {
    const { timeNs } = this.#query;
    const unchanged = { mode: null, uid: null, gid: null, atimeNs: null };
    return { type: 'AttributesChanged', ino, ...unchanged, mtimeNs: timeNs, ctimeNs: timeNs };
  }
}

const invalid = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
