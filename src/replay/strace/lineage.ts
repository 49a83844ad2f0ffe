/**
 * Finds out whose child a process is.
 *
 * A child's first line may come before the line in which its parent's clone returns. With one clone under way it is that
 * one's child. With several the log is held back until one of them has returned and told.
 */

import { CLONE_CALLS } from './call-table.ts';
import type { StraceRecord } from './record.ts';

/** Records held back at most; a vfork returns when its child has done its execve, which is soon. */
const HELD_MAX = 100_000;

export class Lineage {
  /** Parents of processes that have not been seen yet. */
  readonly #parents = new Map<number, number>();
  readonly #cloning = new Set<number>();
  readonly #held: StraceRecord[] = [];
  readonly #apply: (record: StraceRecord, parent: number | null) => void;
  readonly #isKnown: (pid: number) => boolean;

  /** @param apply - Takes the records in order; `parent` where the pid is new. */
  constructor(isKnown: (pid: number) => boolean, apply: (record: StraceRecord, parent: number | null) => void) {
    this.#isKnown = isKnown;
    this.#apply = apply;
  }

  add(record: StraceRecord): void {
    if (this.#held.length === 0 && this.#pass(record, false)) return;
    this.#held.push(record);
    if (record.kind === 'call' && CLONE_CALLS.has(record.name) && record.result.value > 0) {
      this.#parents.set(record.result.value, record.pid);
      this.#drain(false);
    } else if (this.#held.length > HELD_MAX) this.#drain(true);
  }

  end(): void {
    this.#drain(true);
  }

  #drain(force: boolean): void {
    let done = 0;
    while (done < this.#held.length && this.#pass(this.#held[done], force)) done++;
    this.#held.splice(0, done);
  }

  #pass(record: StraceRecord, force: boolean): boolean {
    const { pid } = record;
    let parent: number | null = null;
    if (!this.#isKnown(pid)) {
      const told = this.#parents.get(pid);
      const candidates = Array.from(this.#cloning);
      if (told === undefined && candidates.length > 1 && !force) return false;
      parent = told ?? candidates.at(0) ?? null;
      this.#parents.delete(pid);
      if (parent !== null) this.#cloning.delete(parent);
    }
    if (CLONE_CALLS.has(record.name)) {
      if (record.kind === 'started') this.#cloning.add(pid);
      else if (record.kind === 'call') {
        this.#cloning.delete(pid);
        this.#parents.delete(record.result.value);
      }
    } else if (record.kind === 'exit') this.#cloning.delete(pid);
    this.#apply(record, parent);
    return true;
  }
}
