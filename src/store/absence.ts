/** What is said of a moment at which a container was not there yet. */

import type { ContainerRecord } from '../projections/registry.ts';
import type { Moments } from './moment.ts';

/** A sentence; of a fork it names the container that it comes from, where that was there, and how to fork it again. */
export function absenceAt(time: Moments, container: ContainerRecord, seq: number): string {
  const absent = `container "${container.name}" was not there yet after event ${seq}`;
  const source = sourceAt(time, container, seq);
  if (source === null) return absent;
  return `${absent}: it was forked later, from "${source}"; fork ${source} --at ${seq} makes one as that was then`;
}

/** The name at a moment of the container whose fork, or fork's fork, this is; null where that was not there either. */
function sourceAt(time: Moments, container: ContainerRecord, seq: number): string | null {
  const { containers } = time.worldAt(seq).registry;
  for (let fork = container.forkedFrom; fork !== null && seq <= fork.at;) {
    const source = containers.get(fork.container);
    if (source !== undefined) return source.name;
    fork = time.worldAt(fork.at).registry.containers.get(fork.container)?.forkedFrom ?? null;
  }
  return null;
}
