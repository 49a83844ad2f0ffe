/** Collects what of a tree shall be as it was, and makes the events that say so. */

import type { FileEvent, Ino, StoreEvent, SubjectId } from '../events/event.ts';
import { PERMISSION_BITS } from '../events/mode.ts';
import type { Inode, UpperMarks } from '../projections/tree/inode.ts';
import { applyRestored, type NodesRestored, NOTHING } from '../projections/tree/restore.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { applyFileEvent } from '../projections/tree/fold.ts';
import { contentOfThen, hasSameNames } from './restore-links.ts';

/** What stands at a name. */
export interface EntryState {
  /** {@link NOTHING}: no node. */
  readonly ino: Ino;
  readonly isWhiteout: boolean;
}

export function entryIn(tree: Tree, parent: Ino, name: string): EntryState {
  const directory = tree.get(parent)?.dir;
  return {
    ino: directory?.entries.get(name) ?? NOTHING,
    isWhiteout: directory?.whiteouts?.get(name) !== undefined,
  };
}

export class RestorePlan {
  readonly #subject: SubjectId;
  readonly #treeAt: (at: number) => Tree;
  readonly #entries = new Map<string, EntryState & { readonly parent: Ino; readonly name: string }>();
  readonly #nodes = new Map<Ino, { readonly from: Ino; readonly at: number }>();
  /** What is done in the upper once names and nodes are as they were. */
  readonly #changes: FileEvent[] = [];
  readonly #attributes: StoreEvent[] = [];
  /** The tree as it will be, as far as {@link RestorePlan.settle} has made it. */
  readonly tree: Tree;

  constructor(subject: SubjectId, now: Tree, treeAt: (at: number) => Tree) {
    this.#subject = subject;
    this.#treeAt = treeAt;
    this.tree = now.snapshot();
  }

  entry(parent: Ino, name: string, state: EntryState): void {
    this.#entries.set(`${parent}/${name}`, { parent, name, ...state });
  }

  node(ino: Ino, from: Ino, at: number): void {
    this.#nodes.set(ino, { from, at });
  }

