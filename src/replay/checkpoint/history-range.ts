/** A part of what happened to one node in a stretch of the log: what came behind event `after` and before event `end`. */

import type { FileEvent, Ino } from '../../events/event.ts';
import type { NodeRange } from '../../projections/evolve-node.ts';
import type { NodeHistory } from './node-history.ts';

export class HistoryRange implements NodeRange {
  readonly history: NodeHistory;
  readonly first: number;
  readonly end: number;
  readonly hasEntries: boolean;

  constructor(history: NodeHistory, after: number, end: number) {
    this.history = history;
    this.first = history.firstFrom(after + 1);
    this.end = end === Infinity ? history.count : Math.max(this.first, history.firstFrom(end));
    this.hasEntries = history.hasEntries(this.first, this.end);
  }

  /** What only names the node, and leaves it as it is, counts. */
  get isEmpty(): boolean {
    return this.first >= this.end;
  }

  *events(): Generator<{ seq: number; event: FileEvent }, void> {
    const { history } = this;
    for (const effect of history.events(this.first, this.end)) {
      yield { seq: history.seq(effect), event: history.event(effect) };
    }
  }

  lastTime(after: number, end: number): bigint | null {
    if (!this.hasEntries) return null;
    const { history } = this;
    const first = Math.max(this.first, after < 0 ? 0 : history.firstFrom(after + 1));
    let effect = end === Infinity ? this.end : Math.min(this.end, history.firstFrom(end));
    while (--effect >= first) {
      const time = history.time(effect);
      if (time !== null) return time;
    }
    return null;
  }

  valueOf(name: string): Ino | undefined {
    const effects = this.history.entriesOf(name);
    for (let at = effects.length - 1; at >= 0; at--) {
      const effect = effects[at];
      if (effect < this.first) return undefined;
      if (effect < this.end) return this.history.node(effect);
    }
    return undefined;
  }

  changes(): Map<string, Ino> {
    const changes = new Map<string, Ino>();
    const { history } = this;
    for (let effect = this.first; effect < this.end; effect++)
      if (history.isEntry(effect)) changes.set(history.name(effect), history.node(effect));
    return changes;
  }

  changedBetween(other: NodeRange): ReadonlySet<string> | null {
    const { history } = this;
    if (!(other instanceof HistoryRange) || other.history !== history || other.first !== this.first) return null;
    const names = new Set<string>();
    const end = Math.max(this.end, other.end);
    for (let effect = Math.min(this.end, other.end); effect < end; effect++)
      if (history.isEntry(effect)) names.add(history.name(effect));
    return names;
  }
}
