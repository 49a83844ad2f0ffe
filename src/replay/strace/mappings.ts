/**
 * Shared mappings of a process that may not be written to yet: mprotect(2) may allow it later, and what is written
 * through a mapping passes through no call.
 *
 * Only mappings of files that are open for writing are kept: the kernel refuses to make others writable.
 */

import type { OpenFile } from '../../engine/open-files.ts';

interface Mapping {
  /** Addresses `[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly file: OpenFile;
}

export class Mappings {
  #mappings: readonly Mapping[];

  constructor(mappings: readonly Mapping[] = []) {
    this.#mappings = mappings;
  }

  /** What fork(2) gives the child. */
  copy(): Mappings {
    return new Mappings(this.#mappings);
  }

  add(start: number, length: number, file: OpenFile): void {
    this.remove(start, length);
    this.#mappings = [...this.#mappings, { start, end: start + length, file }];
  }

  /** munmap(2), or another mapping in its place. */
  remove(start: number, length: number): void {
    const to = start + length;
    if (!this.#mappings.some((mapping) => overlaps(mapping, start, to))) return;
    this.#mappings = this.#mappings.flatMap((mapping) => {
      if (!overlaps(mapping, start, to)) return [mapping];
      const parts = [
        { ...mapping, end: Math.min(mapping.end, start) },
        { ...mapping, start: Math.max(mapping.start, to) },
      ];
      return parts.filter((part) => part.start < part.end);
    });
  }

  /** mremap(2). */
  move(from: number, length: number, to: number, newLength: number): void {
    const moved = this.#mappings.find((mapping) => overlaps(mapping, from, from + Math.max(1, length)));
    this.remove(from, length);
    if (moved !== undefined) this.add(to, newLength, moved.file);
  }

  /** Files that are mapped somewhere in a range. */
  in(start: number, length: number): OpenFile[] {
    return this.#mappings.filter((mapping) => overlaps(mapping, start, start + length)).map(({ file }) => file);
  }
}

const overlaps = (mapping: Mapping, start: number, end: number): boolean => mapping.start < end && start < mapping.end;
