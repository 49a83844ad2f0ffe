import { BLOCK_BYTES } from '../tree/page.ts';
import { dockerLayers } from './overlay.ts';
import type { Inode } from '../tree/inode.ts';
import { GranuleTree } from './granule-tree.ts';
import { decodeSpaceLayer, spaceLayer } from './space-layer.ts';
import type { ContainerTotals, LayerContent, StorageDriver, StorageModel, StoredLayer } from './storage-driver.ts';

/** Docker's btrfs driver: a layer is a subvolume, and a container a snapshot of one. */
export const btrfs: StorageDriver = {
  name: 'btrfs',
  title: 'btrfs',
  evidence: 'measured',
  parameters: [
    {
      name: 'sector-size',
      defaultValue: 4096,
      min: 4096,
      max: 65_536,
      mustBePowerOfTwo: true,
      meaning: 'bytes of a sector: what is written anew as a whole',
      source:
        'mkfs.btrfs(8) --sectorsize, "the minimum data block allocation unit": 4 KiB starting in 6.7, the page size before (its note there; btrfs-progs Documentation/mkfs.btrfs.rst)',
    },
    {
      name: 'node-size',
      defaultValue: 16_384,
      min: 4096,
      max: 65_536,
      mustBePowerOfTwo: true,
      meaning: 'bytes of a node of the trees that hold metadata',
      source: 'mkfs.btrfs(8) --nodesize: 16 KiB or the page size, at most 64 KiB',
    },
    {
      name: 'max-inline',
      defaultValue: 2048,
      min: 0,
      max: 65_536,
      meaning: 'a file of up to so many bytes, and no more than sector-size, lies in the metadata',
      source: 'btrfs(5), "BTRFS SPECIFIC MOUNT OPTIONS", max_inline: 2048, limited by the sector size',
    },
  ],
  rules: {
    firstWrite: {
      formula: 'taken = sector-size × sectors written; copied = what the write leaves of them. Attributes copy nothing',
      source:
        'Docker docs, storage/drivers/btrfs-driver; btrfs(5), "STORAGE MODEL, HARDWARE CONSIDERATIONS" (copy on write); mkfs.btrfs(8) --sectorsize',
    },
    container: {
      formula:
        'sector-size × sectors written since the snapshot and still there; files up to max-inline none. Parts of an extent that nobody sees any more stay until all of it is unseen, which is not counted',
      source: 'btrfs-filesystem(8) du: exclusive is what nothing else shares',
    },
    layer: {
      formula: 'sector-size × sectors of the files that the layer brings',
      source: 'moby daemon/graphdriver/btrfs',
    },
    metadata: {
      formula:
        '2 × node-size a subvolume (its root, and a leaf), then node-size for every 100 of its changed files and directories: an estimate, not exact',
      source: 'measured: a new snapshot takes 32 KiB with the default node-size',
    },
    newContainer: {
      formula: 'a snapshot of the subvolume: 2 × node-size, at any size',
      source: 'btrfs-subvolume(8) snapshot',
    },
    read: {
      formula: 'one lookup, as in any directory; reads are of sectors; snapshots do not share the page cache',
      source: 'Docker docs, storage/drivers/btrfs-driver, "Memory"',
    },
    remove: {
      formula:
        'a file of the image: nothing, its sectors belong to the layer; a file of the container: its sectors; a container: its exclusive sectors',
      source: 'Docker docs, storage/drivers/btrfs-driver',
    },
  },
  limits: [dockerLayers],
  model: btrfsModel,
};

/** Changed items (inode, extent, name) that fit a leaf of 16 KiB, by and large. */
const ITEMS_A_LEAF = 100;

function btrfsModel(values: Readonly<Record<string, number>>): StorageModel {
  const { 'sector-size': sector, 'node-size': node, 'max-inline': maxInline } = values;
  const inline = Math.min(maxInline, sector);
  const metadataOf = (items: number): number => (2 + Math.floor(items / ITEMS_A_LEAF)) * node;
  const rules = {
    zeroesTail: 'when grown' as const,
    granuleBytes: sector,
    fileBytes: (ownGranules: number, size: number) => (size <= inline ? 0 : ownGranules * sector),
    metadataBytes: ({ upper }: ContainerTotals) => metadataOf(upper.files + upper.directories + upper.others),
    forkCost: () => null,
  };
  const fileBytes = ({ content, size }: Inode): number =>
    size <= inline ? 0 : roundUp(content?.allocatedBytes ?? 0, sector);
  return {
    layer: (_: StoredLayer | null, layer: LayerContent) => {
      let dataBytes = 0;
      layer.forEachNode((each) => {
        dataBytes += fileBytes(each);
      });
      const { files, directories, others } = layer.totals;
      return spaceLayer({ dataBytes, metadataBytes: metadataOf(files + directories + others) });
    },
    decodeLayer: decodeSpaceLayer,
    container: (_, lower) => new GranuleTree(rules, lower),
    decodeContainer: (reader, lower) => GranuleTree.decode(rules, reader, lower),
    newContainer: () => ({ copiedBytes: 0, dataBytes: 0, metadataBytes: 2 * node }),
    read: () => ({ lookups: 1, readBytes: Math.max(BLOCK_BYTES, sector) }),
  };
}

const roundUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;
