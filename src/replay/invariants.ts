/**
 * What must hold in every store, recomputed from the log instead of trusted: layers never changed, counters equal a recount
 * (Docker's size rule with them), and folding the log from nothing gives the same world.
 */

import { createHash } from 'node:crypto';
import { framedTar } from '../engine/layer-framing.ts';
import type { EventLog } from '../events/event-log.ts';
import { printableName } from '../events/name.ts';
import { LowerViews } from '../projections/lower-views.ts';
import { countedUpper, recountUpper } from '../projections/recount-upper.ts';
import type { LayerRecord, Registry } from '../projections/registry.ts';
import { merkleRoot } from '../projections/tree/merkle.ts';
import type { Overlay, World } from '../projections/world.ts';
import { foldWorld } from './time-machine.ts';

export interface InvariantOptions {
  /** Called as each layer, container and volume is done. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** @returns What does not hold, in sentences; nothing when all is well. */
export function checkInvariants(
  world: World,
  log: Pick<EventLog, 'head' | 'read' | 'chunks'>,
  options: InvariantOptions = {},
): string[] {
  const { layers, images } = world.registry;
  const overlays = [...world.overlays()];
  const total = layers.size + images.size + overlays.length;
  let done = 0;
  const problems: string[] = [];
  const check = (found: readonly string[]): void => {
    problems.push(...found);
    options.onProgress?.({ done: ++done, total });
  };
  for (const layer of layers.values()) check(checkLayer(layer, log));
  const fresh = new LowerViews(log.chunks);
  for (const image of images.keys()) check(checkStack(image, world, fresh, log));
  const replayed = foldWorld(log);
  problems.push(...checkRegistry(world.registry, replayed.registry));
  for (const overlay of overlays) check(checkOverlay(overlay, world, replayed, log));
  return problems;
}

/** A layer's tree, folded anew, has the root and the size that its LayerAdded says, and its tar is the one that was loaded. */
function checkLayer(layer: LayerRecord, log: Pick<EventLog, 'chunks'>): string[] {
  const tree = new LowerViews(log.chunks).layer(layer);
  const problems: string[] = [];
  const root = merkleRoot(tree, log.chunks);
  if (root !== layer.root) problems.push(`layer ${layer.diffId} has changed: its root is ${root}, not ${layer.root}`);
  if (tree.upperBytes !== layer.bytes) {
    problems.push(`layer ${layer.diffId} holds ${tree.upperBytes} bytes, not ${layer.bytes}`);
  }
  if (layer.framing.length > 0) {
    const hash = createHash('sha256');
    for (const piece of framedTar(layer.framing, tree, log.chunks)) hash.update(piece);
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== layer.diffId) problems.push(`the tar of layer ${layer.diffId} would be written as ${digest}`);
  }
  return problems;
}

/** The merged view that containers stand on is still what its layers make. */
function checkStack(image: string, world: World, fresh: LowerViews, log: Pick<EventLog, 'chunks'>): string[] {
  const layers = world.layersOf(image);
  if (layers.length === 0) return [];
  const kept = merkleRoot(world.lowers.stack(layers), log.chunks);
  const made = merkleRoot(fresh.stack(layers), log.chunks);
  return kept === made ? [] : [`the merged view of image ${image} has changed: its root is ${kept}, not ${made}`];
}

function checkOverlay(overlay: Overlay, world: World, replayed: World, log: Pick<EventLog, 'chunks'>): string[] {
  const problems: string[] = [];
  const name = nameOf(world.registry, overlay.subject);
  const counted = countedUpper(overlay.tree);
  const recount = recountUpper(overlay.tree);
  for (const key of Object.keys(recount) as (keyof typeof recount)[]) {
    if (counted[key] !== recount[key])
      problems.push(`${name}: ${key} is counted ${counted[key]}, and there are ${recount[key]}`);
  }
  const other = replayed.overlay(overlay.subject);
  if (other === undefined || merkleRoot(other.tree, log.chunks) !== merkleRoot(overlay.tree, log.chunks)) {
    problems.push(`${name}: folding the log from nothing gives another tree`);
  }
  return problems;
}

function checkRegistry(live: Registry, replayed: Registry): string[] {
  const problems: string[] = [];
  for (const part of ['labels', 'layers', 'images', 'tags', 'containers', 'volumes'] as const) {
    if (textOf(live[part]) !== textOf(replayed[part])) {
      problems.push(`folding the log from nothing gives other ${part}`);
    }
  }
  return problems;
}

function textOf(map: ReadonlyMap<unknown, unknown>): string {
  return JSON.stringify([...map], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

function nameOf(registry: Registry, subject: number): string {
  const container = registry.containers.get(subject);
  if (container !== undefined) return `container ${printableName(container.name)}`;
  const volume = registry.volumes.get(subject);
  return volume === undefined ? `tree ${subject}` : `volume ${printableName(volume.name)}`;
}
