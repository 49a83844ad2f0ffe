/**
 * The registry: which images, layers, containers, volumes and labels there are.
 *
 * Small and changed seldom, so it is an immer value: one draft per transaction, unchanged parts shared with every earlier
 * version. Trees are not in here (world.ts), nor is anything that changes with every write. Names are keys of Maps, never
 * of objects. Immer is a private instance without freezing: the global one belongs to whoever embeds this library.
 */

import { enableMapSet, Immer } from 'immer';
import type {
  ChunkNumber,
  FileEvent,
  Ino,
  OverlayProfile,
  StoreEvent,
  SubjectId,
  VolumeKind,
} from '../events/event.ts';
import { type ExecRecord, execsAfter } from './exec-records.ts';

export interface LayerRecord {
  readonly chainId: string;
  readonly diffId: string;
  readonly parent: string | null;
  /** Merkle root of the layer's own tree. */
  readonly root: string;
  readonly chunks: readonly ChunkNumber[];
  readonly entries: number;
  readonly bytes: number;
  /** Chunks of the framing of the tar that it came from; none where that is not kept. */
  readonly framing: readonly ChunkNumber[];
  readonly seq: number;
}

export interface ImageRecord {
  readonly image: string;
  readonly config: Uint8Array;
  /** chainIDs, lowest first. */
  readonly layers: readonly string[];
  readonly seq: number;
  readonly timeNs: bigint;
}

export type ContainerState = 'created' | 'running' | 'paused' | 'exited';

export interface MountRecord {
  readonly volume: SubjectId;
  readonly target: string;
  /** Whose tree holds the node that it covers. */
  readonly on: SubjectId;
  readonly ino: Ino;
  readonly readOnly: boolean;
  readonly noCopy: boolean;
}

export interface ContainerRecord {
  readonly container: SubjectId;
  readonly id: string;
  readonly name: string;
  readonly image: string | null;
  readonly reference: string;
  readonly profile: OverlayProfile;
  readonly readOnly: boolean;
  readonly labels: readonly (readonly [key: string, value: string])[];
  readonly command: readonly string[];
  readonly state: ContainerState;
  /** Of the last run; 0 before the first. */
  readonly exitCode: number;
  readonly createdNs: bigint;
  readonly startedNs: bigint | null;
  readonly finishedNs: bigint | null;
  readonly mounts: readonly MountRecord[];
  /** In the order in which they were made. */
  readonly execs: readonly ExecRecord[];
  /** Seq of the event that made it. */
  readonly seq: number;
  readonly forkedFrom: { readonly container: SubjectId; readonly at: number } | null;
}

/** Stands for the container that a namespace wants, where there is none. */
export const NO_CONTAINER: ContainerRecord = {
  container: 0,
  id: '',
  name: '',
  image: null,
  reference: '',
  profile: { redirectDir: false, index: false, metacopy: false },
  readOnly: false,
  labels: [],
  command: [],
  state: 'running',
  exitCode: 0,
  createdNs: 0n,
  startedNs: null,
  finishedNs: null,
  mounts: [],
  execs: [],
  seq: 0,
  forkedFrom: null,
};

export interface VolumeRecord {
  readonly volume: SubjectId;
  readonly kind: VolumeKind;
  readonly name: string;
  readonly anonymous: boolean;
  readonly createdNs: bigint;
  readonly seq: number;
}

export interface Registry {
  readonly storeId: string;
  /** The number that the next container or volume gets. */
  readonly nextSubject: SubjectId;
  readonly labels: ReadonlyMap<string, number>;
  /** The oldest moment that can be asked about: what was before was dropped. */
  readonly oldest: number;
  readonly layers: ReadonlyMap<string, LayerRecord>;
  readonly images: ReadonlyMap<string, ImageRecord>;
  /** Reference (`name:tag`) → image id. */
  readonly tags: ReadonlyMap<string, string>;
  readonly containers: ReadonlyMap<SubjectId, ContainerRecord>;
  readonly volumes: ReadonlyMap<SubjectId, VolumeRecord>;
  /** Of the containers that have one. */
  readonly quotas: ReadonlyMap<SubjectId, Quota>;
}

/** How much an upper may hold; null: any. */
export interface Quota {
  readonly bytes: number | null;
  readonly inodes: number | null;
}

