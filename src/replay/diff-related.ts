/**
 * The diff of trees with a common past, at the cost of what differs.
 *
 * The inode tables say which nodes differ, the entries of the directories among them which names came and went. A node has
 * the same number in both trees; in trees of different containers a number above those of the common lower may have been
 * given twice, then the event that made the node decides.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import type { Ino } from '../events/event.ts';
import { kindOf } from '../events/mode.ts';
import { compareNames } from '../events/name.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { NodeNames } from '../projections/tree/names-of.ts';
import { changedAspects } from './diff-nodes.ts';
import type { DiffSide, TreeChange } from './tree-change.ts';

/** A name that came or went. */
interface Place {
  readonly parent: Ino;
  readonly name: string;
  readonly ino: Ino;
  readonly path: string;
}

/** Nodes that may differ: all others are the same on both sides. */
export type TouchedNodes = ReadonlySet<Ino>;

/**
 * The changes, unsorted.
 *
 * @param touched - Null: what the trees do not share is looked for.
 */
export function diffRelated(
  before: DiffSide,
  after: DiffSide,
  chunks: ChunkReader,
  touched: TouchedNodes | null,
): TreeChange[] {
  return new RelatedDiff(before, after, chunks, touched).changes();
}

class RelatedDiff {
  readonly #before: Tree;
  readonly #after: Tree;
  readonly #chunks: ChunkReader;
  readonly #mayDiffer: TouchedNodes | null;
  readonly #isOneSubject: boolean;
  /** Numbers below this are nodes of the common lower. */
  readonly #lowerEnd: Ino;
  #gone: Place[] = [];
  #come: Place[] = [];
  /** Nodes of both trees that are not the same object. */
  readonly #touched: Ino[] = [];
  readonly #changes: TreeChange[] = [];
  /** Nodes whose bytes have been told: gone, come, or grown. */
  readonly #countedGone = new Set<Ino>();
  readonly #countedCome = new Set<Ino>();
  readonly #countedGrowth = new Set<Ino>();
  /** Directories that went → directories that stand in their place. */
  readonly #replacedBy = new Map<Ino, Ino>();
  readonly #namesBefore: NodeNames;
  readonly #namesAfter: NodeNames;
  readonly #pathsBefore: Paths;
  readonly #pathsAfter: Paths;

  constructor(before: DiffSide, after: DiffSide, chunks: ChunkReader, mayDiffer: TouchedNodes | null) {
    this.#mayDiffer = mayDiffer;
    this.#before = before.tree;
    this.#after = after.tree;
    this.#chunks = chunks;
    this.#isOneSubject = before.subject === after.subject;
    this.#lowerEnd = before.lower?.nextIno ?? 2;
    this.#namesBefore = new NodeNames(before.tree);
    this.#namesAfter = new NodeNames(after.tree);
    this.#pathsBefore = new Paths(before.tree);
    this.#pathsAfter = new Paths(after.tree);
  }

