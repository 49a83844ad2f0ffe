/** What the transactions of a group touched, and who touched the same things afterwards. */

import type { Ino, StoreEvent, Transaction } from '../events/event.ts';

/** A name of a directory, or a node. */
export type Thing =
  | { readonly kind: 'entry'; readonly parent: Ino; readonly name: string }
  | { readonly kind: 'node'; readonly ino: Ino };

/** A transaction that touched something. */
export type Toucher = Pick<Transaction, 'seq' | 'group' | 'actor' | 'cause'>;

export interface Touch {
  readonly thing: Thing;
  /** First event of the group's first transaction that touched it. */
  readonly first: number;
  /** Others that touched it afterwards, the oldest first. */
  others: Toucher[];
}

export class GroupTouches {
  readonly #group: string;
  /** What the group touched. */
  readonly touched = new Map<string, Touch>();
  /** Directories that the group copied up or changed names in; the number of its first event for each. */
  readonly directories = new Map<Ino, number>();
  /** The last of the others that touched a thing, whether the group did or not. */
  readonly #byOthers = new Map<string, Toucher>();
  /** The first of the others. */
  readonly #firstOther = new Map<string, number>();
  readonly #directoriesOfOthers = new Map<Ino, number>();

  constructor(group: string) {
    this.#group = group;
  }

  /** Adds the next transaction of the container. */
  add(transaction: Transaction): void {
    const { seq, events, group, actor, cause } = transaction;
    for (const event of events) {
      if (event.type === 'ContainerRewound') {
        this.#forget(event.to);
        continue;
      }
      for (const directory of directoriesOf(event)) this.#touchDirectory(directory, seq, group);
      for (const thing of thingsOf(event)) this.#touch(thing, { seq, group, actor, cause });
    }
  }

  /** Who else touched a name or node, last. */
  otherOf(thing: Thing): Toucher | undefined {
    return this.#byOthers.get(keyOf(thing));
  }

  /** Whether others touched it between the group's beginning and its own first touch. */
  isOlderWithOthers({ thing, first }: Touch): boolean {
    return (this.#firstOther.get(keyOf(thing)) ?? Infinity) < first;
  }

  /** Whether others changed names in a directory since the group began. */
  isSharedDirectory(ino: Ino): boolean {
    return this.#directoriesOfOthers.has(ino);
  }

  get(thing: Thing): Touch | undefined {
    return this.touched.get(keyOf(thing));
  }

  #touch(thing: Thing, by: Toucher): void {
    const key = keyOf(thing);
    const known = this.touched.get(key);
    if (by.group === this.#group) {
      if (known === undefined) this.touched.set(key, { thing, first: by.seq, others: [] });
      return;
    }
    if (known !== undefined && known.others.at(-1)?.seq !== by.seq) known.others.push(by);
    this.#byOthers.set(key, by);
    if (!this.#firstOther.has(key)) this.#firstOther.set(key, by.seq);
  }

  #touchDirectory(ino: Ino, seq: number, group: string | null): void {
    const known = group === this.#group ? this.directories : this.#directoriesOfOthers;
    if (!known.has(ino)) known.set(ino, seq);
  }

  /** The container went back: what was done after event `to` is not there any more. */
  #forget(to: number): void {
    for (const [key, touch] of this.touched) {
      if (touch.first > to) this.touched.delete(key);
      else touch.others = touch.others.filter(({ seq }) => seq <= to);
    }
    for (const [key, { seq }] of this.#byOthers) if (seq > to) this.#byOthers.delete(key);
    for (const map of [this.#firstOther, this.directories, this.#directoriesOfOthers] as Map<unknown, number>[]) {
      for (const [key, seq] of map) if (seq > to) map.delete(key);
    }
  }
}

const keyOf = (thing: Thing): string => (thing.kind === 'node' ? String(thing.ino) : `${thing.parent}/${thing.name}`);

const entry = (parent: Ino, name: string): Thing => ({ kind: 'entry', parent, name });
const node = (ino: Ino): Thing => ({ kind: 'node', ino });

/** Directories in which an event changes names, or that it copies up. */
function directoriesOf(event: StoreEvent): Ino[] {
  switch (event.type) {
    case 'DirectoryCopiedUp':
      return [event.ino];
    case 'Renamed':
      return [event.fromParent, event.toParent];
    case 'NodeCreated':
    case 'Linked':
    case 'Unlinked':
    case 'WhiteoutCreated':
    case 'WhiteoutRemoved':
      return event.parent === 0 ? [] : [event.parent];
    case 'NodesRestored':
      return [...event.parents];
    default:
      return [];
  }
}

function thingsOf(event: StoreEvent): Thing[] {
  switch (event.type) {
    case 'NodeCreated':
      return event.parent === 0 ? [node(event.ino)] : [entry(event.parent, event.name), node(event.ino)];
    case 'Linked':
    case 'WhiteoutCreated':
    case 'WhiteoutRemoved':
      return [entry(event.parent, event.name)];
    case 'Unlinked':
      return [entry(event.parent, event.name), ...(event.released ? [node(event.ino)] : [])];
    case 'Renamed':
      return [
        entry(event.fromParent, event.fromName),
        entry(event.toParent, event.toName),
        ...(event.replacedReleased ? [node(event.replaced)] : []),
      ];
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp': {
      const isBroken = event.upperIno !== event.ino && event.parent !== 0;
      return [node(event.upperIno), ...(isBroken ? [entry(event.parent, event.name)] : [])];
    }
    case 'OpaqueSet':
    case 'NodeReleased':
    case 'Written':
    case 'Truncated':
    case 'Allocated':
    case 'HolePunched':
    case 'AttributesChanged':
    case 'XattrSet':
    case 'XattrRemoved':
      return [node(event.ino)];
    case 'NodesRestored':
      return [
        ...event.parents.map((parent, index) => entry(parent, event.names[index])),
        ...event.nodes.filter((_, index) => index % 3 === 0).map(node),
      ];
    default:
      return [];
  }
}
