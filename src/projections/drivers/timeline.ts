/**
 * A container's writable layer under several drivers, now and at earlier events: forks and rewinds go back.
 *
 * Who folds a log that is there already knows which moments are gone back to, and has just these kept. Else the trees are
 * kept every so many events; an earlier state is the nearest of these, and the events up to it.
 * Changed in place by its owner; {@link Timeline.branch} gives a value of its own.
 */

import type { FileEvent } from '../../events/event.ts';
import type { FirstWrite, StoredTree } from './storage-driver.ts';

const SEGMENT_EVENTS = 512;

/** Moments that events of a log refer to, ascending; null: any may come. */
export type KeptMoments = readonly number[] | null;

interface Segment {
  /** The trees after this event. */
  readonly seq: number;
  readonly trees: readonly StoredTree[];
  /** What happened from there on, up to the next segment; nothing where the moments are known. */
  readonly events: (readonly [seq: number, event: FileEvent])[];
}

/** What a timeline is made of; nothing in it is to be changed. */
export interface TimelineParts {
  readonly trees: readonly StoredTree[];
  /** The trees after events that are gone back to, oldest first. */
  readonly segments: readonly { readonly seq: number; readonly trees: readonly StoredTree[] }[];
  /** Of the moments, how many lie in front of its last event. */
  readonly passed: number;
  readonly source: { readonly timeline: Timeline; readonly at: number } | null;
}

export class Timeline {
  #segments: Segment[];
  #trees: readonly StoredTree[];
  readonly #moments: KeptMoments;
  /** Of the moments, how many lie in front of the last event. */
  #passed = 0;

  /** Of a fork: what it was up to the moment that it was made from. */
  readonly #source: { readonly timeline: Timeline; readonly at: number } | null;

  /** @param trees - One for each driver, after event `seq`. */
  constructor(
    trees: readonly StoredTree[],
    seq: number,
    moments: KeptMoments,
    source: { timeline: Timeline; at: number } | null = null,
  ) {
    this.#trees = trees;
    this.#source = source;
    this.#moments = moments;
    this.#segments = [];
    this.#skip(seq);
    this.#keep(seq);
  }

  /** @param moments - Those that the parts were folded with, and maybe some behind all that had happened. */
  static of({ trees, segments, passed, source }: TimelineParts, moments: readonly number[]): Timeline {
    const timeline = new Timeline(trees, 0, moments, source);
    timeline.#passed = passed;
    timeline.#segments = segments.map((segment) => ({ ...segment, events: [] }));
    return timeline;
  }

  /** All there is to it. Only where the moments are known: else events lie between the segments. */
  get parts(): TimelineParts {
    if (this.#moments === null) throw new Error('timeline: its moments are not known');
    return { trees: this.#trees, segments: this.#segments, passed: this.#passed, source: this.#source };
  }

  get trees(): readonly StoredTree[] {
    return this.#trees;
  }

  /** @param moments - The ones that were known, and maybe some behind all that has happened. */
  branch(moments = this.#moments): Timeline {
    const copy = new Timeline(snapshots(this.#trees), 0, moments, this.#source);
    copy.#passed = this.#passed;
    copy.#segments = [...this.#segments];
    const last = copy.#segments.length - 1;
    copy.#segments[last] = { ...copy.#segments[last], events: [...copy.#segments[last].events] };
    return copy;
  }

  /** @returns What each driver paid. */
  apply(event: FileEvent, seq: number): (FirstWrite | null)[] {
    this.#pass(seq);
    const costs = this.#trees.map((tree) => tree.apply(event, seq));
    if (this.#moments !== null) return costs;
    const segment = this.#segments[this.#segments.length - 1];
    segment.events.push([seq, event]);
    if (segment.events.length >= SEGMENT_EVENTS) this.#keep(seq);
    return costs;
  }

  /** The trees after event `at`, in values of their own. */
  at(at: number): StoredTree[] {
    if (this.#source !== null && at <= this.#source.at) return this.#source.timeline.at(at);
    // What nothing has happened to since the moment is as it is now.
    const isNow = this.#moments !== null && !(this.#moments[this.#passed - 1] >= at);
    if (isNow) return snapshots(this.#trees);
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
    this.#pass(seq);
    this.#trees = trees;
    this.#keep(seq);
  }

  /**
   * Event `seq` gave files an earlier content.
   *
   * @param nodes - Triples (ino, from, at), as `NodesRestored` has them.
   */
  restore(nodes: readonly number[], seq: number): void {
    this.#pass(seq);
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
    this.#pass(seq);
    for (const tree of this.#trees) tree.share(at);
    this.#keep(seq);
  }

  #keep(seq: number): void {
    this.#segments.push({ seq, trees: snapshots(this.#trees), events: [] });
  }

  /** Event `seq` is about to happen: the moments in front of it are as it is now. */
  #pass(seq: number): void {
    const moments = this.#moments;
    if (moments === null || !(moments[this.#passed] < seq)) return;
    this.#keep(moments[this.#passed]);
    this.#skip(seq);
  }

  #skip(seq: number): void {
    if (this.#moments === null) return;
    while (this.#moments[this.#passed] < seq) this.#passed++;
  }
}

const snapshots = (trees: readonly StoredTree[]): StoredTree[] => trees.map((tree) => tree.snapshot());
