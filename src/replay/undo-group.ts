/**
 * Undoing one group: what its transactions did to a container goes, and nothing of what others did afterwards.
 *
 * Each name and node that the group touched becomes what it was before the group touched it first. Where others touched
 * the same thing afterwards, going back would take their change too: that is a conflict, unless it is as it was already.
 */

import type { Ino, StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { NOTHING } from '../projections/tree/restore.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { GroupTouches, type Thing, type Touch, type Toucher } from './group-touches.ts';
import { entryIn, isSameState, RestorePlan } from './restore-plan.ts';

export interface UndoConflict {
  readonly path: string;
  /** `name`: what stands there. `node`: the content or attributes. `inside`: something that others put into a directory. */
  readonly what: 'name' | 'node' | 'inside' | 'parent gone';
  /** The last one of the others who touched it; null where that is not known. */
  readonly by: Toucher | null;
}

export interface UndoPlan {
  /** Nothing where the group left no trace. */
  readonly events: readonly StoreEvent[];
  /** What stands in the way. With `force` they are told too, and overruled. */
  readonly conflicts: readonly UndoConflict[];
  /** The container's tree afterwards. */
  readonly tree: Tree;
}

export interface UndoQuery {
  readonly group: string;
  readonly subject: SubjectId;
  /** Of the container: from the group's first one on to the last, in order. */
  readonly transactions: Iterable<Transaction>;
  /** The container's tree now. */
  readonly now: Tree;
  /** The container's tree after an event. */
  treeAt(seq: number): Tree;
  readonly timeNs: bigint;
  /** Take later changes of others along where they stand in the way. */
  readonly force: boolean;
}

export function planUndo(query: UndoQuery): UndoPlan {
  return new Undo(query).plan();
}

class Undo {
  readonly #query: UndoQuery;
  readonly #touches: GroupTouches;
  readonly #plan: RestorePlan;
  readonly #conflicts: UndoConflict[] = [];
  /** The moment before the group began. */
  readonly #base: number;

  constructor(query: UndoQuery) {
    this.#query = query;
    this.#touches = new GroupTouches(query.group);
    let base: number | null = null;
    for (const transaction of query.transactions) {
      base ??= transaction.seq - 1;
      this.#touches.add(transaction);
    }
    this.#base = base ?? 0;
    this.#plan = new RestorePlan(query.subject, query.now, (at) => query.treeAt(at));
  }

  plan(): UndoPlan {
    const touched = [...this.#touches.touched.values()];
    for (const touch of touched)
      if (touch.thing.kind === 'entry') this.#entry(touch, touch.thing.parent, touch.thing.name);
    for (const touch of touched) if (touch.thing.kind === 'node') this.#node(touch, touch.thing.ino);
    for (const parent of this.#plan.parents) this.#expectParent(parent);
    const mayGo = this.#conflicts.length === 0 || this.#query.force;
    if (mayGo) this.#finish();
    const events = mayGo ? this.#plan.events() : [];
    return { events, conflicts: this.#conflicts, tree: mayGo ? this.#plan.tree : this.#query.now };
  }

  /** The state before the group's first touch. Mostly that is the one before the group, so that one moment serves all. */
  #momentOf(touch: Touch): number {
    return this.#touches.isOlderWithOthers(touch) ? touch.first - 1 : this.#base;
  }

  #entry(touch: Touch, parent: Ino, name: string): void {
    const { now } = this.#query;
    const before = entryIn(this.#query.treeAt(this.#momentOf(touch)), parent, name);
    const present = entryIn(now, parent, name);
    if (before.ino === present.ino && before.isWhiteout === present.isWhiteout) return;
    if (now.get(parent) === undefined && before.ino === NOTHING) return; // gone with its directory
    this.#others(touch, 'name', now.entryPath(parent, name));
    this.#plan.entry(parent, name, before);
    if (before.ino !== NOTHING && now.get(before.ino) === undefined) {
      this.#plan.node(before.ino, before.ino, this.#momentOf(touch));
    }
    if (present.ino !== NOTHING && before.ino !== present.ino)
      this.#expectOwn(present.ino, now.entryPath(parent, name));
  }

  #node(touch: Touch, ino: Ino): void {
    const { now } = this.#query;
    const at = this.#momentOf(touch);
    const then = this.#query.treeAt(at).get(ino);
    const present = now.get(ino);
    if (present === undefined) {
      // It comes back only with a name that comes back.
      if (then !== undefined && this.#plan.wants(ino)) this.#plan.node(ino, ino, at);
      return;
    }
    const path = now.pathOf(ino) ?? '';
    if (then === undefined) {
      if (path !== '') this.#others(touch, 'node', path);
      return;
    }
    if (isSameState(then, present)) return;
    this.#others(touch, 'node', path);
    if (then.dir === null) this.#plan.node(ino, ino, at);
    else if (!this.#touches.directories.has(ino)) this.#touches.directories.set(ino, touch.first);
  }

  /** A directory that goes must hold nothing that others put into it. */
  #expectOwn(ino: Ino, path: string): void {
    const { now } = this.#query;
    now.get(ino)?.dir?.entries.forEach((name, child) => {
      const thing: Thing = { kind: 'entry', parent: ino, name };
      if (this.#touches.get(thing) === undefined && this.#before(ino, name) !== child) {
        this.#conflicts.push({ path: `${path}/${name}`, what: 'inside', by: this.#touches.otherOf(thing) ?? null });
      }
    });
  }

  /** What was there before the group. */
  #before = (parent: Ino, name: string): Ino => entryIn(this.#query.treeAt(this.#base), parent, name).ino;

  #expectParent(parent: Ino): void {
    const { now } = this.#query;
    if (now.get(parent)?.dir || this.#plan.hasNode(parent)) return;
    const path = this.#query.treeAt(this.#base).pathOf(parent) ?? '';
    this.#conflicts.push({
      path,
      what: 'parent gone',
      by: this.#touches.otherOf({ kind: 'node', ino: parent }) ?? null,
    });
    this.#plan.leave(parent);
  }

  #others(touch: Touch, what: 'name' | 'node', path: string): void {
    const by = touch.others.at(-1);
    if (by !== undefined) this.#conflicts.push({ path, what, by });
  }

  /** Directories, the deepest first: attributes, times, and whether they need to be in the upper any longer. */
  #finish(): void {
    this.#plan.keepLinks();
    this.#plan.settle();
    const { tree } = this.#plan;
    const depth = (ino: Ino): number => (ino === ROOT_INO ? 0 : (tree.pathOf(ino) ?? '').split('/').length);
    const directories = [...this.#touches.directories].filter(([ino]) => tree.get(ino) !== undefined);
    directories.sort(([a], [b]) => depth(b) - depth(a));
    for (const [ino, first] of directories) {
      const node: Thing = { kind: 'node', ino };
      const isShared = this.#touches.isSharedDirectory(ino) || this.#touches.otherOf(node) !== undefined;
      const attributes = this.#touches.get(node) !== undefined;
      this.#plan.directory(ino, isShared ? first - 1 : this.#base, {
        isShared,
        attributes,
        timeNs: this.#query.timeNs,
      });
    }
  }
}
