import { type Store, type SubjectId, type Transaction, lastSeq } from '../../index.ts';

/** What a transaction changed in the content of files, as patches; '' where nothing of it can be shown so. */
export function patchText(store: Store, transaction: Transaction): string {
  return patchesOf(store, transaction)
    .map(({ patch }) => patch)
    .join('');
}

/** The changes of a transaction, each with its patch. */
export function patchesOf(store: Store, transaction: Transaction) {
  const [before, after] = [transaction.seq - 1, lastSeq(transaction)];
  const subject = subjectOf(store, transaction.subject, [after, before]);
  if (subject === null) return [];
  const changes = store.diff(before, after, subject);
  const patches = store.past.patches(before, after, subject, changes);
  return changes.map((change, index) => ({ ...change, patch: patches[index] }));
}

/** By its id or name at one of the moments; null for the store itself. */
function subjectOf(store: Store, subject: SubjectId, moments: readonly number[]) {
  for (const moment of moments) {
    const { containers, volumes } = store.at(moment).world.registry;
    const container = containers.get(subject);
    if (container !== undefined) return { container: container.id };
    const volume = volumes.get(subject);
    if (volume !== undefined) return { volume: volume.name };
  }
  return null;
}
