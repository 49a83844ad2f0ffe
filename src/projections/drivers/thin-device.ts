/** Device mapper's thin provisioning: a pool of blocks, and devices that share them until one is written. */

import { DeviceTree } from './device-tree.ts';
import { BLOCK_BYTES } from '../tree/page.ts';
import type { DriverValues, LimitRule, StorageModel, StoredLayer } from './storage-driver.ts';

/** A mapping in the pool's btree: a key and a value of 8 bytes (drivers/md/persistent-data/dm-btree-internal.h; dm-thin-metadata.c). */
const MAPPING_BYTES = 16;

export function thinModel(unitBytes: number): StorageModel {
  const rules = {
    unitBytes,
    copies: 'whole' as const,
    metadataBytes: (units: readonly number[]) => units.length * MAPPING_BYTES,
  };
  const above = (below: StoredLayer | null): DeviceTree =>
    (below as DeviceTree | null)?.above() ?? new DeviceTree(rules);
  return {
    layer: (below, layer) => above(below).unpack(layer),
    decodeLayer: (reader) => DeviceTree.decode(rules, reader),
    container: above,
    decodeContainer: (reader) => DeviceTree.decode(rules, reader),
    newContainer: () => ({ copiedBytes: 0, dataBytes: 0, metadataBytes: 0 }),
    read: () => ({ lookups: 1, readBytes: BLOCK_BYTES }),
  };
}

/** Device mapper takes nothing else (drivers/md/dm-thin.c, DATA_DEV_BLOCK_SIZE_MIN_SECTORS). */
const BLOCK_STEP_BYTES = 65_536;

/** What is wrong with a pool's block size that is in its bounds; null: nothing. */
export const wrongBlockSize = (values: DriverValues): string | null =>
  values['block-size'] % BLOCK_STEP_BYTES === 0 ? null : 'block-size is a multiple of 64 KiB';

export const THIN_RULES = {
  container: {
    formula:
      'block-size × blocks of the pool that the device does not share. Where a file lies is assumed: 4 KiB blocks in the order of their first write, freed ones used again',
    source: 'kernel thin-provisioning.rst, "Status"; the order is an assumption',
  },
  layer: { formula: 'block-size × blocks that unpacking the layer wrote', source: 'kernel thin-provisioning.rst' },
  metadata: {
    formula:
      '16 B a block in the mapping tree of the pool, key and value (with nodes half full and reference counts the kernel advises to plan 48 B a block); journal, inode tables and directories of the file system inside are not counted',
    source:
      'drivers/md/dm-thin-metadata.c data_mapping; kernel thin-provisioning.rst, "Setting up a fresh pool device"',
  },
  newContainer: {
    formula: 'a thin snapshot: O(1), nothing copied',
    source: 'kernel thin-provisioning.rst, "Internal snapshots"',
  },
  read: {
    formula: 'one lookup; one step through the mapping tree, whatever the depth; snapshots do not share the page cache',
    source: 'kernel thin-provisioning.rst, "Internal snapshots"',
  },
  remove: {
    formula: 'a file: nothing, its blocks stay in the pool until a discard; a container: all blocks of its own',
    source: 'kernel thin-provisioning.rst, "Discard"',
  },
};

/** The file system on the device has a size that was chosen when it was made. */
export const baseSizeLimit = (parameter: string, source: string): LimitRule => ({
  limit: `the file system has ${parameter}`,
  source,
  check: ({ mergedBytes }, values) => ({ reached: mergedBytes, isHit: mergedBytes > values[parameter] }),
});
