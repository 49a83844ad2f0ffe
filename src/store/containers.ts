/** Containers: making them. */

import {
  checkName,
  checkNameIsFree,
  checkProfile,
  containerId,
  defaultName,
  DOCKER_PROFILE,
  POSIX_PROFILE,
} from '../engine/decide/life-cycle-create.ts';
import type { OverlayProfile } from '../events/event.ts';
import { Container } from './container.ts';
import { ContainerViews } from './container-views.ts';
import { parseConfig } from './image-config.ts';
import { imageOf, type LiveMoment } from './moment.ts';

export interface CreateContainerOptions {
  /** Name, id or id prefix of an image; left out: an empty root directory. */
  readonly image?: string;
  /** Default: two words, fixed by the container's id. */
  readonly name?: string;
  /** Writes to the root file system are refused; volumes stay writable. */
  readonly readOnly?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: the image's. Nothing runs it; it is shown. */
  readonly command?: readonly string[];
  /** Default `docker`: the kernel's defaults. */
  readonly profile?: 'docker' | 'posix' | Partial<OverlayProfile>;
}

/** The containers of a live store. */
export class Containers extends ContainerViews<Container> {
  readonly #live: LiveMoment;

  constructor(live: LiveMoment) {
    super(live, (subject) => new Container(live, subject));
    this.#live = live;
  }

  /**
   * Makes a container; it is in state `created`.
   *
   * @throws `ERR_NOT_FOUND` when there is no such image; `ERR_CONFLICT` when the name is in use; `ERR_INVALID_ARGUMENT`;
   *   `ERR_UNSUPPORTED` for overlay options that are not there yet. Nothing was made then.
   */
  async create(options: CreateContainerOptions = {}): Promise<Container> {
    const cause = [
      'create',
      options.image ?? '',
      ...(options.name === undefined ? [] : ['--name', options.name]),
    ] as const;
    const subject = await this.#live.run([...cause], (timeNs) => this.#create(options, timeNs));
    return this.of(subject);
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
        profile: checkProfile(profileOf(options.profile)),
        readOnly: options.readOnly ?? false,
        labels,
        command: options.command ?? [...(run?.entrypoint ?? []), ...(run?.command ?? [])],
        timeNs,
      },
    ]);
    return container;
  }
}

function profileOf(profile: CreateContainerOptions['profile'] = 'docker'): OverlayProfile {
  if (profile === 'docker') return DOCKER_PROFILE;
  return profile === 'posix' ? POSIX_PROFILE : { ...DOCKER_PROFILE, ...profile };
}
