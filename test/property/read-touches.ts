/**
 * What happened to the nodes of a container or volume in a few transactions: what Touches say of a part of a stretch, from the
 * transactions themselves. The plain form that stored histories are compared with.
 */

import type { FileEvent, Ino, Transaction } from '../../src/events/event.ts';
import { isFileEvent } from '../../src/events/file-event.ts';
import { isDirectoryMode } from '../../src/events/mode.ts';
import type { NodeRange } from '../../src/projections/evolve-node.ts';
import { forEachAffected, forEachEntry } from '../../src/projections/node-effects.ts';
import type { Tree } from '../../src/projections/tree/tree.ts';
import { lowerBound } from '../../src/replay/checkpoint/sorted.ts';

interface Entry {
  readonly seq: number;
  readonly name: string;
  readonly before: Ino;
  readonly after: Ino;
  readonly timeNs: bigint | null;
}

interface NodeEvent {
  readonly seq: number;
  readonly event: FileEvent;
}

export class ReadTouches {
  readonly #base: Tree;
  readonly #nodes = new Map<Ino, ReadRange>();
  /** Format bits of the nodes that were made on the way. */
  readonly #modes = new Map<Ino, number>();
  #sorted: readonly Ino[] | null = null;

  /** @param base - The tree before. */
  constructor(base: Tree) {
    this.#base = base;
  }

  /** Adds what a transaction of the container or volume did to its files. */
  add({ seq, events }: Transaction): void {
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (isFileEvent(event)) this.#add(event, seq + index);
    }
  }

  /** All nodes that were touched, ascending. */
  get nodes(): readonly Ino[] {
    return (this.#sorted ??= [...this.#nodes.keys()].sort((a, b) => a - b));
  }

  /** -1: none was touched. */
  get lastKey(): number {
    return this.nodes.at(-1) ?? -1;
  }

  mayTouch(first: Ino, end: Ino): boolean {
    return (this.nodes[lowerBound(this.nodes, first)] ?? Infinity) < end;
  }

  /** As Touches have it. */
  of(ino: Ino, after: number, end: number): ReadRange | null {
    return this.#nodes.get(ino)?.between(after, end) ?? null;
  }

  #add(event: FileEvent, seq: number): void {
    if (event.type === 'NodeCreated') this.#modes.set(event.ino, event.mode);
    forEachEntry(event, (directory, name, before, after, timeNs) => {
      this.#of(directory).entries.push({ seq, name, before, after, timeNs });
    });
    forEachAffected(event, this.#movesDirectory(event), (ino) => {
      if (ino !== 0) this.#of(ino).happened.push({ seq, event });
    });
    // A broken hard link: what was copied goes on under its other names.
    if ('upperIno' in event && event.upperIno !== event.ino) this.#of(event.ino);
  }

  #of(ino: Ino): ReadRange {
    let range = this.#nodes.get(ino);
    if (range === undefined) this.#nodes.set(ino, (range = new ReadRange([], [])));
    return range;
  }

  #movesDirectory(event: FileEvent): boolean {
    if (event.type === 'Unlinked') return this.#isDirectory(event.ino);
    return event.type === 'Renamed' && (this.#isDirectory(event.ino) || this.#isDirectory(event.replaced));
  }

  #isDirectory(ino: Ino): boolean {
    const mode = this.#modes.get(ino) ?? this.#base.get(ino)?.mode;
    return mode !== undefined && isDirectoryMode(mode);
  }
}

/** What happened to one of them, in order. */
class ReadRange implements NodeRange {
  readonly happened: NodeEvent[];
  readonly entries: Entry[];
  #changes: Map<string, Ino> | null = null;
  #before: Map<string, Ino> | null = null;

  constructor(happened: NodeEvent[], entries: Entry[]) {
    this.happened = happened;
    this.entries = entries;
  }

  /** The part behind event `after` and before event `end`. */
  between(after: number, end: number): ReadRange {
    const isInside = ({ seq }: { readonly seq: number }): boolean => seq > after && seq < end;
    if (this.happened.every(isInside) && this.entries.every(isInside)) return this;
    return new ReadRange(this.happened.filter(isInside), this.entries.filter(isInside));
  }

  get isEmpty(): boolean {
    return this.happened.length === 0 && this.entries.length === 0;
  }

  get hasEntries(): boolean {
    return this.entries.length > 0;
  }

  events(): readonly NodeEvent[] {
    return this.happened;
  }

  lastTime(after: number, end: number): bigint | null {
    for (let at = this.entries.length - 1; at >= 0; at--) {
      const { seq, timeNs } = this.entries[at];
      if (seq <= after) return null;
      if (seq < end && timeNs !== null) return timeNs;
    }
    return null;
  }

  valueOf(name: string): Ino | undefined {
    return this.changes().get(name);
  }

  changes(): Map<string, Ino> {
    return (this.#changes ??= new Map(this.entries.map(({ name, after }) => [name, after])));
  }

  valueBefore(name: string): Ino | undefined {
    this.#before ??= new Map(this.entries.map(({ name: each, before }): [string, Ino] => [each, before]).reverse());
    return this.#before.get(name);
  }

  changedBetween(): null {
    return null;
  }
}
