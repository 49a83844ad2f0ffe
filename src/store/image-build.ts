/** Building an image's layers one on another, and adding what was built in one transaction. */

import type { ChunkStore } from '../events/chunk-store.ts';
import { STORE_SUBJECT } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import {
  addImage,
  chainIdsOf,
  checkLayerCount,
  checkReference,
  imageIdOf,
  type NewLayer,
} from '../engine/decide/image.ts';
import { dockerLayerBuilder } from '../engine/docker-layer-builder.ts';
import type { LayerAssembler } from '../engine/layer-assembler.ts';
import { layerBuilder, type LayerWarning } from '../engine/layer-builder.ts';
import type { LayerSink } from '../engine/layer-sink.ts';
import type { BuiltLayer } from '../engine/store-layer.ts';
import type { LayerRecord } from '../projections/registry.ts';
import { mergeLayer } from '../projections/tree/merge.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { parseConfigJson } from './image-config.ts';
import type { LiveMoment } from './moment.ts';

/** An image to be added: its config, and a function for each layer, lowest first, that hands its entries to a sink. */
export interface NewImage {
  /** The config JSON's bytes; its `rootfs.diff_ids` name the layers. */
  readonly config: Uint8Array;
  readonly layers: readonly ((sink: LayerSink) => void | Promise<void>)[];
  readonly tags?: readonly string[];
  readonly warn?: LayerWarning;
  /** Whose rules count where importers differ (SEM-2.5): the OCI spec's, or Docker 20.10's. Default `oci`. */
  readonly compat?: LayerCompat;
}

export type LayerCompat = 'oci' | 'docker';

/** A layer that was built and not added yet, and the view of the stack that it is the top of. */
export interface PreparedLayer {
  readonly layer: BuiltLayer;
  readonly merged: Tree;
}

/** An image whose layers are built, and its names. */
export interface PreparedImage {
  readonly config: Uint8Array;
  readonly layers: readonly NewLayer[];
  readonly references: readonly string[];
}

/**
 * Builds the layers of an image that the store does not have. Nothing is visible of them until they are added.
 *
 * @param built - Layers that were built before, by chainID; new ones join.
 */
export async function prepareImage(
  live: LiveMoment,
  image: NewImage,
  built = new Map<string, PreparedLayer>(),
): Promise<PreparedImage> {
  const references = (image.tags ?? []).map(checkReference);
  checkLayerCount(image.layers.length);
  const diffIds = diffIdsOf(image.config, image.layers.length);
  const chain = chainIdsOf(diffIds);
  let below = live.world.lowers.empty;
  for (const [index, feed] of image.layers.entries()) {
    const stored = viewOf(live, chain.slice(0, index + 1));
    const known = stored ?? built.get(chain[index])?.merged;
    if (known !== undefined && (stored === undefined || image.compat !== 'docker')) {
      // A damaged archive is refused also where the store needs nothing of it.
      if (stored !== undefined) await feed(NOWHERE);
      below = known;
      continue;
    }
    const builder = builderFor(live.engine.log.chunks, image, below);
    await feed(builder); // a layer is built on the ones below it
    const layer = builder.finish();
    if (stored !== undefined) {
      expectSameLayer(live, chain[index], layer);
      below = stored;
      continue;
    }
    below = mergeLayer(below, layer.tree, index);
    built.set(chain[index], { layer, merged: below });
  }
  const layers = chain.map((chainId, index) => ({
    diffId: diffIds[index],
    chainId,
    parent: chain[index - 1] ?? null,
    built: built.get(chainId)?.layer ?? null,
  }));
  return { config: image.config, layers, references };
}

export function builderFor(chunks: ChunkStore, image: Pick<NewImage, 'compat' | 'warn'>, below: Tree): LayerAssembler {
  if (image.compat === 'docker') return dockerLayerBuilder(chunks);
  return layerBuilder({ chunks, below, ...(image.warn && { warn: image.warn }) });
}

/** A store has one tree for a stack. Where Docker's would be another one, the answer must not be the wrong one. */
export function expectSameLayer(live: LiveMoment, chainId: string, layer: BuiltLayer): void {
  const record = live.world.registry.layers.get(chainId);
  if (record === undefined || record.root === layer.root) return;
  const message =
    `layer ${record.diffId} is in this store as the OCI spec reads it, and Docker reads it another way: ` +
    'load it into a store of its own';
  throw storeError('ERR_CONFLICT', message, { detail: { diffId: record.diffId } });
}

export const NOWHERE: LayerSink = { entry() {}, data() {}, hole() {} };

/** Adds prepared images in one transaction; gives their ids. */
export async function addPrepared(
  live: LiveMoment,
  images: readonly PreparedImage[],
  built?: ReadonlyMap<string, PreparedLayer>,
): Promise<string[]> {
  const ids = images.map((image) => imageIdOf(image.config));
  const names = images.flatMap((image) => image.references);
  return live.run(['load', ...names], () => {
    for (const image of images) live.commit(STORE_SUBJECT, addImage(live.world.registry, image));
    for (const [chainId, { merged }] of built ?? []) live.world.lowers.remember(chainId, merged);
    return ids;
  });
}

/** The merged view of a stack that the store has. */
export function viewOf(live: LiveMoment, chain: readonly string[]): Tree | undefined {
  const { lowers, registry } = live.world;
  const layers: LayerRecord[] = [];
  for (const chainId of chain) {
    const layer = registry.layers.get(chainId);
    if (layer === undefined) return undefined;
    layers.push(layer);
  }
  return lowers.stack(layers);
}

function diffIdsOf(config: Uint8Array, layers: number): string[] {
  const rootfs = parseConfigJson(config)['rootfs'] as { diff_ids?: unknown } | undefined;
  const diffIds = Array.isArray(rootfs?.diff_ids) ? (rootfs.diff_ids as unknown[]) : [];
  const isValid = diffIds.every((diffId) => typeof diffId === 'string' && /^sha256:[0-9a-f]{64}$/.test(diffId));
  if (!isValid || diffIds.length !== layers) {
    throw storeError('ERR_OCI_CORRUPT', `the image config names ${diffIds.length} layers, and there are ${layers}`);
  }
  return diffIds as string[];
}
