/**
 * Finds names in the sorted lists of leaves, and remembers the last search: a call looks a name up and then changes the entry,
 * with the same string, and the next call is often about the next name (what was listed is taken file by file, what is
 * unpacked comes in order).
 *
 * The answer holds for the same list, of the same length, and the same name. Who changes a list without searching it calls
 * {@link forgetSearch}. There is one for the process, in variables: an object would cost a quarter of a search.
 */
let searchedNames: readonly string[] | null = null;
let searchedLength = 0;
let searchedName = '';
let searchedIndex = 0;

/** Index of the name, or the complement of where it would stand. */
export function search(names: readonly string[], name: string): number {
  const { length } = names;
  if (names === searchedNames) {
    if (length === searchedLength && name === searchedName) return searchedIndex;
    // The next one; or the one that has come to stand there, because the last one was removed.
    const next = length < searchedLength ? searchedIndex : searchedIndex + 1;
    if (next >= 0 && next < length && names[next] === name) {
      searchedLength = length;
      searchedName = name;
      return (searchedIndex = next);
    }
  } else searchedNames = names;
  searchedLength = length;
  searchedName = name;
  return (searchedIndex = bisect(names, name));
}

export function forgetSearch(): void {
  searchedNames = null;
}

/** As {@link search}, remembering nothing. */
function bisect(names: readonly string[], name: string): number {
  // One comparison a step, and whether it is the name only at the end: comparing strings is what a lookup costs.
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle] < name) low = middle + 1;
    else high = middle;
  }
  return low < names.length && names[low] === name ? low : ~low;
}

/** Of an inner node, the child that holds, or would hold, the name. @param names - The smallest name below each child. */
export function childSlot(names: readonly string[], name: string): number {
  const index = bisect(names, name);
  return index >= 0 ? index : Math.max(0, ~index - 1);
}
