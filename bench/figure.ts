/** What a row of the table says, and how samples of several rounds become one figure. */

/** Figures of several rounds, in the row's unit. */
export interface Sample {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One line of the table: one thing that was measured, against one peer where there is one. */
export interface Figure {
  readonly row: string;
  /** Which overlog: `file store`, `memory store`, or what else is particular about it. */
  readonly subject: string;
  readonly unit: string;
  readonly sample: Sample;
  readonly against?: { readonly name: string; /** null: it is not installed. */ readonly sample: Sample | null };
  /** How the two compare, so that `reach` can be said of it; left out: the figure itself is judged. */
  readonly ratio?: number;
  /** What is aimed at: `≥ 2` times the peer's speed, `≤ 1.2` times the cost. */
  readonly reach?: Reach;
}

export interface Reach {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function sampleOf(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0], max: sorted[sorted.length - 1] };
}

/** @param sorted - Ascending, not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}

/** Whether a figure is where it should be; undefined where nothing is aimed at. */
export function isReached(figure: Figure): boolean | undefined {
  const { reach } = figure;
  if (reach === undefined) return undefined;
  const judged = figure.ratio ?? figure.sample.median;
  return judged >= (reach.atLeast ?? -Infinity) && judged <= (reach.atMost ?? Infinity);
}
