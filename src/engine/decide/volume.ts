/** Named volumes: making and removing them (SEM-2.8). */

import type { SubjectId, VolumeEvent } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { ContainerRecord, Registry, VolumeRecord } from '../../projections/registry.ts';
import { findVolume } from '../../projections/registry.ts';
import { checkName } from './life-cycle-create.ts';

/** Makes a volume; when there is one of that name, that is it. */
export function createVolume(registry: Registry, name: string, timeNs: bigint): VolumeEvent[] {
  const plain = checkName(name, 'volume');
  if (findVolume(registry, plain) !== undefined) return [];
  return [volumeCreated(registry.nextSubject, { name: plain }, timeNs)];
}

/** The event of a new volume: 0755 of root unless said otherwise. */
export function volumeCreated(
  volume: SubjectId,
  about: Pick<VolumeRecord, 'name'> &
    Partial<Pick<VolumeRecord, 'kind' | 'anonymous'>> & { mode?: number; uid?: number; gid?: number },
  timeNs: bigint,
): VolumeEvent {
  const { name, kind = 'volume', anonymous = false, mode = 0o755, uid = 0, gid = 0 } = about;
  return { type: 'VolumeCreated', volume, kind, name, anonymous, mode, uid, gid, timeNs };
}

/** @throws `ERR_CONFLICT` when a container, in whatever state, has it mounted. */
export function removeVolume(registry: Registry, volume: VolumeRecord): VolumeEvent[] {
  const users = usersOf(registry, volume.volume);
  if (users.length > 0) {
    const ids = users.map((container) => container.id).join(', ');
    throw storeError('ERR_CONFLICT', `remove ${volume.name}: volume is in use - [${ids}]`, {
      detail: { volume: volume.name, containers: users.length },
    });
  }
  return [{ type: 'VolumeRemoved', volume: volume.volume }];
}

/** The containers that have a volume mounted. */
export function usersOf(registry: Registry, volume: SubjectId): ContainerRecord[] {
  return [...registry.containers.values()].filter(({ mounts }) => mounts.some((mount) => mount.volume === volume));
}

/**
 * The volumes that go when a container goes: its tmpfs and binds that nobody else has, and with `anonymous` its
 * anonymous volumes that nobody else has.
 */
export function volumesToRemove(registry: Registry, container: ContainerRecord, anonymous: boolean): VolumeEvent[] {
  const removed = new Set<SubjectId>();
  for (const { volume } of container.mounts) {
    const record = registry.volumes.get(volume);
    if (record === undefined || (record.kind === 'volume' && !(anonymous && record.anonymous))) continue;
    if (usersOf(registry, volume).every((user) => user.container === container.container)) removed.add(volume);
  }
  return [...removed].map((volume) => ({ type: 'VolumeRemoved', volume }));
}
