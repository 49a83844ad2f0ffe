/** Whether two nodes are the same to a user, and in what they differ. Link counts, ctime and atime do not count. */

import type { ChunkReader } from '../events/chunk-store.ts';
import { kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { Content, readContent } from '../projections/tree/content.ts';
import { type Page, PAGE_BYTES } from '../projections/tree/page.ts';
import type { Inode, Xattrs } from '../projections/tree/inode.ts';
import { Owner } from '../projections/tree/trie.ts';
import type { ChangedAspect } from './tree-change.ts';

/** In what two nodes differ, in a fixed order. */
export function changedAspects(before: Inode, after: Inode, chunks: ChunkReader): ChangedAspect[] {
  if (before === after) return [];
  const aspects: ChangedAspect[] = [];
  const isSameKind = kindOf(before.mode) === kindOf(after.mode);
  if (!isSameKind || before.rdev !== after.rdev) aspects.push('type');
  if (isSameKind && !hasSameContent(before, after, chunks)) aspects.push('content');
  if ((before.mode & PERMISSION_BITS) !== (after.mode & PERMISSION_BITS)) aspects.push('mode');
  if (before.uid !== after.uid || before.gid !== after.gid) aspects.push('owner');
  if (before.mtimeNs !== after.mtimeNs) aspects.push('mtime');
  if (!areSameXattrs(before.xattrs, after.xattrs)) aspects.push('xattrs');
  return aspects;
}

/** Bytes that a node counts for: none for a directory. */
export const sizeOf = (inode: Inode): number => (inode.dir === null ? inode.size : 0);

const NO_CONTENT = new Content(new Owner());

/**
 * Whether two files hold the same bytes, or two symlinks the same target. Pages that both share are not looked at; others
 * are compared by the digests of their chunks, and by their bytes where they are cut in other places.
 */
function hasSameContent(before: Inode, after: Inode, chunks: ChunkReader): boolean {
  if (before.dir !== null) return true;
  if (before.size !== after.size || before.target !== after.target) return false;
  if (before.content === after.content) return true;
  const here = before.content ?? NO_CONTENT;
  const there = after.content ?? NO_CONTENT;
  let isSame = true;
  here.diff(there, (index, left, right) => {
    if (!isSame || areSameSlices(left, right, chunks)) return;
    const start = index * PAGE_BYTES;
    const length = Math.min(PAGE_BYTES, before.size - start);
    if (areOtherSlices(left, right, length, chunks)) {
      isSame = false;
      return;
    }
    if (length > 0) isSame = bytesOf(here, chunks, start, length).equals(bytesOf(there, chunks, start, length));
  });
  return isSame;
}

function areSameSlices(left: Page | null, right: Page | null, chunks: ChunkReader): boolean {
  const here = left?.slices ?? [];
  const there = right?.slices ?? [];
  if (here.length !== there.length) return false;
  for (let quad = 0; quad < here.length; quad += 4) {
    if (here[quad] !== there[quad] || here[quad + 1] !== there[quad + 1] || here[quad + 3] !== there[quad + 3]) {
      return false;
    }
    const [chunk, other] = [here[quad + 2], there[quad + 2]];
    if (chunk === other) continue;
    if (chunks.sum(chunk) !== chunks.sum(other)) return false;
    if (Buffer.compare(chunks.digest(chunk), chunks.digest(other)) !== 0) return false;
  }
  return true;
}

/** Whether pages that are cut in the same places differ in a piece that is a whole chunk of each, by their checksums. */
function areOtherSlices(left: Page | null, right: Page | null, length: number, chunks: ChunkReader): boolean {
  const here = left?.slices ?? [];
  const there = right?.slices ?? [];
  for (let quad = 0; quad < Math.min(here.length, there.length); quad += 4) {
    const [start, end, chunk, offset] = here.slice(quad, quad + 4);
    const [otherStart, otherEnd, other, otherOffset] = there.slice(quad, quad + 4);
    if (start !== otherStart || end !== otherEnd || offset !== 0 || otherOffset !== 0 || end > length) return false;
    const isWhole = chunks.byteLength(chunk) === end - start && chunks.byteLength(other) === end - start;
    if (isWhole && chunks.sum(chunk) !== chunks.sum(other)) return true;
  }
  return false;
}

function bytesOf(content: Content, chunks: ChunkReader, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  readContent(content, chunks, start, bytes, 0, length);
  return bytes;
}

function areSameXattrs(before: Xattrs, after: Xattrs): boolean {
  if (before === after) return true;
  if (before.length !== after.length) return false;
  return before.every(([name, value], index) => {
    const [otherName, otherValue] = after[index];
    return name === otherName && Buffer.compare(value, otherValue) === 0;
  });
}
