/**
 * A container's writable layer under several drivers, now and at any earlier event: forks and rewinds go back.
 *
 * Every so many events the trees are kept as they are; an earlier state is the nearest of these, and the events up to it.
 * Changed in place by its owner; {@link Timeline.branch} gives a value of its own.
 */

import type { FileEvent } from '../../events/event.ts';
import type { FirstWrite, StoredTree } from './storage-driver.ts';

const SEGMENT_EVENTS = 512;

interface Segment {
  /** The trees after this event. */
  readonly seq: number;
  readonly trees: readonly StoredTree[];
  /** What happened from there on, up to the next segment. */
  readonly events: (readonly [seq: number, event: FileEvent])[];
}

export class Timeline {
  #segments: Segment[];
  #trees: readonly StoredTree[];

  /** Of a fork: what it was up to the moment that it was made from. */
  readonly #source: { readonly timeline: Timeline; readonly at: number } | null;

  /** @param trees - One for each driver, after event `seq`. */
  constructor(trees: readonly StoredTree[], seq: number, source: { timeline: Timeline; at: number } | null = null) {
    this.#trees = trees;
    this.#source = source;
    this.#segments = [];
    this.#keep(seq);
  }

  get trees(): readonly StoredTree[] {
    return this.#trees;
  }

  branch(): Timeline {
    const copy = new Timeline(snapshots(this.#trees), 0, this.#source);
    copy.#segments = [...this.#segments];
    const last = copy.#segments.length - 1;
    copy.#segments[last] = { ...copy.#segments[last], events: [...copy.#segments[last].events] };
    return copy;
  }

  /** @returns What each driver paid. */
  apply(event: FileEvent, seq: number): (FirstWrite | null)[] {
    const segment = this.#segments[this.#segments.length - 1];
    segment.events.push([seq, event]);
    const costs = this.#trees.map((tree) => tree.apply(event, seq));
    if (segment.events.length >= SEGMENT_EVENTS) this.#keep(seq);
    return costs;
  }

  /** The trees after event `at`, in values of their own. */
  at(at: number): StoredTree[] {
    if (this.#source !== null && at <= this.#source.at) return this.#source.timeline.at(at);
    const segment = this.#segments.findLast(({ seq }) => seq <= at) ?? this.#segments[0];
    const trees = snapshots(segment.trees);
    for (const [seq, event] of segment.events) {
      if (seq > at) break;
      for (const tree of trees) tree.apply(event, seq);
    }
    return trees;
  }

  /** Event `seq` put other trees in the place of these. */
  replace(trees: readonly StoredTree[], seq: number): void {
    this.#trees = trees;
    this.#keep(seq);
  }

  /**
   * Event `seq` gave files an earlier content.
   *
   * @param nodes - Triples (ino, from, at), as `NodesRestored` has them.
   */
  restore(nodes: readonly number[], seq: number): void {
    const earlier = new Map<number, StoredTree[]>();
    for (let index = 0; index < nodes.length; index += 3) {
      const [ino, from, at] = [nodes[index], nodes[index + 1], nodes[index + 2]];
      const then = earlier.get(at) ?? this.at(at);
      earlier.set(at, then);
      this.#trees.forEach((tree, driver) => tree.restore(ino, then[driver], from, seq));
    }
    this.#keep(seq);
  }

  /** Somebody else holds what was there after event `at`. */
  share(at: number, seq: number): void {
    for (const tree of this.#trees) tree.share(at);
    this.#keep(seq);
  }

  #keep(seq: number): void {
    this.#segments.push({ seq, trees: snapshots(this.#trees), events: [] });
  }
}

const snapshots = (trees: readonly StoredTree[]): StoredTree[] => trees.map((tree) => tree.snapshot());
