import { BLOCK_BYTES } from '../tree/page.ts';
import { CopiedTree, copiedSpace } from './copied-tree.ts';
import { dockerLayers } from './overlay.ts';
import { decodeSpaceLayer, spaceLayer } from './space-layer.ts';
import type { LayerContent, StorageDriver, StorageModel, StoredLayer } from './storage-driver.ts';
import { mergedTotals } from './tree-totals.ts';

/** Docker's vfs: every layer and every container is a full copy of what is below it. */
export const vfs: StorageDriver = {
  name: 'vfs',
  title: 'vfs on ext4',
  evidence: 'measured',
  parameters: [],
  rules: {
    firstWrite: {
      formula: 'nothing: everything was copied when the container was made',
      source: 'Docker docs, storage/drivers/vfs-driver',
    },
    container: {
      formula:
        'Σ blocks of all files that are seen, hard links once; a copy has no holes, what is written later may have',
      source: 'Docker docs, storage/drivers/vfs-driver',
    },
    layer: {
      formula: 'Σ blocks of all files that are seen up to this layer, holes written out',
      source: 'Docker docs, storage/drivers/vfs-driver',
    },
    metadata: { formula: 'blocks of all directories', source: 'fs/ext4/ext4.h EXT4_DIR_REC_LEN' },
    newContainer: {
      formula:
        'copied = all files of the image, holes written out. On xfs and btrfs the copy clones, and takes next to nothing',
      source: 'moby daemon/graphdriver/copy DirCopy (FICLONE, then copy_file_range)',
    },
    read: {
      formula: 'one lookup, plain files; copies do not share the page cache',
      source: 'Docker docs, storage/drivers/vfs-driver',
    },
    remove: {
      formula: 'a file: its blocks; a container: all of its copy',
      source: 'Docker docs, storage/drivers/vfs-driver',
    },
  },
  limits: [dockerLayers],
  model: () => copyingModel,
};

/** Layers and containers that are directories with everything in them. */
export const copyingModel: StorageModel = {
  layer: (_: StoredLayer | null, { merged }: LayerContent) => spaceLayer(copiedSpace(mergedTotals(merged))),
  decodeLayer: decodeSpaceLayer,
  container: (_, lower) => new CopiedTree(lower),
  decodeContainer: (reader, lower) => CopiedTree.decode(reader, lower),
  newContainer: (_, lower) => ({ copiedBytes: lower.apparentBytes, ...copiedSpace(lower) }),
  read: () => ({ lookups: 1, readBytes: BLOCK_BYTES }),
};
