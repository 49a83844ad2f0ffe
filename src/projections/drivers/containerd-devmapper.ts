import { devicemapper } from './devicemapper.ts';
import type { StorageDriver } from './storage-driver.ts';
import { baseSizeLimit, thinModel, wrongBlockSize } from './thin-device.ts';

/** containerd's devmapper snapshotter: thin snapshots, in a pool that the administrator made. */
export const containerdDevmapper: StorageDriver = {
  name: 'containerd-devmapper',
  title: 'containerd devmapper',
  evidence: 'published',
  parameters: [
    {
      name: 'block-size',
      defaultValue: 65_536,
      min: 65_536,
      max: 2 ** 30,
      meaning: "bytes of a block of the pool, the administrator's choice, a multiple of 64 KiB",
      source: 'containerd docs/snapshotters/devmapper.md, dmsetup create … thin-pool … 128 sectors',
    },
    {
      name: 'base-size',
      defaultValue: 10 * 2 ** 30,
      min: 2 ** 20,
      max: 2 ** 44,
      meaning: 'bytes of the file system of every snapshot (base_image_size)',
      source: 'containerd docs/snapshotters/devmapper.md, the example of base_image_size',
    },
  ],
  conflict: wrongBlockSize,
  rules: {
    ...devicemapper.rules,
    remove: {
      formula:
        'a file: nothing; a container: all blocks of its own, handed back by a discard with discard_blocks=true only',
      source: 'containerd docs/snapshotters/devmapper.md, discard_blocks',
    },
  },
  limits: [baseSizeLimit('base-size', 'containerd docs/snapshotters/devmapper.md, base_image_size')],
  model: ({ 'block-size': blockBytes }) => thinModel(blockBytes),
};
