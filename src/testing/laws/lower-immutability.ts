import { hash } from 'node:crypto';
import { LowerViews } from '../../projections/lower-views.ts';
import { Tree } from '../../projections/tree/tree.ts';
import type { Store } from '../../store/store.ts';
import { computeRoot } from '../roots.ts';

/**
 * Law 1: layers never change. Every chunk still has its digest, every layer that is made of its chunks again has the root
 * that was recorded when it was added, and every merged view that something stands on is what its layers make.
 *
 * @returns What does not hold, in sentences.
 */
export function lowerImmutabilityProblems(store: Store): string[] {
  const { world } = store;
  const { chunks } = store.engine.log;
  const problems: string[] = [];
  for (let chunk = 1; chunk <= chunks.head; chunk++) {
    const digest = hash('sha256', chunks.get(chunk));
    if (digest !== Buffer.from(chunks.digest(chunk)).toString('hex')) problems.push(`chunk ${chunk} has changed`);
  }
  const fresh = new LowerViews(chunks);
  for (const layer of world.registry.layers.values()) {
    const root = computeRoot(fresh.layer(layer), chunks);
    if (root !== layer.root) problems.push(`layer ${layer.chainId} has the root ${root}, not ${layer.root}`);
  }
  for (const image of world.registry.images.keys()) {
    const layers = world.layersOf(image);
    if (layers.length === 0) continue;
    const kept = computeRoot(world.lowerOf(image), chunks);
    if (kept !== computeRoot(fresh.stack(layers), chunks)) problems.push(`the merged view of ${image} has changed`);
  }
  for (const container of world.registry.containers.values()) {
    const lower = world.overlay(container.container)?.lower ?? null;
    if (lower === null) continue;
    const expected = container.image === null ? Tree.empty(0n) : fresh.stack(world.layersOf(container.image));
    if (computeRoot(lower, chunks) !== computeRoot(expected, chunks)) {
      problems.push(`what container ${container.container} stands on has changed`);
    }
  }
  return problems;
}
