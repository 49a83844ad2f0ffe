import type { StoreEvent } from '../../events/event.ts';
import { rulesOf } from './rules.ts';

export interface FuzzSummary {
  readonly sequences: number;
  readonly operations: number;
  /** Operations by kind, the most frequent first. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Refusals by code, the most frequent first. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Rules of docs/semantics.md that something in the run was an instance of, and how often. */
  readonly rules: Readonly<Record<string, number>>;
}

/** What a run did. */
export class FuzzCounts {
  #sequences = 0;
  #operations = 0;
  readonly #kinds = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  readonly #rules = new Map<string, number>();

  /** @param refusal - The code; null when it was done. @param flags - Of a rename. */
  operation(kind: string, refusal: string | null, flags = 0): void {
    add(this.#kinds, kind);
    if (refusal !== null) add(this.#refusals, refusal);
    for (const rule of rulesOf({ kind, refusal, flags, events: [] })) add(this.#rules, rule);
  }

  /** What an operation wrote to the log. */
  events(kind: string, events: readonly StoreEvent[]): void {
    for (const rule of rulesOf({ kind, refusal: null, flags: 0, events })) add(this.#rules, rule);
  }

  endSequence(operations: number): void {
    this.#sequences++;
    this.#operations += operations;
  }

  summary(): FuzzSummary {
    return {
      sequences: this.#sequences,
      operations: this.#operations,
      kinds: sorted(this.#kinds),
      refusals: sorted(this.#refusals),
      rules: Object.fromEntries([...this.#rules].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const sorted = (counts: Map<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
