import type { Page } from './page.ts';
import type { Inode } from './inode.ts';

/**
 * Whether two files hold the same by where their content lies: the same stretches of the same chunks, and the same holes. Costs
 * what the two do not share. Equal bytes that were cut into chunks in another way are not found.
 */
export function hasSameContent(here: Inode, there: Inode): boolean {
  if (here.size !== there.size) return false;
  if (here.content === null || there.content === null) return isBlank(here) && isBlank(there);
  let isSame = true;
  here.content.diff(there.content, (_, left, right) => {
    isSame &&= hasSameSlices(left, right);
  });
  return isSame;
}

/** Nothing but zeros, wherever blocks were reserved. */
function isBlank({ content }: Inode): boolean {
  let isEmpty = true;
  content?.forEachPage((page) => {
    isEmpty = page.slices.length === 0;
    return isEmpty;
  });
  return isEmpty;
}

function hasSameSlices(left: Page | null, right: Page | null): boolean {
  const here = left?.slices ?? [];
  const there = right?.slices ?? [];
  return here.length === there.length && here.every((value, index) => value === there[index]);
}
