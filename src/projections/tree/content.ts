/**
 * A file's content: a persistent map of 16 KiB pages onto chunks.
 *
 * A page holds slices (a stretch of the page that a stretch of a chunk fills) and two bits for each of its four 4 KiB
 * blocks: is it allocated, and was it written (an allocated block that was not written is a reservation of fallocate,
 * reads as zeros and counts as a hole for SEEK_DATA). Bytes of a page that no slice covers are zeros; a page that does
 * not exist is a hole.
 *
 * Pages, not extents: reads and forks stay flat however many small writes came before. A copy-up shares all pages, a
 * small write into a file of many GiB touches one page. A file of up to one page, which most files are, needs no trie; one
 * that was written in one piece, as most are, needs not even a page: the number of its chunk and a length say it all.
 */

import type { ChunkReader } from '../../events/chunk-store.ts';
import {
  BLOCK_BYTES,
  PAGE_BYTES,
  Page,
  WRITTEN_SHIFT,
  ALLOCATED_MASK,
  NO_SLICES,
  allocatedBytesOf,
  readPage,
  isSamePage,
  pageOfChunk,
  blockBits,
  wholeBlockBits,
  overlay,
  cut,
} from './page.ts';
import { Owner, Trie } from './trie.ts';

/** How much copy-up moves at a time (fs/overlayfs/copy_up.c OVL_COPY_UP_CHUNK_SIZE). */
const COPY_UP_BYTES = 1 << 20;

/** Largest file: 16 TiB less one block, as ext4 with 4 KiB blocks. */
export const FILE_BYTES_MAX = 2 ** 44 - BLOCK_BYTES;

/** A content in parts, for whoever stores it: one page, or a trie of them. */
export interface ContentParts {
  readonly single: Page | null;
  readonly pages: Trie<Page> | null;
  readonly allocatedBytes: number;
  readonly hasReservations: boolean;
}

