/** Worlds kept as starting points for folding: a thinned series over the whole log, and the most recent answers. */

import type { World } from '../projections/world.ts';

export class Snapshots {
  /** By seq, ascending; the first is the empty world. */
  readonly #series: World[];
  /** By the moment asked for; insertion order is age. */
  readonly #recent = new Map<number, World>();
  readonly #every: number;
  readonly #max: number;
  readonly #recentMax: number;

  constructor(options: { empty: World; every: number; max: number; recentMax: number }) {
    this.#series = [options.empty];
    this.#every = Math.max(1, options.every);
    this.#max = Math.max(2, options.max);
    this.#recentMax = Math.max(1, options.recentMax);
  }

  get count(): number {
    return this.#series.length + this.#recent.size;
  }

  /**
   * Whether the newest snapshot is old enough for another one.
   *
   * @param head - Where folding goes. On the way there the gaps are as large as {@link Snapshots.keep} would make them in
   *   the end: in proportion to the square root of their age, so large that a tenth fewer than `max` of them reach from
   *   the start to the head.
   */
  isDue(seq: number, head: number): boolean {
    const gap = seq - this.#series[this.#series.length - 1].seq;
    return gap >= this.#every && gap * this.#max >= 2.2 * Math.sqrt((head - seq) * head);
  }

  /** Adds a snapshot that is newer than all others to the series, and thins it. */
  keep(world: World): void {
    this.#series.push(world);
    if (this.#series.length > this.#max) this.#thin();
  }

  /** Notes an answer. */
  remember(seq: number, world: World): void {
    this.#recent.delete(seq);
    this.#recent.set(seq, world);
    if (this.#recent.size <= this.#recentMax) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      return;
    }
  }

  /** The world after exactly that event, where it is at hand. */
  at(seq: number): World | undefined {
    const recent = this.#recent.get(seq);
    if (recent !== undefined) {
      this.remember(seq, recent);
      return recent;
    }
    const nearest = this.#series[this.#indexAtOrBefore(seq)];
    return nearest.seq === seq ? nearest : undefined;
  }

  /** The newest world at or before a moment. */
  nearest(seq: number): World {
    let nearest = this.#series[this.#indexAtOrBefore(seq)];
    for (const world of this.#recent.values()) if (world.seq <= seq && world.seq > nearest.seq) nearest = world;
    return nearest;
  }

  #indexAtOrBefore(seq: number): number {
    let low = 0;
    let high = this.#series.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#series[middle].seq <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * Drops the one that is missed least: the gap it leaves, measured against the square root of its age. Uniform gaps would
   * make recent moments as dear as old ones; gaps in proportion to age would make a fold over old ones cost a tenth of the
   * log. The first and the newest stay.
   */
  #thin(): void {
    const series = this.#series;
    const newest = series[series.length - 1].seq;
    let least = Infinity;
    let drop = 1;
    for (let index = 1; index < series.length - 1; index++) {
      const gap = series[index + 1].seq - series[index - 1].seq;
      const cost = gap / Math.sqrt(newest - series[index].seq);
      if (cost < least) {
        least = cost;
        drop = index;
      }
    }
    series.splice(drop, 1);
  }
}
