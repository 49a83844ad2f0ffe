/**
 * Plays {@link StoreCommand}s on a store, and writes them down as a scenario: what `overlog replay` makes of that is the same
 * state, moment by moment.
 */

import type { OverlayProfile, SubjectId } from '../events/event.ts';
import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import { isStoreError, storeError } from '../events/log-error.ts';
import { findContainer } from '../projections/registry.ts';
import type { ScenarioClock } from '../replay/scenario/clock.ts';
import type { Container } from '../store/container.ts';
import type { OpenStoreOptions } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { FileSlots, type Outcome, runFileCall } from './file-call.ts';
import { SAMPLE_SCENARIO } from './sample-scenario.ts';
import { callLines, commandLine, EXEC_COMMAND, EXEC_EXIT_CODE, profileOptions } from './scenario/command-text.ts';
import { clockOf, storeOf } from './scenario/store-of.ts';
import { MOUNTS, type StoreCommand } from './store-command.ts';

/** Containers, volumes and images that are made at most, so that a run stays small. */
const MADE_MAX = 8;

export interface StorePlayerOptions extends Omit<OpenStoreOptions, 'clock'> {
  /** A scenario that makes the images to begin with, its clock first. Default: two that share layers. */
  readonly prelude?: string;
  /** Of the containers that are created. Default: all options off. */
  readonly profile?: OverlayProfile;
}

const DOCKER: OverlayProfile = { redirectDir: false, index: false, metacopy: false };

/** Where a file call goes. */
export interface Place {
  readonly fs: OverlogFs;
  /** The trees that it reaches: of the container and the volumes mounted there, or of the volume. */
  readonly subjects: readonly SubjectId[];
  /** What a scenario calls it; null when it is gone. */
  readonly name: string | null;
}

interface Made {
  readonly container: Container;
  readonly id: string;
  readonly subject: SubjectId;
  /** Its façade when it was last used: calls go on through it when the container has been removed. */
  fs: OverlogFs | null;
  mounted: readonly SubjectId[];
}

interface MadeVolume {
  readonly name: string;
  readonly subject: SubjectId;
  readonly fs: OverlogFs;
}

export class StorePlayer {
  readonly store: Store;
  /** Open files of all places: they go on when their container stops, is rewound or is removed. */
  readonly slots = new FileSlots();
  readonly #clock: ScenarioClock;
  readonly #profile: OverlayProfile;
  readonly #containers: Made[] = [];
  readonly #volumes: MadeVolume[] = [];
  /** Ids of images in the order in which they came. */
  readonly #images: string[] = [];
  /** The scenario so far. */
  readonly #lines: string[];

  private constructor(store: Store, clock: ScenarioClock, prelude: string, profile: OverlayProfile) {
    this.#profile = profile;
    this.store = store;
    this.#clock = clock;
    this.#lines = prelude.trimEnd().split('\n');
  }

  /**
   * Opens a store with the images of the prelude, a volume `v0`, and a container of each of the first two images. Its clock
   * and ids are fixed, so the same commands always give the same store.
   */
  static async open({
    prelude = SAMPLE_SCENARIO,
    profile = DOCKER,
    ...options
  }: StorePlayerOptions = {}): Promise<StorePlayer> {
    const clock = clockOf(prelude);
    const store = await storeOf(prelude, options, clock);
    const player = new StorePlayer(store, clock, prelude, profile);
    player.#images.push(...store.world.registry.images.keys());
    await player.run({ command: 'makeVolume', name: 0 });
    await player.run({ command: 'create', image: 1, mounts: 0b00001, readOnly: false });
    await player.run({ command: 'create', image: 0, mounts: 0b01001, readOnly: false });
    return player;
  }

  /** The scenario of all that was played so far: images, commands, what each call gave, and a check of the invariants. */
  scenario(): string {
    return `${this.#lines.join('\n')}\ncheck invariants\n`;
  }

  /** Closes all files that are open, as the end of a scenario does. */
  closeFiles(): void {
    this.slots.closeAll();
  }

  async play(commands: readonly StoreCommand[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const command of commands) outcomes.push(await this.run(command));
    return outcomes;
  }

