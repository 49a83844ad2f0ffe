import type { StorageDriver } from './storage-driver.ts';
import { copyingModel, vfs } from './vfs.ts';

/** containerd's native snapshotter: as vfs, a full copy a snapshot. */
export const containerdNative: StorageDriver = {
  name: 'containerd-native',
  title: 'containerd native',
  evidence: 'published',
  parameters: [],
  rules: {
    ...vfs.rules,
    firstWrite: {
      formula: 'nothing: everything was copied when the snapshot was made',
      source: 'containerd docs/snapshotters/README.md, "native"',
    },
    newContainer: {
      formula: 'copied = all files of the image, holes written out',
      source: 'containerd plugins/snapshots/native, continuity fs.CopyDir',
    },
  },
  limits: [],
  model: () => copyingModel,
};
