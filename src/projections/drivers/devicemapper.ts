import { dockerLayers } from './overlay.ts';
import type { StorageDriver } from './storage-driver.ts';
import { baseSizeLimit, THIN_RULES, thinModel, wrongBlockSize } from './thin-device.ts';

/** Docker's devicemapper driver: a layer and a container are thin snapshots of one base device. Removed in Docker 25. */
export const devicemapper: StorageDriver = {
  name: 'devicemapper',
  title: 'devicemapper',
  evidence: 'published',
  parameters: [
    {
      name: 'block-size',
      defaultValue: 65_536,
      min: 65_536,
      max: 2 ** 30,
      meaning: 'bytes of a block of the pool (dm.blocksize), a multiple of 64 KiB',
      source: 'moby v20.10 daemon/graphdriver/devmapper/deviceset.go defaultThinpBlockSize = 128 sectors',
    },
    {
      name: 'base-size',
      defaultValue: 10 * 2 ** 30,
      min: 2 ** 20,
      max: 2 ** 44,
      meaning: 'bytes of the file system of every container (dm.basesize)',
      source: 'moby v20.10 daemon/graphdriver/devmapper/deviceset.go defaultBaseFsSize',
    },
  ],
  conflict: wrongBlockSize,
  rules: {
    ...THIN_RULES,
    firstWrite: {
      formula:
        'per block of the pool that is shared: copied = block-size, unless the write covers all of it; taken = block-size',
      source:
        'Docker docs, storage/drivers/device-mapper-driver, "Modifying files"; drivers/md/dm-thin.c io_overwrites_block',
    },
    remove: {
      formula:
        'a file: nothing, its blocks stay with the container unless dm.mountopt has discard; a container: all blocks of its own go back to the pool, and those of a loopback pool to the host, too (dm.blkdiscard, the default there, not on devices)',
      source:
        'moby v20.10 daemon/graphdriver/devmapper/deviceset.go MountDevice, NewDeviceSet doBlkDiscard; README.md, dm.blkdiscard',
    },
  },
  limits: [dockerLayers, baseSizeLimit('base-size', 'Docker docs, storage/drivers/device-mapper-driver, dm.basesize')],
  model: ({ 'block-size': blockBytes }) => thinModel(blockBytes),
};
