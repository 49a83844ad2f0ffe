/**
 * What a qcow2 file holds beside data (QEMU docs/interop/qcow2.rst): header, refcount table and blocks, L1 and L2 tables, each in
 * clusters of its own.
 */

export interface Qcow2Format {
  readonly clusterBytes: number;
  /** Bytes of the disk that the guest sees. */
  readonly diskBytes: number;
  /** Entries of L2 tables have 16 bytes and tell 32 sub-clusters apart. */
  readonly extendedL2: boolean;
}

const L2_ENTRY_BYTES = 8;
const EXTENDED_L2_ENTRY_BYTES = 16;
const SUBCLUSTERS = 32;
/** refcount_order 4, the default. */
const REFCOUNT_BYTES = 2;

/** What is allocated at a time. */
export const allocationBytes = ({ clusterBytes, extendedL2 }: Qcow2Format): number =>
  extendedL2 ? clusterBytes / SUBCLUSTERS : clusterBytes;

/** Bytes of the disk that one L2 table is about. */
export function l2Reach({ clusterBytes, extendedL2 }: Qcow2Format): number {
  return (clusterBytes / (extendedL2 ? EXTENDED_L2_ENTRY_BYTES : L2_ENTRY_BYTES)) * clusterBytes;
}

/**
 * Clusters of tables in a file that holds data for some places of the disk.
 *
 * @param places - Offsets on the disk, ascending, one or more for each cluster.
 */
export function qcow2Clusters(format: Qcow2Format, places: Iterable<number>): { data: number; tables: number } {
  const { clusterBytes, diskBytes } = format;
  const reach = l2Reach(format);
  let data = 0;
  let l2Tables = 0;
  let lastCluster = -1;
  let lastTable = -1;
  for (const place of places) {
    const cluster = Math.floor(place / clusterBytes);
    const table = Math.floor(place / reach);
    if (cluster !== lastCluster) data++;
    if (table !== lastTable) l2Tables++;
    lastCluster = cluster;
    lastTable = table;
  }
  const l1Clusters = Math.max(1, Math.ceil((Math.ceil(diskBytes / reach) * 8) / clusterBytes));
  const header = 1;
  const refcountTable = 1;
  const counted = header + refcountTable + l1Clusters + l2Tables + data;
  return { data, tables: header + refcountTable + l1Clusters + l2Tables + refcountBlocks(clusterBytes, counted) };
}

/** Refcount blocks count themselves, too. */
function refcountBlocks(clusterBytes: number, others: number): number {
  const perBlock = clusterBytes / REFCOUNT_BYTES;
  let blocks = 1;
  while (blocks * perBlock < others + blocks) blocks++;
  return blocks;
}
