/** Searching in ascending numbers. */

/** Index of the first element that is not less than `value`. */
export function lowerBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first element that is greater than `value`. */
export const upperBound = (sorted: ArrayLike<number>, value: number): number => lowerBound(sorted, value + 1);
