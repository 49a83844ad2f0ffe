/**
 * How much room images, containers and volumes take as containerd counts it: blocks × 512 of files and of directories, each
 * inode once (continuity fs/du_unix.go). Beside it stands Docker's figure, which is apparent and knows no directories
 * (disk-usage.ts).
 *
 * Blocks are ext4's of 4 KiB. Not counted are those of extent trees (files in more than four pieces), of attributes that an inode
 * has no room for, and the gaps in directories of several blocks. Directories are counted when somebody asks: their blocks follow
 * from all their names, so keeping that figure as events come would cost every event about names.
 */

import type { SubjectId } from '../events/event.ts';
import { StackedLayer } from './drivers/stacks.ts';
import { type TreeTotals, upperTotals } from './drivers/tree-totals.ts';
import type { LowerViews } from './lower-views.ts';
import type { LayerRecord } from './registry.ts';
import type { Tree } from './tree/tree.ts';
import type { World } from './world.ts';

export interface AllocatedUsage {
  /** All layers of each image, by its id. */
  readonly images: ReadonlyMap<string, number>;
  /** Uppers; the root directory of an empty one is a block. */
  readonly containers: ReadonlyMap<SubjectId, number>;
  readonly volumes: ReadonlyMap<SubjectId, number>;
  readonly totals: {
    /** Layers that some image refers to, each once. */
    readonly images: number;
    readonly containers: number;
    readonly volumes: number;
  };
}

/** Costs the sizes of uppers and volumes; of a layer only the first time. */
export function allocatedUsage(world: World): AllocatedUsage {
  const { registry } = world;
  const layers = new Map<string, number>();
  const images = new Map<string, number>();
  for (const { image } of registry.images.values()) {
    const stack = world.layersOf(image);
    stack.forEach(({ chainId }, index) => {
      layers.set(chainId, allocatedLayer(stack.slice(0, index + 1), world.lowers));
    });
    images.set(image, sum(stack.map(({ chainId }) => layers.get(chainId) as number)));
  }
  const containers = ofSubjects(world, registry.containers.keys());
  const volumes = ofSubjects(
    world,
    [...registry.volumes.values()].filter(({ kind }) => kind === 'volume').map(({ volume }) => volume),
  );
  const totals = { images: sum(layers.values()), containers: sum(containers.values()), volumes: sum(volumes.values()) };
  return { images, containers, volumes, totals };
}

/** Blocks of the files and directories of one layer, by the merged view of its stack, which never changes. */
const layerBytes = new WeakMap<Tree, number>();

function allocatedLayer(stack: readonly LayerRecord[], lowers: LowerViews): number {
  const view = lowers.stack(stack);
  const known = layerBytes.get(view);
  if (known !== undefined) return known;
  const bytes = blocksOf(new StackedLayer(stack, lowers).totals);
  layerBytes.set(view, bytes);
  return bytes;
}

function ofSubjects(world: World, subjects: Iterable<SubjectId>): Map<SubjectId, number> {
  const bytes = new Map<SubjectId, number>();
  for (const subject of subjects) {
    const tree = world.overlay(subject)?.tree;
    if (tree !== undefined) bytes.set(subject, blocksOf(upperTotals(tree)));
  }
  return bytes;
}

const blocksOf = ({ blockBytes, directoryBytes }: TreeTotals): number => blockBytes + directoryBytes;

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
