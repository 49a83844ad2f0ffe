/**
 * Finds names in sorted lists, and remembers the last search: a call looks a name up and then changes the entry, with the
 * same string, and the next call is often about the next name (what was listed is taken file by file, what is unpacked
 * comes in order).
 *
 * A remembered answer holds for the same list, of the same length, and the same name. Who changes a list without searching it
 * calls {@link LastSearch.forget}.
 */
export class LastSearch {
  #names: readonly string[] | null = null;
  #length = 0;
  #name = '';
  #index = 0;

  /** Index of the name, or the complement of where it would stand. */
  find(names: readonly string[], name: string): number {
    if (names !== this.#names) this.#index = bisect(names, name);
    else if (names.length !== this.#length || name !== this.#name) this.#index = findNear(names, name, this.#index);
    else return this.#index;
    this.#names = names;
    this.#length = names.length;
    this.#name = name;
    return this.#index;
  }

  forget(): void {
    this.#names = null;
  }
}

/** @param last - What the search before in this list has found, before it may have been changed. */
function findNear(names: readonly string[], name: string, last: number): number {
  const at = last >= 0 ? last : ~last;
  // The next one; or the one that has come to stand there, because the last one was removed.
  if (at + 1 < names.length && names[at + 1] === name) return at + 1;
  if (at < names.length && names[at] === name) return at;
  // Behind one that was added at the end.
  if (at + 1 >= names.length && names.length > 0 && names[names.length - 1] < name) return ~names.length;
  return bisect(names, name);
}

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
