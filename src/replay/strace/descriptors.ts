/** Open file descriptions and the tables of descriptors that point at them, as the kernel keeps them for each process. */

import type { OpenFile } from '../../engine/open-files.ts';
import { close } from '../../engine/calls/open.ts';
import type { Pipe } from './pipe.ts';

/** What open(2), pipe(2) or dup(2) made: shared by every descriptor that points at it. */
export class Description {
  /** A file or directory of the tree; null: anything else. */
  readonly file: OpenFile | null;
  readonly pipe: Pipe | null;
  /** Of a pidfd: the process. */
  readonly pid: number | null;
  /** Outside the tree: its path on the recorded machine, or what strace called it. */
  readonly path: string;
  /** It was open before the recording began: its offset is not known until a seek. */
  isOffsetUnknown = false;
  #references = 0;

  constructor(parts: { file?: OpenFile; pipe?: Pipe; pid?: number; path?: string }) {
    this.file = parts.file ?? null;
    this.pipe = parts.pipe ?? null;
    this.pid = parts.pid ?? null;
    this.path = parts.path ?? '';
  }

  hold(): this {
    this.#references++;
    return this;
  }

  /** With the last reference the file is closed, and goes when it has no name. */
  release(): void {
    if (--this.#references === 0 && this.file !== null) close(this.file);
  }
}

/** A descriptor: one place in one table. */
export interface Descriptor {
  readonly description: Description;
  closesOnExec: boolean;
}

/** Shared by threads (CLONE_FILES), copied by fork. */
export class DescriptorTable {
  users = 1;
  readonly #descriptors = new Map<number, Descriptor>();

  get(number: number): Descriptor | undefined {
    return this.#descriptors.get(number);
  }

  /** Puts a description there; what was there is closed. */
  set(number: number, description: Description, closesOnExec: boolean): void {
    description.hold();
    this.close(number);
    this.#descriptors.set(number, { description, closesOnExec });
  }

  close(number: number): void {
    const descriptor = this.#descriptors.get(number);
    if (descriptor === undefined) return;
    this.#descriptors.delete(number);
    descriptor.description.release();
  }

  closeRange(first: number, last: number): void {
    for (const number of this.#inRange(first, last)) this.close(number);
  }

  markRange(first: number, last: number): void {
    for (const number of this.#inRange(first, last)) {
      const descriptor = this.#descriptors.get(number);
      if (descriptor !== undefined) descriptor.closesOnExec = true;
    }
  }

  copy(): DescriptorTable {
    const copy = new DescriptorTable();
    for (const [number, { description, closesOnExec }] of this.#descriptors) {
      copy.set(number, description, closesOnExec);
    }
    return copy;
  }

  /** What execve(2) closes. */
  closeOnExec(): void {
    for (const [number, { closesOnExec }] of Array.from(this.#descriptors)) if (closesOnExec) this.close(number);
  }

  /** One user less; the last one closes everything. */
  leave(): void {
    if (--this.users === 0) this.closeRange(0, Number.POSITIVE_INFINITY);
  }

  #inRange(first: number, last: number): number[] {
    return Array.from(this.#descriptors.keys()).filter((number) => number >= first && number <= last);
  }
}
