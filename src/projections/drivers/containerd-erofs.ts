import { BLOCK_BYTES } from '../tree/page.ts';
import type { Inode } from '../tree/inode.ts';
import { nameBytes } from '../../events/name.ts';
import { brokenLinks, layersAtMost, lowerRenames, OVERLAY_RULES, overlayModel } from './overlay.ts';
import type { LayerContent, StorageDriver, StoredLayer } from './storage-driver.ts';

/** Bytes of an inode on the disk with 64-bit times and ids of 32 bits (struct erofs_inode_extended). */
const INODE_BYTES = 64;
/** struct erofs_dirent. */
const DIRENT_BYTES = 12;

/** containerd's erofs snapshotter: layers are immutable EROFS images, and containers an overlay above them. */
export const containerdErofs: StorageDriver = {
  name: 'containerd-erofs',
  title: 'containerd erofs',
  evidence: 'published',
  parameters: [],
  rules: {
    ...OVERLAY_RULES,
    layer: {
      formula:
        'one image file: Σ 64 B an inode + 12 B and the name an entry (a directory has . and .., too) + data; the tail of a file lies beside its inode, in all whole 4 KiB; not compressed',
      source: 'kernel erofs.rst, "On-disk details"; containerd docs/snapshotters/erofs.md',
    },
    read: {
      formula: 'lookups = layers + 1, as the overlay above the images',
      source: 'containerd docs/snapshotters/erofs.md',
    },
  },
  limits: [layersAtMost(500, 'kernel fs/overlayfs/params.h OVL_MAX_STACK'), lowerRenames, brokenLinks],
  model: () => ({ ...overlayModel, layer: imageLayer }),
};

function imageLayer(_: StoredLayer | null, layer: LayerContent): StoredLayer {
  let dataBytes = 0;
  let metadataBytes = BLOCK_BYTES; // the superblock at 1024 shares the first block
  layer.forEachNode((node) => {
    metadataBytes += INODE_BYTES + entryBytes(node);
    // Regular files and targets of links; holes are written out.
    dataBytes += node.dir === null ? node.size : 0;
  });
  const total = Math.ceil((dataBytes + metadataBytes) / BLOCK_BYTES) * BLOCK_BYTES;
  return { ownSpace: { dataBytes, metadataBytes: total - dataBytes } };
}

/** Its entry, and of a directory the entries `.` and `..`, too. */
const entryBytes = (node: Inode): number =>
  DIRENT_BYTES + nameBytes(node.name) + (node.dir === null ? 0 : 2 * DIRENT_BYTES + 3);
