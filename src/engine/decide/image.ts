/** Images: adding, tagging, removing (SEM-2.4, 2.6). */

import { createHash } from 'node:crypto';
import type { ChunkNumber, ImageEvent } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import {
  type ContainerRecord,
  type ImageRecord,
  normalizeReference,
  type Registry,
} from '../../projections/registry.ts';
import type { BuiltLayer } from '../store-layer.ts';

/** A layer of an image that is being added. `built` is null when the store has its stack already. */
export interface NewLayer {
  readonly diffId: string;
  readonly chainId: string;
  readonly parent: string | null;
  readonly built: BuiltLayer | null;
}

/** `sha256:…` of a stack: the diffID of the lowest layer, then SHA-256 of "chainID diffID" (OCI image spec, config.md). */
export function chainIdOf(parent: string | null, diffId: string): string {
  if (parent === null) return diffId;
  return `sha256:${createHash('sha256').update(`${parent} ${diffId}`).digest('hex')}`;
}

/** The chainIDs of a stack of diffIDs, lowest first. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) chain.push(chainIdOf(chain.at(-1) ?? null, diffId));
  return chain;
}

/** The image id: SHA-256 of its config's bytes. */
export function imageIdOf(config: Uint8Array): string {
  return `sha256:${createHash('sha256').update(config).digest('hex')}`;
}

/**
 * Adds an image with the layers that the store does not have yet, and names it.
 *
 * @param references - Each moves here if another image had it.
 */
export function addImage(
  registry: Registry,
  image: { config: Uint8Array; layers: readonly NewLayer[]; references: readonly string[] },
): ImageEvent[] {
  const events: ImageEvent[] = [];
  for (const { built, ...ids } of image.layers) {
    if (registry.layers.has(ids.chainId)) continue;
    if (built === null) {
      throw storeError('ERR_CONFLICT', `layer ${ids.chainId} was removed while the image was read: load it again`);
    }
    const { chunks, root, entries, bytes, framing } = built;
    events.push({ type: 'LayerAdded', ...ids, root, chunks, entries, bytes }, ...framed(ids.chainId, framing));
  }
  const id = imageIdOf(image.config);
  if (!registry.images.has(id)) {
    const layers = image.layers.map((layer) => layer.chainId);
    events.push({ type: 'ImageAdded', image: id, config: Uint8Array.from(image.config), layers });
  }
  for (const reference of image.references) events.push(...tagImage(registry, id, reference));
  return events;
}

const framed = (chainId: string, chunks: readonly ChunkNumber[]): ImageEvent[] =>
  chunks.length === 0 ? [] : [{ type: 'LayerFramed', chainId, chunks }];

/**
 * Brings back an image that was removed since an earlier moment, without its names: what its layers hold is still in the
 * log. No events when it is there.
 *
 * @param then - The registry of that moment.
 */
export function restoreImage(registry: Registry, then: Registry, image: string): ImageEvent[] {
  const record = then.images.get(image);
  if (record === undefined || registry.images.has(image)) return [];
  const events: ImageEvent[] = [];
  for (const chainId of record.layers) {
    const layer = then.layers.get(chainId);
    if (layer === undefined || registry.layers.has(chainId)) continue;
    const { seq: _, framing, ...fields } = layer;
    events.push({ type: 'LayerAdded', ...fields }, ...framed(chainId, framing));
  }
  events.push({ type: 'ImageAdded', image, config: record.config, layers: record.layers });
  return events;
}

/**
 * Gives an image a name; it is taken from the image that had it.
 *
 * @throws `ERR_INVALID_ARGUMENT` for something that is not a reference.
 */
export function tagImage(registry: Registry, image: string, reference: string): ImageEvent[] {
  const name = checkReference(reference);
  return registry.tags.get(name) === image ? [] : [{ type: 'ImageTagged', reference: name, image }];
}