export const NO_QUOTA: Quota = { bytes: null, inodes: null };

export const EMPTY_REGISTRY: Registry = {
  storeId: '',
  nextSubject: 1,
  oldest: 0,
  labels: new Map(),
  layers: new Map(),
  images: new Map(),
  tags: new Map(),
  containers: new Map(),
  volumes: new Map(),
  quotas: new Map(),
};

enableMapSet();
const immer = new Immer({ autoFreeze: false });

type Mutable<T> = T extends bigint | Uint8Array | string | number | boolean | null
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? Map<K, Mutable<V>>
    : T extends readonly (infer E)[]
      ? Mutable<E>[]
      : { -readonly [K in keyof T]: Mutable<T[K]> };

type RegistryDraft = Mutable<Registry>;

/** Every event that is not about a file. */
export type RegistryEvent = Exclude<StoreEvent, FileEvent>;

/** The registry after an event that is not a file event. A fork's record comes with {@link withFork}. */
export function applyToRegistry(registry: Registry, event: RegistryEvent, seq: number, timeNs: bigint): Registry {
  return immer.produce(registry, (draft) => {
    applyEvent(draft, event, seq, timeNs);
  });
}

function applyEvent(draft: RegistryDraft, event: RegistryEvent, seq: number, timeNs: bigint): void {
  switch (event.type) {
    case 'StoreCreated':
      draft.storeId = event.storeId;
      return;
    case 'LabelSet':
      draft.labels.set(event.label, event.seq);
      return;
    case 'LabelRemoved':
      draft.labels.delete(event.label);
      return;
    case 'HistoryDropped':
      draft.oldest = Math.max(draft.oldest, event.before);
      return;
    case 'LayerAdded': {
      const { type: _, ...layer } = event;
      draft.layers.set(event.chainId, { ...layer, chunks: [...event.chunks], framing: [], seq });
      return;
    }
    case 'LayerRemoved':
      draft.layers.delete(event.chainId);
      return;
    case 'LayerFramed': {
      const layer = draft.layers.get(event.chainId);
      if (layer !== undefined) layer.framing = [...event.chunks];
      return;
    }
    case 'ImageAdded':
      draft.images.set(event.image, {
        image: event.image,
        config: event.config,
        layers: [...event.layers],
        seq,
        timeNs,
      });
      return;
    case 'ImageTagged':
      draft.tags.set(event.reference, event.image);
      return;
    case 'ImageUntagged':
      draft.tags.delete(event.reference);
      return;
    case 'ImageRemoved':
      draft.images.delete(event.image);
      return;
    case 'ContainerCreated':
      draft.nextSubject = Math.max(draft.nextSubject, event.container + 1);
      draft.containers.set(event.container, {
        container: event.container,
        id: event.id,
        name: event.name,
        image: event.image,
        reference: event.reference,
        profile: { ...event.profile },
        readOnly: event.readOnly,
        labels: event.labels.map(([key, value]) => [key, value]),
        command: [...event.command],
        state: 'created',
        exitCode: 0,
        createdNs: event.timeNs,
        startedNs: null,
        finishedNs: null,
        mounts: [],
        execs: [],
        seq,
        forkedFrom: null,
      });
      return;
    case 'ContainerForked':
      return; // world.ts: the record comes from the past
    case 'ContainerStarted': {
      const container = containerOf(draft, event.container);
      container.state = 'running';
      container.startedNs = event.timeNs;
      return;
    }
    case 'ContainerPaused':
      containerOf(draft, event.container).state = 'paused';
      return;
    case 'ContainerUnpaused':
      containerOf(draft, event.container).state = 'running';
      return;
    case 'ContainerStopped':
    case 'ContainerKilled': {
      const container = containerOf(draft, event.container);
      container.state = 'exited';
      container.exitCode = event.exitCode;
      container.finishedNs = event.timeNs;
      return;
    }
    case 'ContainerRenamed':
      containerOf(draft, event.container).name = event.name;
      return;
    case 'ContainerRemoved':
      draft.containers.delete(event.container);
      draft.quotas.delete(event.container);
      return;
    case 'QuotaSet': {
      const { container, bytes, inodes } = event;
      if (bytes === null && inodes === null) draft.quotas.delete(container);
      else draft.quotas.set(container, { bytes, inodes });
      return;
    }
    case 'ExecCreated':
    case 'ExecStarted':
    case 'ExecEnded': {
      const container = containerOf(draft, event.container);
      container.execs = [...execsAfter(container.execs, event, timeNs)] as Mutable<ExecRecord>[];
      return;
    }
    case 'VolumeCreated':
      draft.nextSubject = Math.max(draft.nextSubject, event.volume + 1);
      draft.volumes.set(event.volume, {
        volume: event.volume,
        kind: event.kind,
        name: event.name,
        anonymous: event.anonymous,
        createdNs: event.timeNs,
        seq,
      });
      return;
    case 'VolumeMounted':
      containerOf(draft, event.container).mounts.push({
        volume: event.volume,
        target: event.target,
        on: event.on,
        ino: event.ino,
        readOnly: event.readOnly,
        noCopy: event.noCopy,
      });
      return;
    case 'VolumeUnmounted': {
      const container = containerOf(draft, event.container);
      container.mounts = container.mounts.filter((mount) => mount.target !== event.target);
      return;
    }
    case 'VolumeRemoved':
      draft.volumes.delete(event.volume);
      return;
    case 'ContainerCommitted':
    case 'ContainerRewound':
    case 'NodesRestored':
    case 'MarkAdded':
    case 'VolumePopulated':
    case 'CheckpointRecorded':
      return; // nothing of it is in the registry
  }
}

