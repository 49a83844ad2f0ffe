import { dockerLayers } from './overlay.ts';
import type { Inode } from '../tree/inode.ts';
import { dataStretches } from './data-stretches.ts';
import { GranuleTree } from './granule-tree.ts';
import { decodeSpaceLayer, spaceLayer } from './space-layer.ts';
import type { ContainerTotals, LayerContent, StorageDriver, StorageModel, StoredLayer } from './storage-driver.ts';

/** Docker's ZFS driver: a layer is a snapshot, and a container a clone of one. */
export const zfs: StorageDriver = {
  name: 'zfs',
  title: 'ZFS',
  evidence: 'published',
  parameters: [
    {
      name: 'record-size',
      defaultValue: 131_072,
      min: 512,
      max: 16_777_216,
      mustBePowerOfTwo: true,
      meaning: 'bytes of a record: what is written anew as a whole',
      source:
        'zfsprops(7) recordsize: 128 KiB, with large_blocks up to zfs_max_recordsize of zfs(4): 16 MiB since openzfs/zfs#13302, 1 MiB before',
    },
    {
      name: 'sector-size',
      defaultValue: 4096,
      min: 512,
      max: 65_536,
      mustBePowerOfTwo: true,
      meaning: 'bytes to which a record is rounded up (2^ashift)',
      source: 'zpoolprops(7) ashift, 9 to 16: 12 for disks of today',
    },
  ],
  rules: {
    firstWrite: {
      formula:
        'taken = record-size × records written; a file below record-size is one record of its own length; copied = what the write leaves of them. Not compressed',
      source: 'Docker docs, storage/drivers/zfs-driver; zfsprops(7) recordsize',
    },
    container: {
      formula:
        'record-size × records written since the clone and still there; a smaller file its length in whole sectors',
      source: 'zfsprops(7) usedbydataset',
    },
    layer: { formula: 'records of the files that the layer brings', source: 'Docker docs, storage/drivers/zfs-driver' },
    metadata: {
      formula:
        '512 B a dnode of each changed file and directory; indirect blocks and the copies of metadata are not counted',
      source: 'OpenZFS include/sys/dnode.h DNODE_MIN_SIZE; zfsprops(7) dnodesize=legacy',
    },
    newContainer: { formula: 'snapshot and clone: nothing copied, at any size', source: 'zfs-clone(8)' },
    read: {
      formula: 'one lookup; a read brings whole records, since the checksum is over one; the ARC is shared by clones',
      source: 'zfsprops(7) checksum, recordsize; Docker docs, storage/drivers/zfs-driver',
    },
    remove: {
      formula:
        'a file of the image: nothing while the snapshot holds it; a file of the container: its records; a container: its own records',
      source: 'Docker docs, storage/drivers/zfs-driver',
    },
  },
  limits: [dockerLayers],
  model: zfsModel,
};

const DNODE_BYTES = 512;

function zfsModel(values: Readonly<Record<string, number>>): StorageModel {
  const { 'record-size': record, 'sector-size': sector } = values;
  const recordBytes = (size: number): number => (size < record ? Math.ceil(size / sector) * sector : record);
  const rules = {
    zeroesTail: 'when cut' as const,
    granuleBytes: record,
    fileBytes: (ownGranules: number, size: number) => ownGranules * recordBytes(size),
    metadataBytes: ({ upper }: ContainerTotals) => (upper.files + upper.directories + upper.others) * DNODE_BYTES,
    forkCost: () => null,
  };
  return {
    layer: (_: StoredLayer | null, layer: LayerContent) => {
      let dataBytes = 0;
      layer.forEachNode((node) => {
        dataBytes += recordsOf(node, record) * recordBytes(node.size);
      });
      const { files, directories, others } = layer.totals;
      return spaceLayer({ dataBytes, metadataBytes: (files + directories + others) * DNODE_BYTES });
    },
    decodeLayer: decodeSpaceLayer,
    container: (_, lower) => new GranuleTree(rules, lower),
    decodeContainer: (reader, lower) => GranuleTree.decode(rules, reader, lower),
    newContainer: () => ({ copiedBytes: 0, dataBytes: 0, metadataBytes: DNODE_BYTES }),
    read: () => ({ lookups: 1, readBytes: record }),
  };
}

/** Records that hold data; holes take none. */
function recordsOf({ content, size }: Inode, record: number): number {
  let records = 0;
  let next = 0;
  for (const { from, to } of dataStretches(content, size)) {
    const first = Math.max(next, Math.floor(from / record));
    next = Math.ceil(to / record);
    records += Math.max(0, next - first);
  }
  return records;
}
