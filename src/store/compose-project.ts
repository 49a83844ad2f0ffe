/**
 * A group of containers that docker compose made: those with its project label. `down` is Compose's
 * (docs.docker.com/reference/cli/docker/compose/down): containers go, volumes stay unless asked.
 */

import { removeImage, tagsOf } from '../engine/decide/image.ts';
import { removeContainer, stopContainer } from '../engine/decide/life-cycle.ts';
import { usersOf, volumesToRemove } from '../engine/decide/volume.ts';
import { STORE_SUBJECT, type SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { type ContainerRecord, normalizeReference, type VolumeRecord } from '../projections/registry.ts';
import type { LiveMoment } from './moment.ts';

/** The label by which Compose knows its containers. */
export const PROJECT_LABEL = 'com.docker.compose.project';
/** The one that says which of the project's services a container is. */
const SERVICE_LABEL = 'com.docker.compose.service';

export interface DownOptions {
  /**
   * Remove volumes too: anonymous ones, and named ones that are the project's own, which Compose names `PROJECT_NAME`. Others
   * are external to it and stay; so does one that a container outside of the project has.
   */
  readonly volumes?: boolean;
  /**
   * Remove the names of images by which the containers were made: `all` of them, or `local`, those that Compose gave to what it
   * built itself, `PROJECT-SERVICE`. With its last name an image goes.
   */
  readonly images?: 'local' | 'all';
}

/** What a `down` took away, each in the order in which it went. */
export interface DownResult {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  /** Names of images. */
  readonly images: readonly string[];
  /** Names that stay, because a container outside of the project uses the image. */
  readonly imagesInUse: readonly string[];
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
  const images = options.images === undefined ? NO_IMAGES : removeImages(live, project, containers, options.images);
  return { containers: containers.map(({ name }) => name), volumes: named, ...images };
}

const NO_IMAGES = { images: [], imagesInUse: [] };

/** A name that is gone already is nobody's any more, and no image is removed by its id: Compose knows names only. */
function removeImages(
  live: LiveMoment,
  project: string,
  containers: readonly ContainerRecord[],
  which: 'local' | 'all',
): Pick<DownResult, 'images' | 'imagesInUse'> {
  const images: string[] = [];
  const imagesInUse: string[] = [];
  for (const name of new Set(containers.flatMap((container) => namesOf(container, project, which)))) {
    const { registry } = live.world;
    const image = registry.images.get(registry.tags.get(name) ?? '');
    if (image === undefined) continue;
    const isUsed = [...registry.containers.values()].some((container) => container.image === image.image);
    if (isUsed && tagsOf(registry, image.image).length === 1) {
      imagesInUse.push(name);
      continue;
    }
    live.commit(STORE_SUBJECT, removeImage(registry, image, name, false));
    images.push(name);
  }
  return { images, imagesInUse };
}

/** The name that a container was made by, if it is one that goes. */
function namesOf({ reference, labels }: ContainerRecord, project: string, which: 'local' | 'all'): string[] {
  const name = normalizeReference(reference);
  if (which === 'all') return [name];
  const service = labels.find(([key]) => key === SERVICE_LABEL)?.[1] ?? '';
  const isBuilt = [`${project}-${service}:latest`, `${project}_${service}:latest`].includes(name);
  return isBuilt ? [name] : [];
}

function ownVolume(live: LiveMoment, project: string, volume: SubjectId): VolumeRecord[] {
  const record = live.world.registry.volumes.get(volume);
  if (record?.kind !== 'volume' || usersOf(live.world.registry, volume).length > 0) return [];
  return record.anonymous || record.name.startsWith(`${project}_`) ? [record] : [];
}