export class Content {
  #owner: Owner;
  /** The chunk whose first `#length` bytes are all that was ever written, from offset 0 on; 0: there are pages, or nothing. */
  #chunk = 0;
  #length = 0;
  /** Page 0, unless there is a trie. */
  #single: Page | null = null;
  #pages: Trie<Page> | null = null;
  /** Bytes of allocated blocks: st_blocks × 512. */
  allocatedBytes = 0;
  /** Some block may be a reservation. */
  #hasReservations = false;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  static of(owner: Owner, parts: ContentParts): Content {
    const content = new Content(owner);
    content.#single = parts.single;
    content.#pages = parts.pages;
    content.allocatedBytes = parts.allocatedBytes;
    content.#hasReservations = parts.hasReservations;
    return content;
  }

  /** What {@link Content.of} makes it of again. The trie is not to be changed. */
  get parts(): ContentParts {
    const { allocatedBytes } = this;
    const single = this.#pages === null ? this.page(0) : null;
    return { single, pages: this.#pages, allocatedBytes, hasReservations: this.#hasReservations };
  }

  /** This content if it is the owner's, else a copy that shares all pages. */
  own(owner: Owner): Content {
    if (this.#owner === owner) return this;
    const copy = new Content(owner);
    copy.#chunk = this.#chunk;
    copy.#length = this.#length;
    copy.#single = this.#single;
    copy.#pages = this.#pages?.share() ?? null;
    copy.allocatedBytes = this.allocatedBytes;
    copy.#hasReservations = this.#hasReservations;
    return copy;
  }

  page(index: number): Page | null {
    if (this.#pages) return this.#pages.get(index) ?? null;
    if (index !== 0) return null;
    return this.#chunk === 0 ? this.#single : pageOfChunk(this.#chunk, this.#length);
  }

  /** The chunk whose start is the file up to `end`, at least; 0: it is not as simple as that. */
  chunkUpTo(end: number): number {
    return end <= this.#length ? this.#chunk : 0;
  }

  /** Visits the pages that exist, from index `first` on. */
  forEachPage(visit: (page: Page, index: number) => boolean | void, first = 0): void {
    if (this.#pages) this.#pages.forEach(visit, first);
    else if (first === 0) {
      const page = this.page(0);
      if (page !== null) visit(page, 0);
    }
  }

  /** Visits the pages that do not say the same in both; null: no page. Costs what differs. */
  diff(other: Content, visit: (index: number, here: Page | null, there: Page | null) => void): void {
    if (this.#pages === null && other.#pages === null) {
      if (this.#chunk === other.#chunk && this.#length === other.#length && this.#single === other.#single) return;
      const left = this.page(0);
      const right = other.page(0);
      if (!isSamePage(left, right)) visit(0, left, right);
      return;
    }
    const here = this.#pages ?? trieOf(this.page(0));
    const there = other.#pages ?? trieOf(other.page(0));
    here.diff(there, (index, left, right) => {
      if (!isSamePage(left, right)) visit(index, left ?? null, right ?? null);
    });
  }

  /** Lays a stretch of a chunk over `[offset, offset + length)`. Only for an owner's content. */
  write(offset: number, length: number, chunk: number, chunkOffset: number): void {
    const isEmpty = this.allocatedBytes === 0 && this.#pages === null;
    if (isEmpty && offset === 0 && chunkOffset === 0 && length <= PAGE_BYTES) {
      this.#chunk = chunk;
      this.#length = length;
      this.allocatedBytes = Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
      return;
    }
    let at = offset;
    const end = offset + length;
    while (at < end) {
      const index = Math.floor(at / PAGE_BYTES);
      const pageStart = index * PAGE_BYTES;
      const from = at - pageStart;
      const to = Math.min(end - pageStart, PAGE_BYTES);
      const before = this.page(index);
      const slices = overlay(before?.slices ?? NO_SLICES, from, to, chunk, chunkOffset + (at - offset));
      const bits = blockBits(from, to);
      this.#replace(index, before, new Page(slices, (before?.blocks ?? 0) | bits | (bits << WRITTEN_SHIFT)));
      at = pageStart + to;
    }
  }

  /** Reserves the blocks that `[offset, offset + length)` touches; what they hold stays. */
  allocate(offset: number, length: number): void {
    this.#hasReservations = true;
    forEachPart(offset, length, (index, from, to) => {
      const before = this.page(index);
      const blocks = (before?.blocks ?? 0) | blockBits(from, to);
      if (blocks !== before?.blocks) this.#replace(index, before, new Page(before?.slices ?? NO_SLICES, blocks));
    });
  }

  /** Makes `[offset, offset + length)` read as zeros. Whole blocks in it are freed, or with `keep` turned to reservations. */
  clear(offset: number, length: number, keep: boolean): void {
    if (keep) this.#hasReservations = true;
    forEachPart(offset, length, (index, from, to) => {
      const before = this.page(index);
      if (before === null) return;
      const whole = wholeBlockBits(from, to);
      let blocks = before.blocks & ~(whole << WRITTEN_SHIFT);
      if (!keep) blocks &= ~whole;
      const slices = cut(before.slices, from, to);
      this.#replace(index, before, blocks & ALLOCATED_MASK ? new Page(slices, blocks) : null);
    });
  }

  /** Drops everything from `size` on. */
  truncate(size: number): void {
    if (size === 0) {
      this.#chunk = 0;
      this.#length = 0;
      this.#single = null;
      this.#pages = null;
      this.allocatedBytes = 0;
      return;
    }
    const index = Math.floor(size / PAGE_BYTES);
    const within = size - index * PAGE_BYTES;
    const firstWhole = within === 0 ? index : index + 1;
    if (this.#pages) {
      this.#pages.deleteFrom(firstWhole, this.#owner, (page) => {
        this.allocatedBytes -= allocatedBytesOf(page);
      });
    }
    if (within === 0) return;
    const page = this.page(index);
    if (page === null) return;
    const keptBlocks = (1 << Math.ceil(within / BLOCK_BYTES)) - 1;
    const blocks = page.blocks & (keptBlocks | (keptBlocks << WRITTEN_SHIFT));
    this.#replace(index, page, blocks & ALLOCATED_MASK ? new Page(cut(page.slices, within, PAGE_BYTES), blocks) : null);
  }

  /**
   * What copy-up makes of it. A file without holes and reservations keeps all that it has, in no time. From others the
   * kernel takes stretches of {@link COPY_UP_BYTES}, each from the next data on, and writes the holes in them out
   * (ovl_copy_up_file); longer holes stay holes, reservations are lost (M7).
   */
  copied(owner: Owner, size: number): Content {
    if (!this.#hasReservations && this.allocatedBytes === Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES) return this;
    const copy = new Content(owner);
    const stretches = this.copyUpStretches(size);
    for (const [from, to] of stretches) {
      forEachPart(from, to - from, (index, start, end) => {
        const page = this.page(index);
        const bits = blockBits(start, end);
        const before = copy.page(index);
        const blocks = (before?.blocks ?? 0) | bits | (bits << WRITTEN_SHIFT);
        copy.#replace(index, before, new Page(page?.slices ?? NO_SLICES, blocks));
      });
    }
    return copy;
  }

  /** The stretches of a file that copy-up reads and writes: pairs of start and end. */
  copyUpStretches(size: number): [from: number, to: number][] {
    const stretches: [number, number][] = [];
    let at = 0;
    while (at < size) {
      const data = this.seek(at, size, true);
      if (data < 0) break;
      const end = Math.min(size, data + COPY_UP_BYTES);
      const last = stretches.at(-1);
      if (last !== undefined && last[1] === data) last[1] = end;
      else stretches.push([data, end]);
      at = end;
    }
    return stretches;
  }

  /** Bytes that copy-up reads and writes. */
  copyUpBytes(size: number): number {
    if (!this.#hasReservations && this.allocatedBytes === Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES) return size;
    let bytes = 0;
    for (const [from, to] of this.copyUpStretches(size)) bytes += to - from;
    return bytes;
  }

  /**
   * First offset from `offset` on that lies in data (`wantData`) or in a hole, at the grain of blocks; -1: none below
   * `size`. The end of the file is a hole (lseek(2)).
   */
  seek(offset: number, size: number, wantData: boolean): number {
    let at = offset;
    while (at < size) {
      const index = Math.floor(at / PAGE_BYTES);
      const page = this.page(index);
      if (page === null && wantData) {
        const next = this.#nextPage(index);
        if (next < 0) return -1;
        at = Math.max(at, next * PAGE_BYTES);
        if (at >= size) return -1;
        continue;
      }
      const block = Math.floor((at - index * PAGE_BYTES) / BLOCK_BYTES);
      const isData = page !== null && ((page.blocks >> (WRITTEN_SHIFT + block)) & 1) === 1;
      if (isData === wantData) return at;
      at = index * PAGE_BYTES + (block + 1) * BLOCK_BYTES;
    }
    return wantData ? -1 : size;
  }

  #nextPage(after: number): number {
    let found = -1;
    this.forEachPage((_, index) => {
      found = index;
      return false;
    }, after);
    return found >= after ? found : -1;
  }

  #replace(index: number, before: Page | null, after: Page | null): void {
    this.allocatedBytes += allocatedBytesOf(after) - allocatedBytesOf(before);
    if (this.#chunk !== 0) {
      this.#single = pageOfChunk(this.#chunk, this.#length);
      this.#chunk = 0;
      this.#length = 0;
    }
    if (this.#pages === null) {
      if (index === 0) {
        this.#single = after;
        return;
      }
      this.#pages = new Trie<Page>();
      if (this.#single) this.#pages.set(0, this.#single, this.#owner);
      this.#single = null;
    }
    if (after === null) this.#pages.delete(index, this.#owner);
    else this.#pages.set(index, after, this.#owner);
  }
}

/**
 * Copies content into a buffer.
 *
 * @param content - null stands for a file without data.
 * @param length - The caller has cut it at the end of the file.
 */
export function readContent(
  content: Content | null,
  chunks: ChunkReader,
  position: number,
  target: Uint8Array,
  targetOffset: number,
  length: number,
): void {
  let at = position;
  let out = targetOffset;
  const end = position + length;
  const chunk = content === null ? 0 : content.chunkUpTo(end);
  if (chunk !== 0) {
    const bytes = chunks.get(chunk);
    target.set(position === 0 && length === bytes.length ? bytes : bytes.subarray(position, end), targetOffset);
    return;
  }
  while (at < end) {
    const index = Math.floor(at / PAGE_BYTES);
    const pageStart = index * PAGE_BYTES;
    const from = at - pageStart;
    const to = Math.min(end - pageStart, PAGE_BYTES);
    const page = content === null ? null : content.page(index);
    if (page === null) target.fill(0, out, out + (to - from));
    else readPage(page, chunks, from, to, target, out);
    out += to - from;
    at = pageStart + to;
  }
}

function trieOf(page: Page | null): Trie<Page> {
  const pages = new Trie<Page>();
  if (page) pages.set(0, page, new Owner());
  return pages;
}

function forEachPart(offset: number, length: number, visit: (index: number, from: number, to: number) => void): void {
  let at = offset;
  const end = offset + length;
  while (at < end) {
    const index = Math.floor(at / PAGE_BYTES);
    const pageStart = index * PAGE_BYTES;
    const to = Math.min(end - pageStart, PAGE_BYTES);
    visit(index, at - pageStart, to);
    at = pageStart + to;
  }
}