  /** Runs one command; a refusal of the store or of a file call is an outcome, anything else is thrown. */
  async run(command: StoreCommand): Promise<Outcome> {
    if (command.command === 'call') return this.#call(command);
    const line = commandLine(command, this.#names(command));
    try {
      await this.#run(command);
      this.#wrote([line]);
      return { value: null };
    } catch (error) {
      if (!isStoreError(error) || error.code.startsWith('ERR_LOG_')) throw error;
      return { error: error.code };
    }
  }

  /** Where a file call at that place goes; null for a container that was removed before anybody looked into it. */
  placeOf(on: number): Place | null {
    const at = on % (this.#containers.length + this.#volumes.length);
    const made = this.#containers[at];
    const { registry } = this.store.world;
    if (made === undefined) {
      const { name, subject, fs } = this.#volumes[at - this.#containers.length];
      const isThere = registry.volumes.has(subject) && findContainer(registry, name) === undefined;
      return { fs, subjects: [subject], name: isThere ? name : null };
    }
    const { container, subject } = made;
    const record = registry.containers.get(subject);
    if (record !== undefined) {
      made.fs = container.fs;
      made.mounted = record.mounts.map(({ volume }) => volume);
    }
    if (made.fs === null) return null;
    return { fs: made.fs, subjects: [subject, ...made.mounted], name: record?.name ?? null };
  }

  /** The container that a command is about, also one that has been removed. */
  containerOf(on: number): Container {
    return this.#containers[on % this.#containers.length].container;
  }

  /** What is gone opens nothing more; else its holder may go on calling, and is refused. */
  #call({ on, call }: Extract<StoreCommand, { command: 'call' }>): Outcome {
    const place = this.placeOf(on);
    if (place === null) return { error: 'ERR_NOT_FOUND' };
    const opens = call.call === 'open' || call.call === 'openTemporary';
    if (place.name === null && opens) return { error: 'ERR_NOT_FOUND' };
    const opener = call.call === 'linkDescriptor' ? this.#nameOf(this.slots.get(call.slot)?.subjects[0]) : null;
    const outcome = runFileCall(place.fs, this.slots, call, place.subjects);
    const isNothing = call.call === 'copy' && 'value' in outcome && outcome.value === null;
    const name = call.call === 'linkDescriptor' ? opener : (place.name ?? ('slot' in call ? this.#anyName() : null));
    if (name !== null && !isNothing) this.#wrote(callLines(name, call, outcome));
    return outcome;
  }

  /** What a scenario calls a container or volume; null when it is gone. */
  #nameOf(subject: SubjectId | undefined): string | null {
    if (subject === undefined) return this.#anyName();
    const { containers, volumes } = this.store.world.registry;
    const container = containers.get(subject);
    if (container !== undefined) return container.name;
    const volume = volumes.get(subject);
    return volume === undefined || findContainer(this.store.world.registry, volume.name) !== undefined
      ? null
      : volume.name;
  }

  /** A container or volume that is there: whose step it is does not matter to a descriptor. */
  #anyName(): string | null {
    const { containers, volumes } = this.store.world.registry;
    for (const { name } of containers.values()) return name;
    for (const { kind, name } of volumes.values()) if (kind === 'volume') return name;
    return null;
  }

  #names(command: Exclude<StoreCommand, { command: 'call' }>) {
    const { containers } = this.store.world.registry;
    const about = 'on' in command && this.#containers.length > 0 ? this.containerOf(command.on).subject : 0;
    const at = 'moment' in command ? this.moment(command.moment) : 0;
    // A removed container goes by the name that it had at the moment in question.
    const record = containers.get(about) ?? this.store.worldAt(at).registry.containers.get(about);
    return {
      container: record?.name ?? '',
      made: `k${this.#containers.length}`,
      options: profileOptions(this.#profile),
      image: 'image' in command ? this.#imageOf(command.image) : '',
      at,
      exec: record?.execs[0]?.exec ?? '',
    };
  }

  #imageOf = (image: number): string => this.#images[image % this.#images.length];

  /** A step of the scenario: the clock goes on with each. */
  #wrote(lines: readonly string[]): void {
    this.#lines.push(...lines);
    this.#clock.endStep();
  }

  async #run(command: Exclude<StoreCommand, { command: 'call' }>): Promise<void> {
    const { store } = this;
    const name = `k${this.#containers.length}`;
    switch (command.command) {
      case 'create': {
        const mounts = MOUNTS.filter((_, bit) => command.mounts & (1 << bit));
        this.#expectRoom();
        const readOnly = command.readOnly && command.mounts !== 0;
        this.#made(
          await store.containers.create({
            image: this.#imageOf(command.image),
            name,
            mounts,
            readOnly,
            profile: this.#profile,
          }),
        );
        return;
      }
      case 'start':
      case 'stop':
      case 'kill':
      case 'pause':
      case 'unpause':
      case 'restart':
        return this.containerOf(command.on)[command.command]();
      case 'exec':
        await this.containerOf(command.on).beginExec(EXEC_COMMAND);
        return;
      case 'endExec': {
        const container = this.containerOf(command.on);
        return container.endExec(container.record.execs[0]?.exec ?? '', { exitCode: EXEC_EXIT_CODE });
      }
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
        this.#expectRoom();
        const { id } = this.#containers[command.on % this.#containers.length];
        this.#made(await store.containers.fork(id, { at: this.moment(command.moment), name }));
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
        const volume = await store.volumes.create(`v${command.name}`);
        if (!this.#volumes.some(({ subject }) => subject === volume.subject)) {
          this.#volumes.push({ name: volume.name, subject: volume.subject, fs: store.volumes.fs(volume.name) });
        }
        return;
      }
      case 'removeVolume':
        return store.volumes.remove(`v${command.name}`);
      case 'removeImage':
        return store.images.remove(this.#imageOf(command.image), { force: true });
    }
  }

  /** A per mille of the log as a sequence number. */
  moment(share: number): number {
    return Math.floor((this.store.seq * share) / 1000);
  }

  #expectRoom(): void {
    if (this.#containers.length < MADE_MAX) return;
    throw storeError('ERR_UNSUPPORTED', `a run has at most ${MADE_MAX} containers`);
  }

  #made(container: Container): void {
    const { id, subject } = container;
    this.#containers.push({ container, id, subject, fs: null, mounted: [] });
  }
}
