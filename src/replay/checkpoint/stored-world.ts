/**
 * A world in a checkpoint: trees and merged views as nodes, everything small in one record.
 *
 * The record is a V8 serialization: it holds Maps, BigInts and texts with lone surrogates as they are. It is read by the
 * version that wrote it, or thrown away.
 */

import { deserialize, serialize } from 'node:v8';
import type { CheckpointInfo, LogAnchor, NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import type { SubjectId } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { DOCKER_PROFILE } from '../../events/overlay-profile.ts';
import type { LowerViews } from '../../projections/lower-views.ts';
import type { Registry } from '../../projections/registry.ts';
import { loadTree, type StoredTree, TreeStoring } from '../../projections/stored/stored-tree.ts';
import { type Overlay, World } from '../../projections/world.ts';
import type { Tree } from '../../projections/tree/tree.ts';

/** Raised whenever the fold makes another world of the same log, or the form below changes: checkpoints are made anew. */
export const WORLD_VERSION = 11;

interface StoredOverlay {
  readonly subject: SubjectId;
  /** chainID of the merged view that it stands on; '': the empty one; null: a volume. */
  readonly lower: string | null;
  readonly tree: StoredTree;
}

/** What a checkpoint holds. */
export interface WorldMeta {
  readonly version: number;
  readonly seq: number;
  readonly timeNs: bigint;
  readonly anchor: LogAnchor;
  readonly registry: Registry;
  readonly overlays: readonly StoredOverlay[];
  readonly lowers: readonly (readonly [chainId: string, tree: StoredTree])[];
  /** Records of their own, by name. */
  readonly parts: ReadonlyMap<string, NodeRef>;
}

export type WorldParts = Pick<WorldMeta, 'overlays' | 'lowers'>;

/** Stores the trees of a world that nobody folds any more; it yields after each node. */
export function* storeWorld(world: World, nodes: NodeWriter): Generator<void, WorldParts> {
  const storing = new TreeStoring(nodes);
  const overlays: StoredOverlay[] = [];
  const lowers: [string, StoredTree][] = [];
  for (const [chainId, tree] of world.lowers.stacks()) {
    if (world.registry.layers.has(chainId)) lowers.push([chainId, yield* storing.store(tree)]);
  }
  for (const { subject, tree, lower } of world.overlays()) {
    const chainId = lower === null ? null : world.lowers.chainOf(lower);
    overlays.push({ subject, lower: chainId, tree: yield* storing.store(tree) });
  }
  return { overlays, lowers };
}

export const encodeMeta = (meta: WorldMeta): Buffer => serialize(meta);

/** @throws `ERR_CHECKPOINT_DAMAGED` when it is of another version, or not of that moment. */
export function decodeMeta(bytes: Buffer, checkpoint: CheckpointInfo): WorldMeta {
  const meta = deserialize(bytes) as Partial<WorldMeta>;
  if (meta.version !== WORLD_VERSION || meta.seq !== checkpoint.seq) {
    throw storeError('ERR_CHECKPOINT_DAMAGED', `checkpoint: version ${meta.version} at event ${meta.seq}`);
  }
  return meta as WorldMeta;
}

/**
 * The world of a checkpoint; its trees are read as they are touched.
 *
 * @param again - The same world, folded from the log: where a node can't be read.
 * @throws `ERR_CHECKPOINT_DAMAGED`.
 */
export function loadWorld(meta: WorldMeta, nodes: NodeReader, lowers: LowerViews, again: () => World): World {
  for (const [chainId, stored] of meta.lowers) {
    if (!lowers.has(chainId))
      lowers.remember(
        chainId,
        loadTree(stored, nodes, () => lowers.rebuilt(chainId, meta.registry.layers)),
      );
  }
  const overlays = new Map<SubjectId, Overlay>();
  for (const { subject, lower, tree } of meta.overlays) {
    overlays.set(subject, {
      subject,
      tree: loadTree(tree, nodes, () => again().overlay(subject)?.tree as Tree),
      lower: lower === null ? null : lowers.at(lower, meta.registry.layers),
      profile: meta.registry.containers.get(subject)?.profile ?? DOCKER_PROFILE,
    });
  }
  const world = new World(lowers, overlays);
  world.seq = meta.seq;
  world.timeNs = meta.timeNs;
  world.registry = meta.registry;
  return world;
}
