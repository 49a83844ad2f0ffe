/** Plays {@link StoreCommand}s on a store. */

import type { SubjectId } from '../events/event.ts';
import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import { isStoreError } from '../events/log-error.ts';
import type { Container } from '../store/container.ts';
import { openStore, type OpenStoreOptions } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { FileSlots, type Outcome, runFileCall } from './file-call.ts';
import { sampleImages } from './sample-images.ts';
import { MOUNTS, type StoreCommand } from './store-command.ts';

/** Containers, volumes and images that are made at most, so that a run stays small. */
const MADE_MAX = 8;

/** Where a file call goes. */
export interface Place {
  readonly fs: OverlogFs;
  /** The trees that it reaches: of the container and the volumes mounted there, or of the volume. */
  readonly subjects: readonly SubjectId[];
}

interface Made {
  readonly container: Container;
  readonly id: string;
  readonly subject: SubjectId;
  /** Its façade when it was last used: calls go on through it when the container has been removed. */
  fs: OverlogFs | null;
  mounted: readonly SubjectId[];
}

export class StorePlayer {
  readonly store: Store;
  /** Open files of all places: they go on when their container stops, is rewound or is removed. */
  readonly slots = new FileSlots();
  readonly #containers: Made[] = [];
  readonly #volumes: Place[] = [];
  /** Ids of images in the order in which they came. */
  readonly #images: string[] = [];

  private constructor(store: Store) {
    this.store = store;
  }

  /** Opens a store with the sample images, a volume `v0`, and a container of each image. Its clock and ids are fixed. */
  static async open(options: OpenStoreOptions = {}): Promise<StorePlayer> {
    const store = await openStore({ storeId: '00000000000000ff', clock: tickingClock(), ...options });
    const player = new StorePlayer(store);
    for (const image of sampleImages()) player.#images.push((await store.images.add(image)).id);
    await player.#run({ command: 'makeVolume', name: 0 });
    await player.#run({ command: 'create', image: 1, mounts: 0b00001, readOnly: false });
    await player.#run({ command: 'create', image: 0, mounts: 0b01001, readOnly: false });
    return player;
  }

  async play(commands: readonly StoreCommand[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const command of commands) outcomes.push(await this.run(command));
    return outcomes;
  }

  /** Runs one command; a refusal of the store or of a file call is an outcome, anything else is thrown. */
  async run(command: StoreCommand): Promise<Outcome> {
    try {
      return (await this.#run(command)) ?? { value: null };
    } catch (error) {
      if (!isStoreError(error) || error.code.startsWith('ERR_LOG_')) throw error;
      return { error: error.code };
    }
  }

  /** Where a file call at that place goes; null for a container that was removed before anybody looked into it. */
  placeOf(on: number): Place | null {
    const at = on % (this.#containers.length + this.#volumes.length);
    const made = this.#containers[at];
    if (made === undefined) return [...this.#volumes][at - this.#containers.length];
    const { container, subject } = made;
    const record = this.store.world.registry.containers.get(subject);
    if (record !== undefined) {
      made.fs = container.fs;
      made.mounted = record.mounts.map(({ volume }) => volume);
    }
    return made.fs === null ? null : { fs: made.fs, subjects: [subject, ...made.mounted] };
  }

  /** The container that a command is about, also one that has been removed. */
  containerOf(on: number): Container {
    return this.#containers[on % this.#containers.length].container;
  }

  async #run(command: StoreCommand): Promise<Outcome | void> {
    const { store } = this;
    switch (command.command) {
      case 'call': {
        const place = this.placeOf(command.on);
        if (place === null) return { error: 'ERR_NOT_FOUND' };
        return runFileCall(place.fs, this.slots, command.call, place.subjects);
      }
      case 'create': {
        const image = this.#images[command.image];
        const mounts = MOUNTS.filter((_, bit) => command.mounts & (1 << bit));
        if (this.#containers.length >= MADE_MAX) return { error: 'ERR_UNSUPPORTED' };
        const readOnly = command.readOnly && command.mounts !== 0;
        this.#made(await store.containers.create({ ...(image !== undefined && { image }), mounts, readOnly }));
        return;
      }
      case 'start':
      case 'stop':
      case 'kill':
      case 'pause':
      case 'unpause':
      case 'restart':
        return this.containerOf(command.on)[command.command]();
      case 'rename':
        return this.containerOf(command.on).rename(`c${command.name}`);
      case 'remove':
        return this.containerOf(command.on).remove(command);
      case 'commit': {
        const image = await this.containerOf(command.on).commit({ tag: `made${command.name}:1` });
        if (!this.#images.includes(image)) this.#images.push(image);
        return;
      }
      case 'fork': {
        if (this.#containers.length >= MADE_MAX) return { error: 'ERR_UNSUPPORTED' };
        const { id } = this.#containers[command.on % this.#containers.length];
        this.#made(await store.containers.fork(id, { at: this.moment(command.moment) }));
        return;
      }
      case 'rewind':
        await store.rewind(this.containerOf(command.on).id, this.moment(command.moment));
        return;
      case 'label':
        await store.label(`l${command.name}`, this.moment(command.moment));
        return;
      case 'unlabel':
        return store.removeLabel(`l${command.name}`);
      case 'makeVolume': {
        const { subject, name } = await store.volumes.create(`v${command.name}`);
        if (!this.#volumes.some(({ subjects }) => subjects[0] === subject)) {
          this.#volumes.push({ subjects: [subject], fs: store.volumes.fs(name) });
        }
        return;
      }
      case 'removeVolume':
        return store.volumes.remove(`v${command.name}`);
      case 'removeImage':
        return store.images.remove(this.#images[command.image % this.#images.length], { force: true });
    }
  }

  /** A per mille of the log as a sequence number. */
  moment(share: number): number {
    return Math.floor((this.store.seq * share) / 1000);
  }

  #made(container: Container): void {
    const { id, subject } = container;
    this.#containers.push({ container, id, subject, fs: null, mounted: [] });
  }
}

/** A clock that goes on a millisecond and a nanosecond with each look. */
function tickingClock(): () => bigint {
  let nowNs = 1_700_000_000_000_000_000n;
  return () => (nowNs += 1_000_001n);
}
