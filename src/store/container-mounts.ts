/** A container's mounts, from its creation to its next start. */

import { mkdirSync, statSync } from 'node:fs';
import type { BindMirror } from '../engine/bind-mirror.ts';
import { scanHost } from '../engine/bind-mirror-scan.ts';
import { rootCaller } from '../engine/caller.ts';
import { checkName, containerId } from '../engine/decide/life-cycle-create.ts';
import { volumeCreated } from '../engine/decide/volume.ts';
import {
  checkMountPoint,
  ensureMountPoint,
  findMountPoint,
  mountEvent,
  namespaceOf,
  tmpfsCreated,
} from '../engine/mounting.ts';
import { isEmptyVolume, populateVolume } from '../engine/mounting-populate.ts';
import { ROOT_INO, type SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { isDirectoryMode, PERMISSION_BITS } from '../events/mode.ts';
import type { ContainerRecord, MountRecord } from '../projections/registry.ts';
import { findVolume } from '../projections/registry.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { World } from '../projections/world.ts';
import type { LiveMoment } from './moment.ts';
import { type MountRequest, orderMounts } from './mount-spec.ts';

/** What mounting needs of the store. */
export interface Mounter {
  readonly live: LiveMoment;
  readonly mirror: BindMirror;
}

/**
 * Checks mounts before anything is made, and makes missing sources of binds that ask for it.
 *
 * @param imageVolumes - Paths of the image's config that get an anonymous volume where no mount has them.
 * @throws `ERR_INVALID_ARGUMENT`; `ERR_NOT_FOUND` when a bind's source is not there.
 */
export function prepareMounts(
  lower: Tree,
  requests: readonly MountRequest[],
  imageVolumes: readonly string[],
): MountRequest[] {
  const asked = orderMounts(requests);
  const targets = new Set(asked.map(({ target }) => target));
  const more = orderMounts(imageVolumes.map((target) => ({ type: 'volume', target }) as const));
  for (const request of asked) {
    if (request.type === 'volume' && request.source !== undefined) checkName(request.source, 'volume');
    if (request.type === 'bind') expectSource(request.source, request.createSource ?? false);
  }
  for (const request of [...asked, ...more])
    checkMountPoint(lower, { target: request.target, isFile: isFile(request) });
  return orderMounts([...asked, ...more.filter(({ target }) => !targets.has(target))]);
}

/** Mounts everything in a container that was just made. */
export function mountAll(
  mounter: Mounter,
  container: SubjectId,
  requests: readonly MountRequest[],
  timeNs: bigint,
): void {
  for (const request of requests) mountOne(mounter, container, request, timeNs, null);
}

/** @param content - What the volume, made now, starts with. */
function mountOne(
  mounter: Mounter,
  container: SubjectId,
  request: MountRequest,
  timeNs: bigint,
  content: Tree | null,
): void {
  const { live } = mounter;
  const { target } = request;
  const place = { target, isFile: isFile(request) };
  const point = ensureMountPoint(live.engine, recordOf(mounter, container), place);
  const subject = volumeFor(mounter, container, request, point.mode, timeNs);
  const noCopy = request.type === 'volume' && (request.noCopy ?? false);
  const mount = { ...place, volume: subject, readOnly: request.readOnly ?? false, noCopy };
  live.commit(container, [mountEvent(container, mount, point)]);
  const tree = live.world.overlay(subject)?.tree;
  if (content !== null && tree !== undefined) {
    live.commit(subject, populateVolume({ subject, tree }, { container, tree: content, ino: ROOT_INO, target }));
  }
  refreshMount(mounter, recordOf(mounter, container), { ...mount, ...point });
}

/** At a start: empty volumes are populated (again), binds take in what changed on the host. */
export function refreshMounts(mounter: Mounter, container: SubjectId): void {
  const record = recordOf(mounter, container);
  for (const mount of record.mounts) refreshMount(mounter, record, mount);
}

/**
 * Mounts in a fork what its source had: named volumes and binds are shared, a tmpfs starts empty, an anonymous volume is
 * copied as it was then. Volumes that are gone by now are left out.
 */
export function mountFork(mounter: Mounter, container: SubjectId, then: World, from: SubjectId, timeNs: bigint): void {
  const { live } = mounter;
  for (const mount of then.registry.containers.get(from)?.mounts ?? []) {
    const record = then.registry.volumes.get(mount.volume);
    const { target, readOnly, noCopy } = mount;
    const isLost =
      record === undefined || (record.kind === 'volume' && !record.anonymous && !live.world.overlay(mount.volume));
    if (isLost || (record.kind === 'bind' && statSync(record.name, { throwIfNoEntry: false }) === undefined)) continue;
    const isOwn = record.anonymous || record.kind === 'tmpfs';
    const request = { type: record.kind, ...(isOwn ? {} : { source: record.name }), target, readOnly, noCopy };
    const content = record.kind === 'volume' && record.anonymous ? then.overlay(mount.volume)?.tree : undefined;
    mountOne(mounter, container, request as MountRequest, timeNs, content ?? null);
  }
}

function refreshMount(mounter: Mounter, container: ContainerRecord, mount: MountRecord): void {
  const kind = mounter.live.world.registry.volumes.get(mount.volume)?.kind;
  if (kind === 'volume' && !mount.noCopy) populate(mounter, container, mount);
  if (kind === 'bind') rescan(mounter, mount.volume);
}

function populate({ live }: Mounter, container: ContainerRecord, mount: MountRecord): void {
  const tree = live.world.overlay(mount.volume)?.tree;
  if (tree === undefined || !isEmptyVolume(tree)) return;
  const unmounted = namespaceOf(live.engine, { ...container, mounts: [] });
  const source = findMountPoint(rootCaller(unmounted), mount.target);
  if (source === null || !isDirectoryMode(source.mode)) return;
  const from = unmounted.root.overlay.tree;
  const directory = from.at(source.ino);
  const root = tree.at(ROOT_INO);
  const hasSameAttributes = root.mode === directory.mode && root.uid === directory.uid && root.gid === directory.gid;
  if (directory.dir?.entries.size === 0 && hasSameAttributes) return;
  const place = { container: container.container, tree: from, ino: source.ino, target: mount.target };
  live.commit(mount.volume, populateVolume({ subject: mount.volume, tree }, place));
}

function rescan({ live, mirror }: Mounter, volume: SubjectId): void {
  const tree = live.world.overlay(volume)?.tree;
  const path = live.world.registry.volumes.get(volume)?.name;
  if (tree === undefined || path === undefined) return;
  expectSource(path, false);
  live.commit(volume, mirror.fromHost(scanHost(tree, path, live.engine.log.chunks, live.engine.now())));
}

/** The volume of a mount, found or made. */
function volumeFor(
  { live }: Mounter,
  container: SubjectId,
  request: MountRequest,
  coveredMode: number,
  timeNs: bigint,
): SubjectId {
  const { registry } = live.world;
  const volume = registry.nextSubject;
  switch (request.type) {
    case 'volume': {
      const found = request.source === undefined ? undefined : findVolume(registry, request.source);
      if (found !== undefined) return found.volume;
      const name = request.source ?? containerId(registry.storeId, volume);
      const anonymous = request.source === undefined;
      live.commit(container, [volumeCreated(volume, { name, anonymous }, timeNs)]);
      return volume;
    }
    case 'tmpfs':
      live.commit(container, [
        tmpfsCreated(volume, container, request.target, request.mode ?? coveredMode & PERMISSION_BITS, timeNs),
      ]);
      return volume;
    case 'bind': {
      for (const other of registry.volumes.values()) {
        if (other.kind === 'bind' && other.name === request.source) return other.volume;
      }
      const { mode, uid, gid } = statSync(request.source);
      const about = { name: request.source, kind: 'bind', mode: mode & PERMISSION_BITS, uid, gid } as const;
      live.commit(container, [volumeCreated(volume, about, timeNs)]);
      return volume;
    }
  }
}

const isFile = (request: MountRequest): boolean => request.type === 'bind' && !statSync(request.source).isDirectory();

function expectSource(source: string, create: boolean): void {
  if (!source.startsWith('/')) {
    throw storeError('ERR_INVALID_ARGUMENT', `the bind source "${source}" is not an absolute path`);
  }
  if (statSync(source, { throwIfNoEntry: false }) !== undefined) return;
  if (create) mkdirSync(source, { recursive: true });
  else throw storeError('ERR_NOT_FOUND', `the bind source "${source}" does not exist`, { detail: { source } });
}

function recordOf({ live }: Mounter, container: SubjectId): ContainerRecord {
  return live.world.registry.containers.get(container) as ContainerRecord;
}