  /** Takes the entries of a directory out of the plan. */
  leave(parent: Ino): void {
    for (const [key, entry] of this.#entries) if (entry.parent === parent) this.#entries.delete(key);
  }

  /** A node that an entry wants and the tree does not have. */
  wants(ino: Ino): boolean {
    return [...this.#entries.values()].some((entry) => entry.ino === ino);
  }

  hasNode(ino: Ino): boolean {
    return this.#nodes.has(ino);
  }

  get isEmpty(): boolean {
    const changes = this.#changes.length + this.#attributes.length;
    return this.#entries.size === 0 && this.#nodes.size === 0 && changes === 0;
  }

  /** Directories whose names change. */
  get parents(): Set<Ino> {
    return new Set(Array.from(this.#entries.values(), ({ parent }) => parent));
  }

  /** Makes {@link RestorePlan.tree} what the entries and nodes so far say. */
  settle(): void {
    applyRestored(this.tree, this.#restored(), 0, this.#treeAt);
    for (const event of this.#changes) applyFileEvent(this.tree, event, 0);
  }

  /**
   * Before {@link RestorePlan.settle}: nodes that the index keeps together become files of the lower again only with the names that
   * they had as such. With others they stay in the upper, and get their content and attributes of then.
   */
  keepLinks(): void {
    const links = [...this.#nodes].filter(
      ([ino, { from, at }]) =>
        ino === from && this.tree.get(ino)?.isIndexed === true && !this.#treeAt(at).at(from).isUpper,
    );
    if (links.length === 0) return;
    const tree = this.tree.snapshot();
    applyRestored(tree, this.#restored(), 0, this.#treeAt);
    for (const [ino, { at }] of links) {
      const past = this.#treeAt(at);
      if (hasSameNames(tree, past, ino)) continue;
      this.#nodes.delete(ino);
      this.#changes.push(...contentOfThen(ino, this.tree.at(ino), past.at(ino)));
      this.#changes.push(...attributesOf(ino, this.tree.at(ino), past.at(ino), null, past.at(ino)));
    }
  }

  /** After {@link RestorePlan.settle}: does more in the tree. */
  change(events: readonly FileEvent[]): void {
    for (const event of events) applyFileEvent(this.tree, event, 0);
    this.#changes.push(...events);
  }

  /**
   * A directory that is there then and now, after {@link RestorePlan.settle}: its times, and where nothing of the upper is
   * left in it, its place in the layer.
   *
   * @param how.isShared - Others changed it too: it stays in the upper, and its times become `timeNs`.
   * @param how.attributes - Mode, owner and extended attributes become what they were.
   */
  directory(ino: Ino, at: number, how: { isShared: boolean; attributes: boolean; timeNs: bigint }): void {
    const then = this.#treeAt(at).get(ino);
    const now = this.tree.get(ino);
    if (then === undefined || now === undefined) return;
    const isBack = (!now.isUpper && then.isUpper) || (how.attributes && now.dir?.opaque !== then.dir?.opaque);
    if (isBack || (now.isUpper && !then.isUpper && !how.isShared && isBareIn(this.tree, now))) {
      this.node(ino, ino, at);
      const alone = { ...NO_ENTRIES, container: this.#subject, nodes: [ino, ino, at] };
      applyRestored(this.tree, alone, 0, this.#treeAt);
      return;
    }
    this.#attributes.push(
      ...attributesOf(ino, now, how.attributes ? then : now, how.isShared ? how.timeNs : null, then),
    );
  }

  /** In the order in which they have to come. */
  events(): StoreEvent[] {
    const restored = this.#restored();
    const isNothing = restored.names.length === 0 && restored.nodes.length === 0;
    return [...(isNothing ? [] : [restored]), ...this.#changes, ...this.#attributes];
  }

  #restored(): NodesRestored {
    const entries = [...this.#entries.values()];
    return {
      type: 'NodesRestored',
      container: this.#subject,
      nodes: Array.from(this.#nodes, ([ino, { from, at }]) => [ino, from, at]).flat(),
      parents: entries.map(({ parent }) => parent),
      names: entries.map(({ name }) => name),
      inos: entries.map(({ ino }) => ino),
      whiteouts: entries.flatMap(({ ino, isWhiteout }, index) => (ino === NOTHING && isWhiteout ? [index] : [])),
    };
  }
}

const NO_ENTRIES = { type: 'NodesRestored', parents: [], names: [], inos: [], whiteouts: [] } as const;

/** Nothing in it is of the upper, so that it may be one of its layer again. */
function isBareIn(tree: Tree, { dir }: Inode): boolean {
  if (dir === null || dir.opaque || (dir.whiteouts?.size ?? 0) > 0) return false;
  let isBare = true;
  dir.entries.forEach((_, child) => {
    if (tree.at(child).isUpper) isBare = false;
  });
  return isBare;
}

/** @param timeNs - null: the times that it had. */
function attributesOf(ino: Ino, now: Inode, then: Inode, timeNs: bigint | null, times: Inode): FileEvent[] {
  const mtimeNs = timeNs ?? times.mtimeNs;
  const ctimeNs = timeNs ?? times.ctimeNs;
  const [modeNow, mode] = [now.mode & PERMISSION_BITS, then.mode & PERMISSION_BITS];
  const xattrs = new Map(then.xattrs);
  const events: FileEvent[] = [];
  for (const [name] of now.xattrs) {
    if (!xattrs.has(name)) events.push({ type: 'XattrRemoved', ino, name, ctimeNs });
  }
  for (const [name, value] of then.xattrs) {
    const known = now.xattrs.find(([other]) => other === name);
    if (known === undefined || Buffer.compare(known[1], value) !== 0) {
      events.push({ type: 'XattrSet', ino, name, value, ctimeNs });
    }
  }
  const isSame =
    modeNow === mode &&
    now.uid === then.uid &&
    now.gid === then.gid &&
    now.mtimeNs === mtimeNs &&
    now.ctimeNs === ctimeNs &&
    now.atimeNs === then.atimeNs;
  if (isSame && events.length === 0) return [];
  const { uid, gid } = then;
  events.push({ type: 'AttributesChanged', ino, mode, uid, gid, atimeNs: then.atimeNs, mtimeNs, ctimeNs });
  return events;
}

/** Whether two states of a node are the same, its names left aside. */
export function isSameState(a: Inode, b: Inode): boolean {
  if (a === b) return true;
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.rdev === b.rdev &&
    a.size === b.size &&
    a.layer === b.layer &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.atimeNs === b.atimeNs &&
    a.target === b.target &&
    a.content === b.content &&
    a.dir?.opaque === b.dir?.opaque &&
    isSameMarks(a.marks, b.marks) &&
    a.xattrs.length === b.xattrs.length &&
    a.xattrs.every(
      ([name, value], index) => name === b.xattrs[index][0] && Buffer.compare(value, b.xattrs[index][1]) === 0,
    )
  );
}

function isSameMarks(a: UpperMarks | null, b: UpperMarks | null): boolean {
  if (a === b) return true;
  if ((a?.redirect ?? '') !== (b?.redirect ?? '') || (a?.dataIno ?? 0) !== (b?.dataIno ?? 0)) return false;
  const [here, there] = [a?.upperNames ?? null, b?.upperNames ?? null];
  if (here === null || there === null) return here === there;
  const keys = new Set(there.map(({ parent, name }) => `${parent}/${name}`));
  return here.length === there.length && here.every(({ parent, name }) => keys.has(`${parent}/${name}`));
}
