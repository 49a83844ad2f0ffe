import { OVERLAY_RULES, newOverlay, readOverlay } from './overlay.ts';
import { overlay2 } from './overlay2.ts';
import { GranuleTree } from './granule-tree.ts';
import { decodeSpaceLayer } from './space-layer.ts';
import type { ContainerTotals, StorageDriver, StorageModel } from './storage-driver.ts';
import { unpackedLayer } from './whole-file-tree.ts';

/** overlay2 where the file system below clones files (FICLONE): xfs made with reflink, btrfs. */
export const overlay2Reflink: StorageDriver = {
  name: 'overlay2-reflink',
  title: 'overlay2 on xfs or btrfs',
  evidence: 'measured',
  parameters: [
    {
      name: 'block-size',
      defaultValue: 4096,
      min: 512,
      max: 65_536,
      mustBePowerOfTwo: true,
      meaning: 'bytes of a block of the file system below, which is what it shares',
      source: 'mkfs.xfs(8) -b size, mkfs.btrfs(8) --sectorsize',
    },
    {
      name: 'zeroes-tail',
      defaultValue: 0,
      min: 0,
      max: 1,
      meaning:
        '1: what lies behind the end of a file in its last block is zeroed at once when the size is set, also of a clone, which writes that block anew (xfs); 0: when the file grows (btrfs)',
      source: 'measured on Linux 6.18',
    },
  ],
  rules: {
    ...OVERLAY_RULES,
    firstWrite: {
      formula:
        'copy-up clones: nothing copied or taken; then each block written takes block-size, copied = what the write leaves of it',
      source: 'fs/overlayfs/copy_up.c ovl_copy_up_file (vfs_clone_file_range first)',
    },
    container: {
      formula: 'Σ block-size × blocks written since the clone, and all blocks of new files',
      source: 'ioctl_ficlonerange(2)',
    },
    metadata: {
      formula:
        'blocks of directories as on ext4; extent maps and reference counts are not counted (some 4 to 240 KiB per cloned file)',
      source: 'xfs: Documentation/filesystems/xfs, "Reflink"; measured',
    },
  },
  limits: overlay2.limits,
  model: (values) => reflinkModel(values['block-size'], values['zeroes-tail'] === 1),
};

function reflinkModel(blockBytes: number, isZeroedAtOnce: boolean): StorageModel {
  const rules = {
    granuleBytes: blockBytes,
    zeroesTail: isZeroedAtOnce ? ('when cut' as const) : ('when grown' as const),
    copyUpCuts: isZeroedAtOnce,
    fileBytes: (ownGranules: number) => ownGranules * blockBytes,
    metadataBytes: ({ upper }: ContainerTotals) => upper.directoryBytes,
    // The upper directory is copied file by file, each as a clone.
    forkCost: ({ upper }: ContainerTotals) => ({ copiedBytes: 0, takenBytes: upper.directoryBytes }),
  };
  return {
    layer: unpackedLayer,
    decodeLayer: decodeSpaceLayer,
    container: (_, lower) => new GranuleTree(rules, lower),
    decodeContainer: (reader, lower) => GranuleTree.decode(rules, reader, lower),
    newContainer: newOverlay,
    read: readOverlay,
  };
}
