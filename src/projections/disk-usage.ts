/**
 * Who takes how much room, by Docker's rules (SEMANTICS 2.2): `ps -s`, `system df`.
 *
 * Sizes are apparent: st_size over non-directories, hard links once. The counters that trees keep as events come are read
 * when a batch has touched their subject, so the cost is that of the subjects touched, not of the files in them. Next to
 * it stands what is allocated, which is less for sparse files and more for small ones.
 */

import { enableMapSet, Immer } from 'immer';
import type { StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import type { Projection } from './projection.ts';
import type { ContainerState, ImageRecord, Registry } from './registry.ts';
import { isFileEvent } from '../events/file-event.ts';
import type { World } from './world.ts';

export interface ContainerUsage {
  readonly container: SubjectId;
  readonly name: string;
  readonly image: string | null;
  readonly state: ContainerState;
  /** SizeRw: bytes of the upper. */
  readonly sizeRw: number;
  /** SizeRootFs, "virtual": sizeRw and the image. */
  readonly virtual: number;
  /** Bytes of blocks that the upper's files take; directories are counted in allocated-usage.ts. */
  readonly allocated: number;
}

export interface ImageUsage {
  readonly image: string;
  readonly references: readonly string[];
  /** All its layers. */
  readonly size: number;
  /** Layers that other images have, too. */
  readonly shared: number;
  readonly unique: number;
  /** Containers made from it. */
  readonly containers: number;
}

export interface VolumeUsage {
  readonly volume: SubjectId;
  readonly name: string;
  readonly size: number;
  /** As {@link ContainerUsage.allocated}. */
  readonly allocated: number;
  /** Containers that mount it, running or not. */
  readonly links: number;
}

/** A line of `docker system df`. */
export interface UsageTotal {
  readonly count: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
}

export interface DiskUsage {
  readonly containers: ReadonlyMap<SubjectId, ContainerUsage>;
  readonly images: ReadonlyMap<string, ImageUsage>;
  /** Named and anonymous volumes; binds and tmpfs take no room of the store's. */
  readonly volumes: ReadonlyMap<SubjectId, VolumeUsage>;
  readonly totals: {
    /** Layers that some image refers to, each once. Reclaimable: what is unique to images without containers. */
    readonly images: UsageTotal;
    /** Active: running or paused. Reclaimable: the uppers of the others. */
    readonly containers: UsageTotal;
    /** Active: mounted by a container. Reclaimable: the others. */
    readonly volumes: UsageTotal;
  };
}

enableMapSet();
const immer = new Immer({ autoFreeze: false });

const NOTHING: UsageTotal = { count: 0, active: 0, size: 0, reclaimable: 0 };

export const diskUsage: Projection<DiskUsage> = {
  name: 'disk-usage',
  version: 1,
  initial: () => ({
    containers: new Map(),
    images: new Map(),
    volumes: new Map(),
    totals: { images: NOTHING, containers: NOTHING, volumes: NOTHING },
  }),
  apply: (state, batch, world) => refreshed(state, world, touchedBy(batch, state)),
  ofWorld: (world) =>
    refreshed(diskUsage.initial(), world, {
      subjects: new Set([...world.registry.containers.keys(), ...world.registry.volumes.keys()]),
      images: true,
    }),
};

/** The result with what was touched as it is in the world. */
function refreshed(state: DiskUsage, world: World, touched: Touched): DiskUsage {
  const next = immer.produce(state, (draft) => {
    const { containers, images, volumes } = draft as unknown as Drafts;
    for (const subject of touched.subjects) {
      put(containers, subject, containerUsage(world, subject));
      put(volumes, subject, volumeUsage(world, subject));
    }
    if (touched.images) putImages(images, world.registry);
  });
  return next === state ? state : { ...next, totals: totalsOf(next, world.registry) };
}

interface Drafts {
  containers: Map<SubjectId, ContainerUsage>;
  images: Map<string, ImageUsage>;
  volumes: Map<SubjectId, VolumeUsage>;
}

/** What may have changed: these subjects, and whether anything about images. */
interface Touched {
  readonly subjects: ReadonlySet<SubjectId>;
  readonly images: boolean;
}

function touchedBy(batch: readonly Transaction[], state: DiskUsage): Touched {
  const subjects = new Set<SubjectId>();
  let images = false;
  for (const transaction of batch) {
    for (const event of transaction.events) {
      if (isFileEvent(event)) subjects.add(transaction.subject);
      if ('volume' in event) subjects.add(event.volume);
      if ('container' in event) subjects.add(event.container);
      images ||= changesImages(event);
      // Its mounts go with it, and nothing tells any more which they were.
      if (event.type === 'ContainerRemoved') for (const volume of state.volumes.keys()) subjects.add(volume);
    }
  }
  return { subjects, images };
}

function changesImages(event: StoreEvent): boolean {
  switch (event.type) {
    case 'LayerAdded':
    case 'LayerRemoved':
    case 'ImageAdded':
    case 'ImageRemoved':
    case 'ImageTagged':
    case 'ImageUntagged':
    case 'ContainerCreated':
    case 'ContainerForked':
    case 'ContainerRemoved':
      return true;
    default:
      return false;
  }
}

function containerUsage(world: World, subject: SubjectId): ContainerUsage | undefined {
  const record = world.registry.containers.get(subject);
  const tree = world.overlay(subject)?.tree;
  if (record === undefined || tree === undefined) return undefined;
  const image = record.image === null ? undefined : world.registry.images.get(record.image);
  return {
    container: subject,
    name: record.name,
    image: record.image,
    state: record.state,
    sizeRw: tree.upperBytes,
    virtual: tree.upperBytes + (image === undefined ? 0 : imageSize(image, world.registry)),
    allocated: tree.upperAllocatedBytes,
  };
}

function volumeUsage(world: World, subject: SubjectId): VolumeUsage | undefined {
  const record = world.registry.volumes.get(subject);
  const tree = world.overlay(subject)?.tree;
  if (record === undefined || tree === undefined || record.kind !== 'volume') return undefined;
  let links = 0;
  for (const container of world.registry.containers.values()) {
    if (container.mounts.some((mount) => mount.volume === subject)) links++;
  }
  return { volume: subject, name: record.name, size: tree.upperBytes, allocated: tree.upperAllocatedBytes, links };
}

function putImages(images: Map<string, ImageUsage>, registry: Registry): void {
  const uses = new Map<string, number>();
  for (const image of registry.images.values()) {
    for (const chainId of new Set(image.layers)) uses.set(chainId, (uses.get(chainId) ?? 0) + 1);
  }
  const references = new Map<string, string[]>();
  for (const [reference, image] of registry.tags) {
    const list = references.get(image);
    if (list === undefined) references.set(image, [reference]);
    else list.push(reference);
  }
  const containers = new Map<string, number>();
  for (const { image } of registry.containers.values()) {
    if (image !== null) containers.set(image, (containers.get(image) ?? 0) + 1);
  }
  for (const image of images.keys()) if (!registry.images.has(image)) images.delete(image);
  for (const record of registry.images.values()) {
    const { image } = record;
    const size = imageSize(record, registry);
    let shared = 0;
    for (const chainId of record.layers) if ((uses.get(chainId) ?? 0) > 1) shared += layerBytes(chainId, registry);
    put(images, image, {
      image,
      references: references.get(image) ?? [],
      size,
      shared,
      unique: size - shared,
      containers: containers.get(image) ?? 0,
    });
  }
}

function imageSize(image: ImageRecord, registry: Registry): number {
  return image.layers.reduce((size, chainId) => size + layerBytes(chainId, registry), 0);
}

const layerBytes = (chainId: string, registry: Registry): number => registry.layers.get(chainId)?.bytes ?? 0;

function totalsOf(usage: DiskUsage, registry: Registry): DiskUsage['totals'] {
  return {
    images: imageTotal([...usage.images.values()], registry),
    containers: total([...usage.containers.values()], ({ sizeRw, state }) => ({
      size: sizeRw,
      isActive: state === 'running' || state === 'paused',
    })),
    volumes: total([...usage.volumes.values()], ({ size, links }) => ({ size, isActive: links > 0 })),
  };
}

function imageTotal(images: readonly ImageUsage[], registry: Registry): UsageTotal {
  const layers = new Set([...registry.images.values()].flatMap((image) => image.layers));
  let size = 0;
  for (const chainId of layers) size += layerBytes(chainId, registry);
  const used = total(images, ({ unique, containers }) => ({ size: unique, isActive: containers > 0 }));
  return { ...used, size };
}

function total<T>(items: readonly T[], of: (item: T) => { size: number; isActive: boolean }): UsageTotal {
  let active = 0;
  let size = 0;
  let reclaimable = 0;
  for (const item of items) {
    const measure = of(item);
    size += measure.size;
    if (measure.isActive) active++;
    else reclaimable += measure.size;
  }
  return { count: items.length, active, size, reclaimable };
}

/** Sets, deletes, or leaves an equal record as it is, so that an unchanged result stays the same object. */
function put<K, V extends object>(map: Map<K, V>, key: K, value: V | undefined): void {
  const before = map.get(key);
  if (value === undefined) {
    if (before !== undefined) map.delete(key);
  } else if (before === undefined || !isSameRecord(before, value)) map.set(key, value);
}

function isSameRecord(here: object, there: object): boolean {
  const other = there as Record<string, unknown>;
  return Object.entries(here).every(([key, value]) => {
    const otherValue = other[key];
    if (Array.isArray(value) && Array.isArray(otherValue)) return value.join('\0') === otherValue.join('\0');
    return value === otherValue;
  });
}