function containerOf(draft: RegistryDraft, container: SubjectId): Mutable<ContainerRecord> {
  const record = draft.containers.get(container);
  if (record === undefined) throw new Error(`registry: there is no container ${container}`);
  return record;
}

/** The record that a fork gives its new container. */
export function withFork(
  registry: Registry,
  source: ContainerRecord,
  fork: Extract<StoreEvent, { type: 'ContainerForked' }>,
  seq: number,
): Registry {
  return immer.produce(registry, (draft) => {
    const target = draft as unknown as RegistryDraft;
    target.nextSubject = Math.max(target.nextSubject, fork.container + 1);
    target.containers.set(fork.container, {
      ...source,
      container: fork.container,
      id: fork.id,
      name: fork.name,
      state: 'created',
      exitCode: 0,
      createdNs: fork.timeNs,
      startedNs: null,
      finishedNs: null,
      mounts: [],
      execs: [],
      seq,
      forkedFrom: { container: fork.from, at: fork.at },
    } as unknown as Mutable<ContainerRecord>);
  });
}

/** The container of that name, id, or unambiguous id prefix. */
export function findContainer(registry: Registry, reference: string): ContainerRecord | 'ambiguous' | undefined {
  const byPrefix: ContainerRecord[] = [];
  for (const container of registry.containers.values()) {
    if (container.name === reference || container.id === reference) return container;
    if (reference.length >= 2 && container.id.startsWith(reference)) byPrefix.push(container);
  }
  return byPrefix.length > 1 ? 'ambiguous' : byPrefix[0];
}

export function findVolume(registry: Registry, name: string): VolumeRecord | undefined {
  for (const volume of registry.volumes.values()) {
    if (volume.kind === 'volume' && volume.name === name) return volume;
  }
  return undefined;
}

/** A reference with its tag: `app` is `app:latest` (a digest reference stays as it is). */
export function normalizeReference(reference: string): string {
  if (reference.includes('@')) return reference;
  const afterSlash = reference.slice(reference.lastIndexOf('/') + 1);
  return afterSlash.includes(':') ? reference : `${reference}:latest`;
}

/** The image of that reference, tag, id (with or without `sha256:`) or unambiguous id prefix. */
export function findImage(registry: Registry, reference: string): ImageRecord | 'ambiguous' | undefined {
  const tagged = registry.tags.get(normalizeReference(reference)) ?? registry.tags.get(reference);
  if (tagged !== undefined) return registry.images.get(tagged);
  const digits = reference.startsWith('sha256:') ? reference.slice(7) : reference;
  if (!/^[0-9a-f]{2,64}$/.test(digits)) return undefined;
  const matches = [...registry.images.values()].filter((image) => image.image.slice(7).startsWith(digits));
  return matches.length > 1 ? 'ambiguous' : matches[0];
}
