import { BLOCK_BYTES } from '../tree/page.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { nameBytes } from '../../events/name.ts';
import { brokenLinks, layersAtMost, lowerRenames, OVERLAY_RULES, overlayModel } from './overlay.ts';
import { spaceLayer } from './space-layer.ts';
import type { LayerContent, StorageDriver, StoredLayer } from './storage-driver.ts';

/** In front of the metadata: 1024 B for boot code, and the superblock (struct erofs_super_block). */
const SUPERBLOCK_END_BYTES = 1024 + 128;
/** Bytes of an inode on the disk with 64-bit times and ids of 32 bits (struct erofs_inode_extended). */
const INODE_BYTES = 64;
/** Inodes start at multiples of this; what lies inside of them is rounded up to it (EROFS_SLOTSIZE). */
const SLOT_BYTES = 32;
/** struct erofs_dirent. */
const DIRENT_BYTES = 12;
/** Entries `.` and `..`. */
const DOTS_BYTES = 2 * DIRENT_BYTES + 3;

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
        'one image file, as mkfs.erofs -Enoinline_data makes it: each file in whole 4 KiB; 1152 B of superblock, then for each inode 64 B and what lies beside it, in slots of 32 B: the target of a link, the entries of a directory (12 B and the name; . and .., too), of a larger one the last part, and the rest in whole 4 KiB. Not compressed',
      source:
        'containerd internal/erofsutils/mount.go ConvertTarErofs (-Enoinline_data); kernel erofs.rst, "On-disk details" and "Directories"; fs/erofs/erofs_fs.h',
    },
    read: {
      formula: 'lookups = layers + 1, as the overlay above the images',
      source: 'containerd docs/snapshotters/erofs.md, "How It Works"',
    },
  },
  limits: [layersAtMost(500, 'kernel fs/overlayfs/params.h OVL_MAX_STACK'), lowerRenames, brokenLinks],
  model: () => ({ ...overlayModel, layer: imageLayer }),
};

function imageLayer(_: StoredLayer | null, layer: LayerContent): StoredLayer {
  let dataBytes = 0;
  let metadataBytes = SUPERBLOCK_END_BYTES;
  const directories = new Map<Ino, number>();
  layer.forEachNode((node, ino) => {
    if (ino !== ROOT_INO) addTo(directories, node.parent, DIRENT_BYTES + nameBytes(node.name));
    if (node.dir !== null) addTo(directories, ino, DOTS_BYTES);
    // Holes are written out.
    else if (node.target === '') dataBytes += roundUp(node.size, BLOCK_BYTES);
    if (node.dir === null) metadataBytes += roundUp(INODE_BYTES + nameBytes(node.target), SLOT_BYTES);
  });
  for (const bytes of directories.values()) {
    const beside = bytes % BLOCK_BYTES;
    metadataBytes += roundUp(INODE_BYTES + beside, SLOT_BYTES) + bytes - beside;
  }
  return spaceLayer({ dataBytes, metadataBytes: roundUp(metadataBytes, BLOCK_BYTES) });
}

function addTo(sums: Map<Ino, number>, key: Ino, bytes: number): void {
  sums.set(key, (sums.get(key) ?? 0) + bytes);
}

const roundUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;
