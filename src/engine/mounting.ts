/**
 * Mounting volumes, binds and tmpfs in a container (SEM-2.8).
 *
 * A mount covers a node of the container's tree, or of another mount's. Where the target is missing it is made in the
 * writable layer, as the kernel makes it, and shows in a diff. Mounts are made from the shortest target to the longest, so
 * that one inside of another finds its place.
 */

import { type Ino, ROOT_INO, type StoreEvent, type SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { isDirectoryMode, PERMISSION_BITS, S_IFREG } from '../events/mode.ts';
import type { ContainerRecord, MountRecord } from '../projections/registry.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { Caller } from './caller.ts';
import { rootCaller } from './caller.ts';
import { mkdir, mknod } from './calls/names.ts';
import type { Engine } from './engine.ts';
import { ENOENT, errnoCode } from './errno.ts';
import { findDirectory } from './layer-writer-paths.ts';
import { LayerWriter } from './layer-writer.ts';
import { FOLLOW, Found, walk } from './lookup.ts';
import { Namespace } from './namespace.ts';
import { OpenFileTable } from './open-file-table.ts';

/** What is mounted where. */
export interface NewMount {
  readonly volume: SubjectId;
  /** Absolute path. */
  readonly target: string;
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  /** The volume is a single file, so the target is one. */
  readonly isFile: boolean;
}

/** A node that a target path names: in a tree, and that tree's container or volume. */
export interface MountPoint {
  readonly on: SubjectId;
  readonly ino: Ino;
  readonly mode: number;
}

/** Mounts a volume over a place that {@link ensureMountPoint} gave. */
export function mountEvent(container: SubjectId, mount: NewMount, point: MountPoint): StoreEvent {
  const { volume, target, readOnly, noCopy } = mount;
  return { type: 'VolumeMounted', container, volume, target, on: point.on, ino: point.ino, readOnly, noCopy };
}

/**
 * Finds a mount's target, and makes it where it is missing: directories with mode 0755 of root, for a single file an
 * empty file.
 *
 * @throws `ERR_INVALID_ARGUMENT` when something stands in the way.
 */
export function ensureMountPoint(
  engine: Engine,
  container: ContainerRecord,
  mount: Pick<NewMount, 'target' | 'isFile'>,
): MountPoint {
  // A read-only root is read only for the container's own calls; its mount points are made before.
  const namespace = namespaceOf(engine, { ...container, readOnly: false });
  const caller: Caller = { ...rootCaller(namespace), umask: 0 };
  const { target, isFile } = mount;
  const parts = target.split('/').filter((part) => part !== '');
  for (let count = 1; count <= parts.length; count++) {
    const path = `/${parts.slice(0, count).join('/')}`;
    const isLast = count === parts.length;
    const found = walk(caller, caller.cwd, path, FOLLOW, scratch);
    const made =
      found !== ENOENT ? found : isLast && isFile ? makeFile(caller, path) : mkdir(caller, caller.cwd, path, 0o755);
    if (made !== 0) throw notMountable(target, errnoCode(made));
  }
  const point = findMountPoint(caller, target);
  if (point === null) throw notMountable(target, 'ENOENT');
  if (isDirectoryMode(point.mode) === isFile) throw notMountable(target, isFile ? 'EISDIR' : 'ENOTDIR');
  return point;
}

/**
 * Checks a target against an image before a container is made of it.
 *
 * @throws `ERR_INVALID_ARGUMENT` when something stands in the way.
 */
export function checkMountPoint(lower: Tree, { target, isFile }: Pick<NewMount, 'target' | 'isFile'>): void {
  const writer = new LayerWriter(lower);
  const place = findDirectory(writer, target);
  const parent = isFile ? findDirectory(writer, target.slice(0, target.lastIndexOf('/'))) : null;
  if (parent === 'not-a-directory' || (!isFile && place === 'not-a-directory')) throw notMountable(target, 'ENOTDIR');
  if (isFile && place !== null && place !== 'not-a-directory') throw notMountable(target, 'EISDIR');
}

/** Where a path leads to, mounts included; null when there is nothing. */
export function findMountPoint(caller: Caller, path: string): MountPoint | null {
  if (walk(caller, caller.cwd, path, FOLLOW, scratch) !== 0) return null;
  const { mount, ino } = scratch;
  return { on: mount.subject, ino, mode: mount.overlay.tree.at(ino).mode };
}

/** A namespace for mounting in: nobody has files open through it. */
export function namespaceOf(engine: Engine, container: ContainerRecord): Namespace {
  return new Namespace({
    engine,
    world: engine.world,
    container,
    chunks: engine.log.chunks,
    files: new OpenFileTable(),
  });
}

/**
 * Gives a container an empty tmpfs in place of each of its own, and mounts again what was mounted in them: their content
 * does not outlive a run.
 *
 * @param commit - Appends and folds events about a container or volume.
 */
export function renewTmpfs(
  engine: Engine,
  container: SubjectId,
  timeNs: bigint,
  commit: (subject: SubjectId, events: readonly StoreEvent[]) => void,
): void {
  const record = (): ContainerRecord => engine.world.registry.containers.get(container) as ContainerRecord;
  const kindOf = (volume: SubjectId): string | undefined => engine.world.registry.volumes.get(volume)?.kind;
  const stale = mountsWithin(record().mounts, (mount) => kindOf(mount.volume) === 'tmpfs');
  if (stale.length === 0) return;
  commit(container, [
    ...stale.toReversed().map(({ volume, target }): StoreEvent => {
      return { type: 'VolumeUnmounted', container, volume, target };
    }),
    ...stale
      .filter(({ volume }) => kindOf(volume) === 'tmpfs')
      .map(({ volume }): StoreEvent => {
        return { type: 'VolumeRemoved', volume };
      }),
  ]);
  for (const { volume, target, readOnly, noCopy } of stale) {
    const overlay = engine.world.overlay(volume);
    const isFile = overlay !== undefined && overlay.tree.lookup(ROOT_INO, '') !== 0;
    const point = ensureMountPoint(engine, record(), { target, isFile });
    const mounted = overlay === undefined ? engine.world.registry.nextSubject : volume;
    const events: StoreEvent[] = [];
    if (overlay === undefined) events.push(tmpfsCreated(mounted, container, target, point.mode, timeNs));
    events.push(mountEvent(container, { volume: mounted, target, readOnly, noCopy, isFile }, point));
    commit(container, events);
  }
}

/** A tmpfs takes the mode of the directory that it covers; its owner is root. */
export function tmpfsCreated(
  volume: SubjectId,
  container: SubjectId,
  target: string,
  mode: number,
  timeNs: bigint,
): StoreEvent {
  const name = `tmpfs ${container} ${target}`;
  const owner = { uid: 0, gid: 0 };
  return {
    type: 'VolumeCreated',
    volume,
    kind: 'tmpfs',
    name,
    anonymous: true,
    mode: mode & PERMISSION_BITS,
    ...owner,
    timeNs,
  };
}

/** The mounts that are meant, and those that lie in them, in the order in which they were made. */
function mountsWithin(mounts: readonly MountRecord[], isMeant: (mount: MountRecord) => boolean): MountRecord[] {
  const within = new Set<SubjectId>();
  return mounts.filter((mount) => {
    if (!isMeant(mount) && !within.has(mount.on)) return false;
    within.add(mount.volume);
    return true;
  });
}

function makeFile(caller: Caller, path: string): number {
  return mknod(caller, caller.cwd, path, S_IFREG | 0o755, 0);
}

function notMountable(target: string, code: string): Error {
  return storeError('ERR_INVALID_ARGUMENT', `nothing can be mounted at "${target}": ${code}`, {
    detail: { target, code },
  });
}

const scratch = new Found();