  changes(): TreeChange[] {
    this.#collect();
    const come = new Set(this.#come.map(placeKey));
    const moves = this.#takeMoves();
    this.#pairReplaced();
    for (const [from, to] of moves) this.#moved(from, to);
    for (const place of this.#gone) this.#removed(place);
    for (const place of this.#come) this.#added(place);
    for (const ino of this.#touched) this.#modified(ino, come);
    return this.#changes;
  }

  #collect(): void {
    const split: Ino[] = [];
    this.#forEachDifference((ino, here, there) => {
      if (here !== undefined && there !== undefined && this.#isSameNode(ino, here, there)) {
        this.#touched.push(ino);
        if (here.dir === null || there.dir === null) return;
        here.dir.entries.diff(there.dir.entries, (name, child, other) => {
          if (child !== undefined) this.#gone.push(this.#pathsBefore.place(ino, name, child));
          if (other !== undefined) this.#come.push(this.#pathsAfter.place(ino, name, other));
        });
        return;
      }
      if (here !== undefined && there !== undefined) split.push(ino);
      here?.dir?.entries.forEach((name, child) => void this.#gone.push(this.#pathsBefore.place(ino, name, child)));
      there?.dir?.entries.forEach((name, child) => void this.#come.push(this.#pathsAfter.place(ino, name, child)));
    });
    for (const ino of split) this.#collectSplit(ino);
  }

  #forEachDifference(visit: (ino: Ino, here: Inode | undefined, there: Inode | undefined) => void): void {
    if (this.#mayDiffer === null) return this.#before.inodes.diff(this.#after.inodes, visit);
    for (const ino of [...this.#mayDiffer].sort((a, b) => a - b)) {
      const here = this.#before.get(ino);
      const there = this.#after.get(ino);
      if (here !== there) visit(ino, here, there);
    }
  }

  /** One number for two nodes: a name that leads to it in both trees has changed hands. */
  #collectSplit(ino: Ino): void {
    for (const { parent, name } of this.#namesAfter.of(ino)) {
      if (!this.#isKept(parent, false) || this.#before.lookup(parent, name) !== ino) continue;
      this.#gone.push(this.#pathsBefore.place(parent, name, ino));
      this.#come.push(this.#pathsAfter.place(parent, name, ino));
    }
  }

  /** Takes out names of one node of which one went and one came: it moved. */
  #takeMoves(): [from: Place, to: Place][] {
    const byIno = new Map<Ino, Place[]>();
    for (const place of this.#gone) {
      if (!this.#isKept(place.ino, true)) continue;
      const places = byIno.get(place.ino);
      if (places === undefined) byIno.set(place.ino, [place]);
      else places.push(place);
    }
    const moves: [Place, Place][] = [];
    for (const places of byIno.values()) places.sort((a, b) => compareNames(b.path, a.path));
    const targets = this.#come.filter((place) => byIno.has(place.ino)).sort((a, b) => this.#byLatestName(a, b));
    for (const to of targets) {
      const from = byIno.get(to.ino)?.pop();
      if (from !== undefined) moves.push([from, to]);
    }
    this.#drop(moves);
    return moves;
  }

  #byLatestName(a: Place, b: Place): number {
    const rank = (place: Place): number => {
      const inode = this.#after.at(place.ino);
      return inode.parent === place.parent && inode.name === place.name ? 0 : 1;
    };
    return rank(a) - rank(b) || compareNames(a.path, b.path);
  }

  /**
   * Something went, and something else came where it would be now: other nodes, but to a user the path was modified.
   * Directories come before what was in them, so that their content finds its way.
   */
  #pairReplaced(): void {
    if (this.#gone.length === 0 || this.#come.length === 0) return;
    const comeByPath = new Map(this.#come.map((place) => [place.path, place]));
    const pairs: [Place, Place][] = [];
    this.#gone.sort((a, b) => compareNames(a.path, b.path));
    for (const from of this.#gone) {
      const path = this.#takenTo(from);
      const to = path === null ? undefined : comeByPath.get(path);
      if (to === undefined) continue;
      const before = this.#before.at(from.ino);
      const after = this.#after.at(to.ino);
      pairs.push([from, to]);
      this.#replacedBy.set(from.ino, to.ino);
      const what = changedAspects(before, after, this.#chunks);
      const sizeDelta = this.#bytesCome(to) - this.#bytesGone(from);
      if (what.length > 0) this.#push('Modified', to.path, after, what, sizeDelta);
    }
    this.#drop(pairs);
  }

  #moved(from: Place, to: Place): void {
    const inode = this.#after.at(to.ino);
    const before = this.#before.at(from.ino);
    const what = changedAspects(before, inode, this.#chunks);
    const sizeDelta = this.#growth(from.ino, before, inode);
    if (this.#takenTo(from) !== to.path) this.#push('Renamed', to.path, inode, what, sizeDelta, from.path);
    else if (what.length > 0) this.#push('Modified', to.path, inode, what, sizeDelta);
  }

  /** Where a name of the first tree would be in the second if nothing but its directories had moved; null: nowhere. */
  #takenTo(place: Place): string | null {
    const directory = this.#isKept(place.parent, true) ? place.parent : this.#replacedBy.get(place.parent);
    return directory === undefined ? null : this.#pathsAfter.entry(directory, place.name);
  }

  #removed(place: Place): void {
    this.#push('Removed', place.path, this.#before.at(place.ino), [], 0 - this.#bytesGone(place));
  }

  #added(place: Place): void {
    this.#push('Added', place.path, this.#after.at(place.ino), [], this.#bytesCome(place));
  }

  /** Bytes that went with a name: the node's, if that was its last one. */
  #bytesGone(place: Place): number {
    const inode = this.#before.at(place.ino);
    if (inode.dir !== null || this.#countedGone.has(place.ino)) return 0;
    if (inode.nlink > 1 && this.#isKept(place.ino, true) && this.#namesAfter.of(place.ino).length > 0) return 0;
    this.#countedGone.add(place.ino);
    return inode.size;
  }

  /** Bytes that came with a name: the node's, if that is its first one. */
  #bytesCome(place: Place): number {
    const inode = this.#after.at(place.ino);
    if (inode.dir !== null || this.#countedCome.has(place.ino)) return 0;
    if (this.#isKept(place.ino, false) && this.#namesBefore.of(place.ino).length > 0) return 0;
    this.#countedCome.add(place.ino);
    return inode.size;
  }

  #modified(ino: Ino, come: ReadonlySet<string>): void {
    const before = this.#before.at(ino);
    const after = this.#after.at(ino);
    const what = changedAspects(before, after, this.#chunks);
    if (what.length === 0) return;
    for (const { parent, name } of this.#namesAfter.of(ino)) {
      if (come.has(`${parent}/${name}`)) continue;
      const path = this.#pathsAfter.entry(parent, name);
      this.#push('Modified', path, after, what, this.#growth(ino, before, after));
    }
  }

  /** Bytes that a node gained; told once for all its names. */
  #growth(ino: Ino, before: Inode, after: Inode): number {
    if (after.dir !== null || this.#countedGrowth.has(ino)) return 0;
    this.#countedGrowth.add(ino);
    return after.size - before.size;
  }

  /** Whether a node of one tree is in the other, as the same node. */
  #isKept(ino: Ino, isBefore: boolean): boolean {
    const here = this.#before.get(ino);
    const there = this.#after.get(ino);
    if (here === undefined || there === undefined) return false;
    const other = isBefore ? there : here;
    if (other.nlink === 0 && other.dir === null) return false;
    return this.#isSameNode(ino, here, there);
  }

  #isSameNode(ino: Ino, here: Inode, there: Inode): boolean {
    return this.#isOneSubject || ino < this.#lowerEnd || here.seq === there.seq;
  }

  #drop(pairs: readonly (readonly Place[])[]): void {
    if (pairs.length === 0) return;
    const paired = new Set(pairs.flat());
    this.#gone = this.#gone.filter((place) => !paired.has(place));
    this.#come = this.#come.filter((place) => !paired.has(place));
  }

  #push(
    change: TreeChange['change'],
    path: string,
    inode: Inode,
    what: TreeChange['what'],
    sizeDelta: number,
    from: string | null = null,
  ): void {
    this.#changes.push({ change, path, from, kind: kindOf(inode.mode), what, sizeDelta });
  }
}

/** Stands for the path of a directory that has none: equal to no path. */
const NOWHERE = '\0';

const placeKey = (place: Place): string => `${place.parent}/${place.name}`;

/** Paths of a tree, those of directories remembered. */
class Paths {
  readonly #tree: Tree;
  readonly #directories = new Map<Ino, string>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  entry(parent: Ino, name: string): string {
    let directory = this.#directories.get(parent);
    if (directory === undefined) {
      const path = this.#tree.pathOf(parent) ?? NOWHERE;
      directory = path === '/' ? '' : path;
      this.#directories.set(parent, directory);
    }
    return `${directory}/${name}`;
  }

  place(parent: Ino, name: string, ino: Ino): Place {
    return { parent, name, ino, path: this.entry(parent, name) };
  }
}
