/** Sorts effects by the node that they are about, in pieces of work, for whoever must not block. */

/** Effects that are sorted at once; the rest is merging. */
const RUN = 8192;

/** More effects than that have no place beside a node's number (32 bits) in a double. */
export const EFFECTS_MAX = 2 ** 21;

/**
 * The effects' places in the order of their nodes; those of one node stay in their order.
 *
 * @param inos - The node of each effect; at most {@link EFFECTS_MAX}.
 */
export function* sortByNode(inos: readonly number[]): Generator<void, Uint32Array> {
  let runs: Float64Array[] = [];
  for (let start = 0; start < inos.length; start += RUN) {
    const run = new Float64Array(Math.min(RUN, inos.length - start));
    for (let at = 0; at < run.length; at++) run[at] = inos[start + at] * EFFECTS_MAX + start + at;
    runs.push(run.sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: Float64Array[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(at + 1 < runs.length ? yield* merge(runs[at], runs[at + 1]) : runs[at]);
    }
    runs = merged;
  }
  const [sorted = new Float64Array(0)] = runs;
  const order = new Uint32Array(sorted.length);
  for (let at = 0; at < sorted.length; at++) {
    order[at] = sorted[at] % EFFECTS_MAX;
    if (at % RUN === 0) yield;
  }
  return order;
}

function* merge(left: Float64Array, right: Float64Array): Generator<void, Float64Array> {
  const merged = new Float64Array(left.length + right.length);
  let here = 0;
  let there = 0;
  for (let at = 0; at < merged.length; at++) {
    const takeLeft = there >= right.length || (here < left.length && left[here] <= right[there]);
    merged[at] = takeLeft ? left[here++] : right[there++];
    if (at % RUN === 0) yield;
  }
  return merged;
}
