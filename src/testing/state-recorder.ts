/** What a store looked like after each transaction, noted while it was live: what every replay has to give again. */

import type { SubjectId } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import type { Store } from '../store/store.ts';
import { canonicalText } from './canonical.ts';
import { computeRoots } from './roots.ts';

/** The state after event `seq`. */
export interface RecordedState {
  readonly seq: number;
  /** Computed Merkle root of each container's and volume's tree. */
  readonly roots: ReadonlyMap<SubjectId, string>;
  /** The registry as canonical text. */
  readonly registry: string;
}

export class StateRecorder {
  /** The state when recording began, then one for each transaction. */
  readonly states: RecordedState[] = [];
  readonly #stop: () => void;

  constructor(store: Store) {
    const note = (seq: number): void => {
      this.states.push({
        seq,
        roots: computeRoots(store.world, store.engine.log.chunks),
        registry: canonicalText(store.world.registry),
      });
    };
    note(store.seq);
    this.#stop = store.engine.onCommit((transaction) => note(lastSeq(transaction)));
  }

  /** The newest state at or before an event; undefined before recording began. */
  at(seq: number): RecordedState | undefined {
    return this.states.findLast((state) => state.seq <= seq);
  }

  stop(): void {
    this.#stop();
  }
}

/** How two states differ, in words; null when they do not. */
export function stateDifference(expected: RecordedState, actual: Omit<RecordedState, 'seq'>): string | null {
  if (expected.registry !== actual.registry) {
    return `the registry is ${excerpt(actual.registry, expected.registry)}, not ${excerpt(expected.registry, actual.registry)}`;
  }
  const changed = changedSubjects(expected.roots, actual.roots);
  return changed.length === 0 ? null : `other trees: ${changed.join(', ')}`;
}

/** Containers and volumes whose trees differ, or that only one side has. */
export function changedSubjects(
  before: ReadonlyMap<SubjectId, string>,
  after: ReadonlyMap<SubjectId, string>,
): SubjectId[] {
  const subjects = new Set([...before.keys(), ...after.keys()]);
  return [...subjects].filter((subject) => before.get(subject) !== after.get(subject));
}

/** A text from shortly before it differs from another. */
function excerpt(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  return `…${text.slice(Math.max(0, at - 60), at + 60)}…`;
}
