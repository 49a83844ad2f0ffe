/**
 * A page of a file: slices, each a stretch of the page that a stretch of a chunk fills, and two bits for each of its blocks:
 * is it allocated, and was it written. Bytes that no slice covers are zeros.
 */

import type { ChunkReader } from '../../events/chunk-store.ts';

export const BLOCK_BYTES = 4096;
export const PAGE_BYTES = 16_384;
const BLOCKS_PER_PAGE = PAGE_BYTES / BLOCK_BYTES;
export const WRITTEN_SHIFT = BLOCKS_PER_PAGE;
export const ALLOCATED_MASK = (1 << BLOCKS_PER_PAGE) - 1;

/** Never changed once made. */
export class Page {
  /** Quadruples: start and end in the page, chunk, offset in the chunk; sorted, without overlap. */
  readonly slices: readonly number[];
  /** Low bits: block is allocated. High bits: block was written. */
  readonly blocks: number;

  constructor(slices: readonly number[], blocks: number) {
    this.slices = slices;
    this.blocks = blocks;
  }
}

export const NO_SLICES: readonly number[] = [];
const popcount4 = (bits: number): number => (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + ((bits >> 3) & 1);
export const allocatedBytesOf = (page: Page | null): number =>
  page === null ? 0 : popcount4(page.blocks & ALLOCATED_MASK) * BLOCK_BYTES;

export function readPage(
  page: Page,
  chunks: ChunkReader,
  from: number,
  to: number,
  target: Uint8Array,
  out: number,
): void {
  const { slices } = page;
  let at = from;
  for (let quad = 0; quad < slices.length && at < to; quad += 4) {
    const start = slices[quad];
    const end = slices[quad + 1];
    if (end <= at) continue;
    if (start >= to) break;
    if (start > at) {
      target.fill(0, out + (at - from), out + (start - from));
      at = start;
    }
    const stop = Math.min(end, to);
    const chunkOffset = slices[quad + 3] + (at - start);
    const bytes = chunks.get(slices[quad + 2]);
    target.set(
      chunkOffset === 0 && stop - at === bytes.length ? bytes : bytes.subarray(chunkOffset, chunkOffset + (stop - at)),
      out + (at - from),
    );
    at = stop;
  }
  if (at < to) target.fill(0, out + (at - from), out + (to - from));
}

export function isSamePage(left: Page | null | undefined, right: Page | null | undefined): boolean {
  if (!left || !right || left.blocks !== right.blocks) return false;
  return left.slices.length === right.slices.length && left.slices.every((value, at) => value === right.slices[at]);
}

/** The page of a file that is one chunk's start. */
export function pageOfChunk(chunk: number, length: number): Page {
  const bits = blockBits(0, length);
  return new Page([0, length, chunk, 0], bits | (bits << WRITTEN_SHIFT));
}

/** Bits of the blocks that a stretch of a page touches. */
export function blockBits(from: number, to: number): number {
  const first = from >> 12;
  const last = (to - 1) >> 12;
  return ((1 << (last + 1)) - 1) & ~((1 << first) - 1);
}

/** Bits of the blocks that lie wholly in a stretch of a page. */
export function wholeBlockBits(from: number, to: number): number {
  const first = (from + BLOCK_BYTES - 1) >> 12;
  const end = to >> 12;
  return end <= first ? 0 : ((1 << end) - 1) & ~((1 << first) - 1);
}

/** The slices with `[from, to)` filled from a chunk. */
export function overlay(
  slices: readonly number[],
  from: number,
  to: number,
  chunk: number,
  chunkOffset: number,
): number[] {
  if (slices.length === 0) return [from, to, chunk, chunkOffset];
  const result: number[] = [];
  let placed = false;
  for (let quad = 0; quad < slices.length; quad += 4) {
    const start = slices[quad];
    const end = slices[quad + 1];
    if (start < from) pushSlice(result, start, Math.min(end, from), slices[quad + 2], slices[quad + 3]);
    if (!placed && end > from) {
      pushSlice(result, from, to, chunk, chunkOffset);
      placed = true;
    }
    if (end > to) {
      const rest = Math.max(start, to);
      pushSlice(result, rest, end, slices[quad + 2], slices[quad + 3] + (rest - start));
    }
  }
  if (!placed) pushSlice(result, from, to, chunk, chunkOffset);
  return result;
}

/** The slices without `[from, to)`. */
export function cut(slices: readonly number[], from: number, to: number): number[] {
  const result: number[] = [];
  for (let quad = 0; quad < slices.length; quad += 4) {
    const start = slices[quad];
    const end = slices[quad + 1];
    if (start < from) pushSlice(result, start, Math.min(end, from), slices[quad + 2], slices[quad + 3]);
    if (end > to) {
      const rest = Math.max(start, to);
      pushSlice(result, rest, end, slices[quad + 2], slices[quad + 3] + (rest - start));
    }
  }
  return result;
}

/** Adds a slice, joined to the one before where both go on in the same chunk. */
function pushSlice(slices: number[], start: number, end: number, chunk: number, chunkOffset: number): void {
  const last = slices.length - 4;
  if (
    last >= 0 &&
    slices[last + 1] === start &&
    slices[last + 2] === chunk &&
    slices[last + 3] + (start - slices[last]) === chunkOffset
  ) {
    slices[last + 1] = end;
    return;
  }
  slices.push(start, end, chunk, chunkOffset);
}
