import type { Store, SubjectId } from '../../index.ts';

/** The name of the container or volume that a transaction is about; of one that is gone its last name; '' of the store. */
export type SubjectNames = (subject: SubjectId) => string;

/** Names as of the end of the log. Names of removed subjects are read from the log, once. */
export function namesAt(store: Store): SubjectNames {
  let past: Map<SubjectId, string> | null = null;
  return (subject) => {
    if (subject === 0) return '';
    const { containers, volumes } = store.world.registry;
    const live = containers.get(subject)?.name ?? volumes.get(subject)?.name;
    if (live !== undefined) return live;
    past ??= readNames(store);
    return past.get(subject) ?? `#${subject}`;
  };
}

function readNames(store: Store): Map<SubjectId, string> {
  const names = new Map<SubjectId, string>();
  for (const { events } of store.time.besidesFiles(0, store.seq)) {
    for (const event of events) {
      if (event.type === 'ContainerCreated' || event.type === 'ContainerForked' || event.type === 'ContainerRenamed') {
        names.set(event.container, event.name);
      } else if (event.type === 'VolumeCreated') names.set(event.volume, event.name);
    }
  }
  return names;
}
