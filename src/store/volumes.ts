/** Named and anonymous volumes. */

import { rootCaller, type User, userCaller } from '../engine/caller.ts';
import { createVolume, removeVolume, usersOf } from '../engine/decide/volume.ts';
import { createFs } from '../engine/fs/create-fs.ts';
import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import { Namespace } from '../engine/namespace.ts';
import { STORE_SUBJECT, type SubjectId } from '../events/event.ts';
import { NO_CONTAINER, type VolumeRecord } from '../projections/registry.ts';
import type { TreeChange } from '../replay/tree-change.ts';
import { type At, type LiveMoment, type Moment, type Moments, volumeOf } from './moment.ts';
import { Restoration } from './restoration.ts';

/** A volume at one moment, as a value. */
export interface VolumeInfo {
  readonly name: string;
  readonly subject: SubjectId;
  readonly anonymous: boolean;
  readonly createdNs: bigint;
  /** By Docker's rule: st_size over non-directories, hard links once. */
  readonly sizeBytes: number;
  /** Names of the containers that have it mounted, in whatever state. */
  readonly usedBy: readonly string[];
}

/** The volumes of a store at one moment; binds and tmpfs mounts are not among them. */
export class VolumeViews {
  readonly #moment: Moment;

  constructor(moment: Moment) {
    this.#moment = moment;
  }

  /** Sorted by name. */
  list(): VolumeInfo[] {
    const volumes = [...this.#moment.world.registry.volumes.values()].filter(({ kind }) => kind === 'volume');
    return volumes.map((volume) => this.#info(volume)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws `ERR_NOT_FOUND`. */
  get(name: string): VolumeInfo {
    return this.#info(volumeOf(this.#moment, name));
  }

  /** A volume's own file system in the shape of node:fs, mounted or not. Throws as {@link VolumeViews.get}. */
  fs(name: string): OverlogFs {
    return createFs(rootCaller(this.namespace(name)));
  }

  /** The same for a user who is not root; as {@link ContainerView.as}. */
  as(name: string, user: User): OverlogFs {
    return createFs(userCaller(this.namespace(name), user));
  }

  /** A new namespace of the volume, for callers of their own. */
  namespace(name: string): Namespace {
    const { volume } = volumeOf(this.#moment, name);
    const { engine, world, chunks, files } = this.#moment;
    return new Namespace({ engine, world, container: { ...NO_CONTAINER, container: volume }, chunks, files });
  }

  #info(volume: VolumeRecord): VolumeInfo {
    const { world } = this.#moment;
    return {
      name: volume.name,
      subject: volume.volume,
      anonymous: volume.anonymous,
      createdNs: volume.createdNs,
      sizeBytes: world.overlay(volume.volume)?.tree.upperBytes ?? 0,
      usedBy: usersOf(world.registry, volume.volume).map((container) => container.name),
    };
  }
}

/** The volumes of a live store. */
export class Volumes extends VolumeViews {
  readonly #live: LiveMoment;
  readonly #restoration: Restoration;

  constructor(live: LiveMoment, time: Moments) {
    super(live);
    this.#live = live;
    this.#restoration = new Restoration(live, time);
  }

  /**
   * Makes an empty volume; when there is one of that name, that is it.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an impossible name.
   */
  async create(name: string): Promise<VolumeInfo> {
    await this.#live.run(['volume create', name], (timeNs) => {
      this.#live.commit(STORE_SUBJECT, createVolume(this.#live.world.registry, name, timeNs));
    });
    return this.get(name);
  }

  /**
   * Removes a volume; earlier moments keep it.
   *
   * @throws `ERR_CONFLICT` when a container has it mounted, in whatever state; `ERR_NOT_FOUND`.
   */
  async remove(name: string): Promise<void> {
    await this.#live.run(['volume rm', name], () => {
      this.#live.commit(STORE_SUBJECT, removeVolume(this.#live.world.registry, volumeOf(this.#live, name)));
    });
  }

  /** What {@link Volumes.rewindPath} would do. Also of a store that is opened for reading. */
  planRewindPath(name: string, at: At, path: string): TreeChange[] {
    return this.#restoration.planRewindPath({ volume: name }, at, path);
  }

  /**
   * Makes one path of a volume what it was at a moment, with all below it, for all who have it mounted.
   *
   * @param path - Absolute, in the volume's own tree; symbolic links are not followed.
   * @throws As {@link Containers.rewindPath}.
   */
  rewindPath(name: string, at: At, path: string): Promise<TreeChange[]> {
    return this.#restoration.rewindPath({ volume: name }, at, path);
  }

  /** Removes every volume that no container has mounted; anonymous ones only, unless `all`. Gives their names. */
  async prune(options: { all?: boolean } = {}): Promise<string[]> {
    return this.#live.run(['volume prune', ...(options.all ? ['--all'] : [])], () => {
      const { registry } = this.#live.world;
      const unused = [...registry.volumes.values()].filter(
        ({ kind, anonymous, volume }) =>
          kind === 'volume' && (anonymous || options.all) && usersOf(registry, volume).length === 0,
      );
      this.#live.commit(
        STORE_SUBJECT,
        unused.map(({ volume }) => ({ type: 'VolumeRemoved', volume })),
      );
      return unused.map(({ name }) => name);
    });
  }
}
