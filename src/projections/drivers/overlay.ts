/** What all drivers on top of an overlay have in common: Docker's, containerd's, in the kernel or in user space. */

import { BLOCK_BYTES } from '../tree/page.ts';
import type { CreationCost, LimitRule, ReadCost, Rule, StorageModel } from './storage-driver.ts';
import { decodeSpaceLayer } from './space-layer.ts';
import { unpackedLayer, WholeFileTree } from './whole-file-tree.ts';

/** Directories that a new overlay container needs: what it writes (`diff`), and the kernel's `work`. */
const NEW_DIRECTORIES = 2;

export const newOverlay = (): CreationCost => ({
  copiedBytes: 0,
  dataBytes: 0,
  metadataBytes: NEW_DIRECTORIES * BLOCK_BYTES,
});

/** A name is looked for in the upper and then layer by layer; content comes from where it lies. */
export const readOverlay = (layers: number): ReadCost => ({ lookups: layers + 1, readBytes: BLOCK_BYTES });

/** Files are copied up as a whole. */
export const overlayModel: StorageModel = {
  layer: unpackedLayer,
  decodeLayer: decodeSpaceLayer,
  container: () => new WholeFileTree(),
  decodeContainer: () => new WholeFileTree(),
  newContainer: newOverlay,
  read: readOverlay,
};

export const OVERLAY_RULES = {
  firstWrite: {
    formula: 'copied = all data of the file, in stretches of 1 MiB from data to data; taken = that in blocks of 4 KiB',
    source: 'kernel overlayfs.rst, "Non-directories"; fs/overlayfs/copy_up.c ovl_copy_up_file',
  },
  container: {
    formula: 'Σ blocks of files in the upper directory, hard links once; a whiteout takes none',
    source: 'kernel overlayfs.rst, "whiteouts and opaque directories"',
  },
  layer: {
    formula: 'Σ blocks of the files that the layer holds',
    source: 'Docker docs, storage/drivers/overlayfs-driver',
  },
  metadata: {
    formula:
      'blocks of directories in the upper (ext4: 4 KiB each, more for long ones); inodes lie in tables made with the file system',
    source: 'fs/ext4/ext4.h EXT4_DIR_REC_LEN; mke2fs(8)',
  },
  newContainer: {
    formula:
      'the directories diff and work: 2 × 4 KiB; nothing is copied. What Docker keeps beside them (their folder, the files link and lower, the init layer) is not counted',
    source: 'moby daemon/graphdriver/overlay2 create',
  },
  read: {
    formula:
      'lookups = layers + 1 for a name of the lowest layer, cached afterwards; the page cache is shared by all containers',
    source: 'kernel overlayfs.rst, "Multiple lower layers"',
  },
  remove: {
    formula:
      'a file of the image: nothing, a whiteout is added; a file of the container: its blocks; a container: all its space',
    source: 'kernel overlayfs.rst, "whiteouts and opaque directories"',
  },
} satisfies Record<string, Rule>;

export const lowerRenames: LimitRule = {
  limit: 'renaming a directory of the image is refused with EXDEV',
  source: 'kernel overlayfs.rst, "renaming directories", redirect_dir=off',
  check: ({ lowerDirectoryRenames }) => ({ reached: lowerDirectoryRenames, isHit: lowerDirectoryRenames > 0 }),
};

export const brokenLinks: LimitRule = {
  limit: 'changing one name of a hard link of the image parts it from the others',
  source: 'kernel overlayfs.rst, "Non-standard behavior", index=off',
  check: (reached) => ({ reached: reached.brokenLinks, isHit: reached.brokenLinks > 0 }),
};

/** What Docker itself takes, with every driver: "125 was chosen to account for the 127 max in some graphdrivers". */
export const dockerLayers: LimitRule = {
  limit: 'Docker takes at most 125 layers',
  source: 'moby layer/layer_store.go maxLayerDepth',
  check: ({ layers }) => ({ reached: layers, isHit: layers > 125 }),
};

/** At most so many layers in one stack. */
export const layersAtMost = (most: number, source: string): LimitRule => ({
  limit: `at most ${most} layers`,
  source,
  check: ({ layers }) => ({ reached: layers, isHit: layers > most }),
});
