import { BLOCK_BYTES } from '../tree/page.ts';
import { CopiedTree } from './copied-tree.ts';
import type { StorageDriver, StorageModel } from './storage-driver.ts';
import { baseSizeLimit } from './thin-device.ts';

/** containerd's blockfile snapshotter: a snapshot is a copy of a file that holds a file system. */
export const containerdBlockfile: StorageDriver = {
  name: 'containerd-blockfile',
  title: 'containerd blockfile',
  evidence: 'published',
  parameters: [
    {
      name: 'file-size',
      defaultValue: 500 * 2 ** 20,
      min: 2 ** 20,
      max: 2 ** 44,
      meaning: 'bytes of the file of every snapshot',
      source: 'containerd docs/snapshotters/blockfile.md, the scratch file of its example (500 MiB)',
    },
  ],
  rules: {
    firstWrite: {
      formula: 'nothing: the whole file was copied when the snapshot was made',
      source: 'containerd docs/snapshotters/blockfile.md',
    },
    container: { formula: 'file-size, whatever is in it', source: 'containerd docs/snapshotters/blockfile.md' },
    layer: { formula: 'file-size', source: 'containerd docs/snapshotters/blockfile.md' },
    metadata: {
      formula: 'none beside the files: that of the file system is inside',
      source: 'containerd docs/snapshotters/blockfile.md',
    },
    newContainer: {
      formula: 'copied = file-size; on a file system that clones next to nothing',
      source: 'containerd docs/snapshotters/blockfile.md; plugins/snapshots/blockfile copyFileWithSync',
    },
    read: { formula: 'one lookup, through a loop device', source: 'containerd docs/snapshotters/blockfile.md' },
    remove: {
      formula: 'a file: nothing, the file of the snapshot stays as large; a container: file-size',
      source: 'containerd docs/snapshotters/blockfile.md',
    },
  },
  limits: [baseSizeLimit('file-size', 'containerd docs/snapshotters/blockfile.md: the size of the file is fixed')],
  model: ({ 'file-size': fileBytes }) => blockfileModel(fileBytes),
};

function blockfileModel(fileBytes: number): StorageModel {
  const space = { dataBytes: fileBytes, metadataBytes: 0 };
  return {
    layer: () => ({ ownSpace: space }),
    container: () => new CopiedTree(() => space),
    newContainer: () => ({ copiedBytes: fileBytes, ...space }),
    read: () => ({ lookups: 1, readBytes: BLOCK_BYTES }),
  };
}
