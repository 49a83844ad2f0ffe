import { lastSeq, type StoreEvent, type SubjectId } from '../../events/event.ts';
import type { Store } from '../../store/store.ts';
import { changedSubjects, type RecordedState } from '../state-recorder.ts';

/**
 * Law 3: what is done in one container or volume changes no other one. A transaction changes the tree that it is about, and
 * those that its events name: a new container's, a volume that goes.
 *
 * @param states - As a StateRecorder noted them while the store was live.
 * @returns What does not hold, in sentences.
 */
export function isolationProblems(store: Store, states: readonly RecordedState[]): string[] {
  const problems: string[] = [];
  const bySeq = new Map(states.map((state) => [state.seq, state]));
  for (const transaction of store.engine.log.read()) {
    const before = bySeq.get(transaction.seq - 1);
    const after = bySeq.get(lastSeq(transaction));
    if (before === undefined || after === undefined) continue;
    const allowed = new Set([transaction.subject, ...transaction.events.flatMap(namedBy)]);
    const others = changedSubjects(before.roots, after.roots).filter((subject) => !allowed.has(subject));
    if (others.length === 0) continue;
    const text = transaction.cause.join(' ');
    problems.push(`${text} (${transaction.seq}) is about ${transaction.subject}, and changed ${others.join(', ')}`);
  }
  return problems;
}

/** Containers and volumes that an event speaks of by number. */
function namedBy(event: StoreEvent): SubjectId[] {
  const { container, volume } = event as { readonly container?: unknown; readonly volume?: unknown };
  return [container, volume].filter((each) => typeof each === 'number');
}
