/** Containers: making them. */

import { checkName, checkNameIsFree, containerId, defaultName } from '../engine/decide/life-cycle-create.ts';
import { restoreImage } from '../engine/decide/image.ts';
import { removeContainer } from '../engine/decide/life-cycle.ts';
import { volumesToRemove } from '../engine/decide/volume.ts';
import type { OverlayProfile, SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { profileOf } from '../events/overlay-profile.ts';
import { findContainer, NO_QUOTA, type Quota } from '../projections/registry.ts';
import { setQuota } from '../engine/decide/quota.ts';
import type { World } from '../projections/world.ts';
import type { TreeChange } from '../replay/tree-change.ts';
import { absenceAt } from './absence.ts';
import { type DownOptions, type DownResult, takeDown } from './compose-project.ts';
import { Container } from './container.ts';
import { ContainerViews } from './container-views.ts';
import { mountAll, mountFork, type Mounter, prepareMounts } from './container-mounts.ts';
import { parseConfig } from './image-config.ts';
import { type At, containerOf, imageOf, type LiveMoment, type Moments } from './moment.ts';
import type { MountRequest } from './mount-spec.ts';
import { Restoration, type UndoResult } from './restoration.ts';

export interface CreateContainerOptions {
  /** Name, id or id prefix of an image; left out: an empty root directory. */
  readonly image?: string;
  /** Default: two words, fixed by the container's id. */
  readonly name?: string;
  /** Volumes, binds and tmpfs; the image's own volumes come on top. */
  readonly mounts?: readonly MountRequest[];
  /** Writes to the root file system are refused; volumes stay writable. */
  readonly readOnly?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** What follows the image's entrypoint. Default: the image's. Nothing runs it; it is shown, and a commit hands it on. */
  readonly command?: readonly string[];
  /** How much its upper may hold; default: any. */
  readonly quota?: Partial<Quota>;
  /** Default `docker`: the kernel's defaults. `metacopy` brings `redirectDir` with it unless that is said to be off. */
  readonly profile?: 'docker' | 'posix' | Partial<OverlayProfile>;
}

/** The containers of a live store. */
export class Containers extends ContainerViews<Container> {
  readonly #live: LiveMoment;
  readonly #time: Moments;
  readonly #mounter: Mounter;
  readonly #restoration: Restoration;

  constructor(mounter: Mounter, time: Moments) {
    super(mounter.live, (subject) => new Container(mounter, subject));
    this.#mounter = mounter;
    this.#live = mounter.live;
    this.#time = time;
    this.#restoration = new Restoration(mounter.live, time);
  }

  /**
   * Makes a container; it is in state `created`.
   *
   * @throws `ERR_NOT_FOUND` when there is no such image; `ERR_CONFLICT` when the name is in use; `ERR_INVALID_ARGUMENT`, also
   *   when something can't be mounted or overlay options contradict each other. Nothing was made then.
   */
  async create(options: CreateContainerOptions = {}): Promise<Container> {
    const cause = [
      'create',
      options.image ?? '',
      ...(options.name === undefined ? [] : ['--name', options.name]),
    ] as const;
    this.#live.expectWritable();
    const image = options.image === undefined ? null : imageOf(this.#live, options.image);
    const lower = this.#live.world.lowerOf(image?.image ?? null);
    const mounts = prepareMounts(lower, options.mounts ?? [], image === null ? [] : parseConfig(image).run.volumes);
    const subject = await this.#live.run([...cause], (timeNs) => {
      const container = this.#create(options, timeNs);
      this.#orUndone(container, timeNs, () => mountAll(this.#mounter, container, mounts, timeNs));
      return container;
    });
    return this.of(subject);
  }

  /**
   * Makes a container whose tree is another one's as it was at a moment; it costs the same whatever is in it. The other
   * one may have been removed since, and its image too: then the image comes back, without a name.
   *
   * @param reference - Its name, id or id prefix, as now or as then.
   * @throws `ERR_NOT_FOUND` when it was not there at that moment; `ERR_AT_INVALID`; as {@link Containers.create}.
   */
  async fork(reference: string, options: { at?: At; name?: string } = {}): Promise<Container> {
    const at = this.#time.resolve(options.at ?? 'now');
    const then = this.#time.worldAt(at);
    const from = subjectThen(this.#live, then, reference);
    const subject = await this.#live.run(['fork', reference, at], (timeNs) => {
      const { registry } = this.#live.world;
      const container = registry.nextSubject;
      const id = containerId(registry.storeId, container);
      const name = options.name === undefined ? defaultName(registry, id) : checkName(options.name, 'container');
      checkNameIsFree(registry, name);
      // Without its image, nobody could tell the fork's layers any more, to commit it or to count them.
      const image = then.registry.containers.get(from)?.image ?? null;
      if (image !== null) this.#live.commit(container, restoreImage(registry, then.registry, image));
      this.#live.commit(container, [
        { type: 'ContainerForked', container, id, name, from, at, timeNs },
        ...setQuota(container, NO_QUOTA, then.registry.quotas.get(from) ?? NO_QUOTA),
      ]);
      this.#orUndone(container, timeNs, () => mountFork(this.#mounter, container, then, from, timeNs));
      return container;
    });
    return this.of(subject);
  }

  /**
   * Makes a container's tree what it was at a moment. The log goes on, so a rewind can be rewound; volumes stay.
   *
   * @returns The sequence number that it went back to.
   * @throws `ERR_NOT_FOUND`; `ERR_AT_INVALID`; `ERR_INVALID_ARGUMENT` when it was not there, or not mounted, at that moment.
   */
  async rewind(reference: string, at: At): Promise<number> {
    const to = this.#time.resolve(at);
    const record = containerOf(this.#live, reference);
    const { container, name, mounts } = record;
    const then = this.#time.worldAt(to).overlay(container);
    if (then === undefined) {
      throw storeError('ERR_INVALID_ARGUMENT', absenceAt(this.#time, record, to), { detail: { at: to } });
    }
    const missing = mounts.find((mount) => mount.on === container && then.tree.get(mount.ino) === undefined);
    if (missing !== undefined) {
      const message = `container "${name}" did not have ${missing.target} yet after event ${to}, which is mounted`;
      throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { at: to } });
    }
    await this.#live.run(['rewind', name, to], () => {
      this.#live.commit(container, [{ type: 'ContainerRewound', container, to }]);
    });
    return to;
  }

  /**
   * `docker compose down`: stops and removes the containers that carry a project's label. Volumes, named and anonymous, and
   * images stay, unless asked otherwise; one transaction for each container, one call.
   *
   * @throws `ERR_NOT_FOUND` when no container is of that project; nothing is done then.
   */
  down(project: string, options: DownOptions = {}): Promise<DownResult> {
    const { images } = options;
    const flags = [
      ...(options.volumes === true ? ['--volumes'] : []),
      ...(images === undefined ? [] : ['--rmi', images]),
    ];
    return this.#live.run(['down', project, ...flags], (timeNs) => takeDown(this.#live, project, options, timeNs));
  }

  /** What {@link Containers.undo} would do; conflicts are told, not thrown. Also of a store that is opened for reading. */
  planUndo(reference: string, group: string, options: { force?: boolean } = {}): UndoResult {
    return this.#restoration.planUndo(reference, group, options);
  }

  /**
   * Takes back what one group did to a container, and nothing of what others did afterwards. The log goes on: the undo is a
   * transaction of the group `undo GROUP`, which can be undone in turn. Volumes stay.
   *
   * @param options.force - Also where others changed the same names or files afterwards: their changes to these go too.
   * @throws `ERR_CONFLICT` when they did and `force` is not given, with the first of the paths; nothing is changed then.
   *   `ERR_NOT_FOUND` when there is no such container, or it has no such group; `ERR_INVALID_ARGUMENT` when a mount would
   *   lose its place.
   */
  undo(reference: string, group: string, options: { force?: boolean } = {}): Promise<UndoResult> {
    return this.#restoration.undo(reference, group, options);
  }

  /** What {@link Containers.rewindPath} would do. Also of a store that is opened for reading. */
  planRewindPath(reference: string, at: At, path: string): TreeChange[] {
    return this.#restoration.planRewindPath({ container: reference }, at, path);
  }

  /**
   * Makes one path of a container what it was at a moment, with all below it; everything else stays. A file that was there
   * then and has another place now keeps that too: the path gets a copy.
   *
   * @param path - Absolute, in the container's own tree; symbolic links are not followed.
   * @throws `ERR_NOT_FOUND`; `ERR_AT_INVALID`; `ERR_INVALID_ARGUMENT` when the container was not there at that moment, when
   *   the path's directory is not there now, or when a mount would lose its place.
   */
  rewindPath(reference: string, at: At, path: string): Promise<TreeChange[]> {
    return this.#restoration.rewindPath({ container: reference }, at, path);
  }

  /** When something can't be mounted, the container goes again, with all that was made for it. */
  #orUndone(container: SubjectId, timeNs: bigint, mount: () => void): void {
    try {
      mount();
    } catch (error) {
      const record = this.of(container).record;
      const volumes = volumesToRemove(this.#live.world.registry, record, true);
      this.#live.commit(container, removeContainer(record, { force: true, volumes }, timeNs));
      throw error;
    }
  }

  #create(options: CreateContainerOptions, timeNs: bigint): number {
    const { registry } = this.#live.world;
    const image = options.image === undefined ? null : imageOf(this.#live, options.image);
    const container = registry.nextSubject;
    const id = containerId(registry.storeId, container);
    const name = options.name === undefined ? defaultName(registry, id) : checkName(options.name, 'container');
    checkNameIsFree(registry, name);
    const run = image === null ? null : parseConfig(image).run;
    const labels = Object.entries({ ...run?.labels, ...options.labels }).toSorted(([a], [b]) => (a < b ? -1 : 1));
    this.#live.commit(container, [
      {
        type: 'ContainerCreated',
        container,
        id,
        name,
        image: image?.image ?? null,
        reference: options.image ?? '',
        profile: profileOf(options.profile),
        readOnly: options.readOnly ?? false,
        labels,
        command: [...(run?.entrypoint ?? []), ...(options.command ?? run?.command ?? [])],
        timeNs,
      },
      ...setQuota(container, NO_QUOTA, options.quota ?? {}),
    ]);
    return container;
  }
}

/** The container that goes by that name now and was there then, or that went by it then. */
function subjectThen(live: LiveMoment, then: World, reference: string): SubjectId {
  const now = findContainer(live.world.registry, reference);
  if (now !== undefined && now !== 'ambiguous' && then.registry.containers.has(now.container)) return now.container;
  return containerOf({ world: then }, reference).container;
}
