/** Changes of lists of which a directory has thousands. */

/** As splice, which makes an array of what it takes out. */
export function insertAt<T>(list: T[], index: number, value: T): void {
  list.push(value);
  for (let at = list.length - 1; at > index; at--) list[at] = list[at - 1];
  list[index] = value;
}

export function removeAt(list: unknown[], index: number): void {
  const last = list.length - 1;
  for (let at = index; at < last; at++) list[at] = list[at + 1];
  list.pop();
}

/** Parts of a list, in order, of so many elements each; the last one may have fewer. */
export function inGroups<T>(list: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < list.length; at += size) groups.push(list.slice(at, at + size));
  return groups;
}
