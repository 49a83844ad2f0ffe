import { BLOCK_BYTES } from '../tree/page.ts';
import { dockerLayers, layersAtMost, lowerRenames, OVERLAY_RULES, overlayModel } from './overlay.ts';
import type { CreationCost, StorageDriver } from './storage-driver.ts';

/** The branch itself, and the two directories that aufs makes in one that it may write to. */
const BRANCH_DIRECTORIES = 3;

const newContainer = (): CreationCost => ({
  copiedBytes: 0,
  dataBytes: 0,
  metadataBytes: BRANCH_DIRECTORIES * BLOCK_BYTES,
});

/** Docker's first driver; removed in Docker 24, and not in any kernel of today. */
export const aufs: StorageDriver = {
  name: 'aufs',
  title: 'aufs on ext4',
  evidence: 'published',
  parameters: [],
  rules: {
    ...OVERLAY_RULES,
    firstWrite: {
      formula: 'copied = all data of the file; taken = that in blocks of 4 KiB; once a file',
      source: 'Docker docs, storage/drivers/aufs-driver, "Modifying files"',
    },
    container: {
      formula: 'Σ blocks of files in the top branch; a deleted name is an empty file `.wh.` and name',
      source: 'aufs(5), "Whiteout"',
    },
    newContainer: {
      formula:
        'the branch, and in it .wh..wh.orph and .wh..wh.plnk: 3 × 4 KiB; nothing is copied. What Docker keeps beside them is not counted',
      source: 'aufs(5), "Whiteout", "Pseudo Link"; moby v20.10 daemon/graphdriver/aufs createDirsFor',
    },
    read: {
      formula: 'lookups = branches from the top down until the name is found',
      source: 'Docker docs, storage/drivers/aufs-driver, "aufs and Docker performance"',
    },
    remove: {
      formula:
        'a file of the image: nothing, `.wh.` is added; a file of the container: its blocks; a container: all its space',
      source: 'aufs(5)',
    },
  },
  limits: [
    dockerLayers,
    layersAtMost(127, 'aufs(5), CONFIG_AUFS_BRANCH_MAX_127, the default'),
    {
      ...lowerRenames,
      source: 'Docker docs, storage/drivers/aufs-driver, "Renaming directories": EXDEV if it has children',
    },
  ],
  model: () => ({ ...overlayModel, newContainer }),
};
