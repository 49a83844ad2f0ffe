/** Sorts which rows touched which nodes, in pieces of work, for whoever must not block. */

/** Touches that are sorted at once; the rest is merging. */
const RUN = 8192;
const ROW_SPAN = 2 ** 20;

/** Nodes with the rows that touched them, by node, then by row, each pair once. */
export function* sortTouches(
  inos: number[],
  rows: number[],
): Generator<void, { inos: Uint32Array; rows: Uint32Array }> {
  if (rows.length > 0 && rows[rows.length - 1] >= ROW_SPAN) throw new Error('stretch: too many transactions');
  let runs: Float64Array[] = [];
  for (let start = 0; start < inos.length; start += RUN) {
    const run = new Float64Array(Math.min(RUN, inos.length - start));
    for (let at = 0; at < run.length; at++) run[at] = inos[start + at] * ROW_SPAN + rows[start + at];
    runs.push(run.sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: Float64Array[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(at + 1 < runs.length ? merge(runs[at], runs[at + 1]) : runs[at]);
      yield;
    }
    runs = merged;
  }
  return withoutTwice(runs[0] ?? new Float64Array(0));
}

function merge(left: Float64Array, right: Float64Array): Float64Array {
  const merged = new Float64Array(left.length + right.length);
  let here = 0;
  let there = 0;
  for (let at = 0; at < merged.length; at++) {
    const takeLeft = there >= right.length || (here < left.length && left[here] <= right[there]);
    merged[at] = takeLeft ? left[here++] : right[there++];
  }
  return merged;
}

function withoutTwice(sorted: Float64Array): { inos: Uint32Array; rows: Uint32Array } {
  const inos = new Uint32Array(sorted.length);
  const rows = new Uint32Array(sorted.length);
  let length = 0;
  for (let at = 0; at < sorted.length; at++) {
    if (at > 0 && sorted[at] === sorted[at - 1]) continue;
    inos[length] = Math.floor(sorted[at] / ROW_SPAN);
    rows[length++] = sorted[at] % ROW_SPAN;
  }
  return { inos: inos.slice(0, length), rows: rows.slice(0, length) };
}