/** @throws `ERR_NOT_FOUND` when no image has the name. */
export function untagImage(registry: Registry, reference: string): ImageEvent[] {
  const name = checkReference(reference);
  if (!registry.tags.has(name)) throw storeError('ERR_NOT_FOUND', `no image has the name "${name}"`);
  return [{ type: 'ImageUntagged', reference: name }];
}

/**
 * Removes a name; with the last one the image, and the layers that no other image has.
 *
 * @param reference - As asked: a name, or the image's id or a part of it.
 * @param force - Removes an image by id although it has several names.
 * @throws `ERR_CONFLICT` when a container uses the image, or an id has several names.
 */
export function removeImage(registry: Registry, image: ImageRecord, reference: string, force: boolean): ImageEvent[] {
  const names = tagsOf(registry, image.image);
  const name = normalizeReference(reference);
  const isByName = names.includes(name);
  if (isByName && names.length > 1) return [{ type: 'ImageUntagged', reference: name }];
  const short = image.image.slice(7, 19);
  if (!isByName && names.length > 1 && !force) {
    const message = `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`;
    throw storeError('ERR_CONFLICT', message, { detail: { image: image.image, names: names.join(', ') } });
  }
  for (const container of registry.containers.values()) {
    if (container.image !== image.image) continue;
    const message = isByName
      ? `conflict: unable to remove repository reference "${reference}" (must force) - ` +
        `container ${container.id.slice(0, 12)} is using its referenced image ${short}`
      : `conflict: unable to delete ${short} ${usedBy(container)}`;
    throw storeError('ERR_CONFLICT', message, { detail: { image: image.image, container: container.id } });
  }
  return [
    ...names.map((each) => ({ type: 'ImageUntagged', reference: each }) as const),
    { type: 'ImageRemoved', image: image.image },
    ...unsharedLayers(registry, image).map((chainId) => ({ type: 'LayerRemoved', chainId }) as const),
  ];
}

function usedBy({ state, id }: ContainerRecord): string {
  const isAlive = state === 'running' || state === 'paused';
  const force = isAlive ? '(cannot be forced)' : '(must be forced)';
  return `${force} - image is being used by ${isAlive ? 'running' : 'stopped'} container ${id.slice(0, 12)}`;
}

/** Names of an image, sorted. */
export function tagsOf(registry: Registry, image: string): string[] {
  return [...registry.tags]
    .filter(([, tagged]) => tagged === image)
    .map(([reference]) => reference)
    .toSorted();
}

/** The image's layers that no other image has, the uppermost first. */
function unsharedLayers(registry: Registry, image: ImageRecord): string[] {
  const shared = new Set<string>();
  for (const other of registry.images.values()) {
    if (other.image !== image.image) for (const chainId of other.layers) shared.add(chainId);
  }
  return image.layers.filter((chainId) => !shared.has(chainId)).toReversed();
}

/** @throws `ERR_UNSUPPORTED` for an image that no kernel could mount (SEM-L10). */
export function checkLayerCount(layers: number): void {
  if (layers <= LAYERS_MAX) return;
  const message = `an image has at most ${LAYERS_MAX} layers, as many as the kernel stacks; this one would have ${layers}`;
  throw storeError('ERR_UNSUPPORTED', message, { detail: { layers } });
}

/** OVL_MAX_STACK of fs/overlayfs/. Docker's own bound, 128, is that of a mount's option string. */
export const LAYERS_MAX = 500;

/** A reference with its tag: lower-case name, optionally with a host and folders, and a tag (distribution's grammar). */
export function checkReference(reference: string): string {
  const name = normalizeReference(reference);
  if (!isReference(name)) {
    throw storeError('ERR_INVALID_ARGUMENT', `"${reference}" is not an image name such as app:1 or team/app:1`, {
      detail: { reference },
    });
  }
  return name;
}

/** Whether a name with its tag is well formed. */
export const isReference = (name: string): boolean => REFERENCE.test(name);

const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?';
const REFERENCE = new RegExp(`^${HOST}${PART}(?:/${PART})*:[\\w][\\w.-]{0,127}$`);
