/**
 * A group of containers that docker compose made: those with its project label. `down` is Compose's
 * (docs.docker.com/reference/cli/docker/compose/down): containers go, volumes stay unless asked.
 */

import { removeContainer, stopContainer } from '../engine/decide/life-cycle.ts';
import { usersOf, volumesToRemove } from '../engine/decide/volume.ts';
import type { SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import type { ContainerRecord, VolumeRecord } from '../projections/registry.ts';
import type { LiveMoment } from './moment.ts';

/** The label by which Compose knows its containers. */
export const PROJECT_LABEL = 'com.docker.compose.project';

export interface DownOptions {
  /**
   * Remove volumes too: anonymous ones, and named ones that are the project's own, which Compose names `PROJECT_NAME`. Others
   * are external to it and stay; so does one that a container outside of the project has.
   */
  readonly volumes?: boolean;
}

/** What a `down` took away, each in the order in which it went. */
export interface DownResult {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
}

/** @throws `ERR_NOT_FOUND` when no container is of that project. */
export function projectOf(live: LiveMoment, project: string): ContainerRecord[] {
  const containers = [...live.world.registry.containers.values()].filter(({ labels }) =>
    labels.some(([key, value]) => key === PROJECT_LABEL && value === project),
  );
  if (containers.length === 0) {
    throw storeError('ERR_NOT_FOUND', `no container has the label ${PROJECT_LABEL}=${project}`, {
      detail: { project },
    });
  }
  return containers;
}

/** Stops and removes a project's containers, the last one made first: what depends on another one was made after it. */
export function takeDown(live: LiveMoment, project: string, options: DownOptions, timeNs: bigint): DownResult {
  const containers = projectOf(live, project).toSorted((a, b) => b.seq - a.seq);
  const before = live.world.registry.volumes;
  const mounted = new Set<SubjectId>();
  for (const { container, mounts } of containers) {
    for (const { volume } of mounts) mounted.add(volume);
    const record = (): ContainerRecord => live.world.registry.containers.get(container) as ContainerRecord;
    live.commit(container, stopContainer(record(), 0, timeNs));
    const volumes = volumesToRemove(live.world.registry, record(), false);
    live.commit(container, removeContainer(record(), { force: false, volumes }, timeNs));
  }
  const gone = options.volumes === true ? [...mounted].flatMap((volume) => ownVolume(live, project, volume)) : [];
  for (const { volume } of gone) live.commit(volume, [{ type: 'VolumeRemoved', volume }]);
  const named = gone.map(({ volume }) => (before.get(volume) as VolumeRecord).name);
  return { containers: containers.map(({ name }) => name), volumes: named };
}

function ownVolume(live: LiveMoment, project: string, volume: SubjectId): VolumeRecord[] {
  const record = live.world.registry.volumes.get(volume);
  if (record?.kind !== 'volume' || usersOf(live.world.registry, volume).length > 0) return [];
  return record.anonymous || record.name.startsWith(`${project}_`) ? [record] : [];
}
