import { BLOCK_BYTES } from '../tree/page.ts';
import { DeviceTree } from './device-tree.ts';
import { allocationBytes, qcow2Clusters, type Qcow2Format } from './qcow2-layout.ts';
import type { StorageDriver, StorageModel, StoredLayer } from './storage-driver.ts';
import { baseSizeLimit, THIN_RULES } from './thin-device.ts';

/** Disk images of QEMU in a chain: every layer and container is a file whose backing file is the one below. */
export const qcow2: StorageDriver = {
  name: 'qcow2',
  title: 'qcow2 backing chain',
  evidence: 'measured',
  parameters: [
    {
      name: 'cluster-size',
      defaultValue: 65_536,
      min: 512,
      max: 2 * 2 ** 20,
      mustBePowerOfTwo: true,
      meaning: 'bytes of a cluster',
      source: 'qemu-img(1) cluster_size: between 512 and 2M; 64 KiB is the default of qemu-img create',
    },
    {
      name: 'extended-l2',
      defaultValue: 0,
      min: 0,
      max: 1,
      meaning: '1: clusters, of at least 16 KiB, have 32 sub-clusters',
      source: 'QEMU qapi/block-core.json, BlockdevCreateOptionsQcow2 extended-l2: "default: false; since 5.2"',
    },
    {
      name: 'disk-size',
      defaultValue: 10 * 2 ** 30,
      min: 2 ** 20,
      max: 2 ** 44,
      meaning: 'bytes of the disk',
      source: 'chosen when it is made; as base-size of devicemapper',
    },
  ],
  conflict: (values) =>
    values['extended-l2'] === 1 && values['cluster-size'] < 16_384
      ? 'extended-l2 wants clusters of at least 16 KiB'
      : null,
  rules: {
    ...THIN_RULES,
    firstWrite: {
      formula:
        'per cluster (extended-l2: sub-cluster, a 32nd) that the backing file holds: copied = what the write leaves of it; taken = all of it',
      source:
        'QEMU docs/interop/qcow2.rst (qcow2.txt before QEMU 10), "Cluster mapping" and "Extended L2 Entries"; block/qcow2-cluster.c perform_cow',
    },
    container: {
      formula:
        'cluster-size (extended-l2: a 32nd) × (sub-)clusters in the top file. Where a file lies on the disk is assumed, as with devicemapper',
      source: 'QEMU docs/interop/qcow2.rst, "Cluster mapping" and "Extended L2 Entries"; the order is an assumption',
    },
    layer: {
      formula: 'clusters that unpacking the layer wrote',
      source: 'QEMU docs/interop/qcow2.rst, "Cluster mapping"',
    },
    metadata: {
      formula:
        'clusters of the header, the refcount table, refcount blocks (2 B a cluster), the L1 table (8 B an L2 table) and L2 tables (8 B a cluster, extended-l2 16 B)',
      source:
        'QEMU docs/interop/qcow2.rst, "Host cluster management" (refcount_bits=16, the default), "Cluster mapping", "Extended L2 Entries"',
    },
    newContainer: {
      formula: 'an empty file: header, refcount table, one refcount block, L1 table',
      source: 'qemu-img(1) create -b',
    },
    read: {
      formula: 'files of the chain from the top down until one holds the cluster: layers + 1',
      source: 'QEMU docs/interop/qcow2.rst, "Cluster mapping": what is unallocated is read from the backing file',
    },
    remove: {
      formula: 'a file: nothing without a discard, and a discarded cluster reads as zeros; a container: its file',
      source:
        'QEMU docs/interop/qcow2.rst, "Cluster mapping", Standard Cluster Descriptor, bit 0; with extended-l2 "Extended L2 Entries", Subcluster Allocation Bitmap, bits 32 to 63',
    },
  },
  limits: [baseSizeLimit('disk-size', 'qemu-img(1) create, size')],
  model: (values) =>
    qcow2Model({
      clusterBytes: values['cluster-size'],
      diskBytes: values['disk-size'],
      extendedL2: values['extended-l2'] === 1,
    }),
};

function qcow2Model(format: Qcow2Format): StorageModel {
  const unitBytes = allocationBytes(format);
  const metadataBytes = (units: readonly number[]): number =>
    qcow2Clusters(
      format,
      units.map((unit) => unit * unitBytes),
    ).tables * format.clusterBytes;
  const rules = { unitBytes, copies: 'rest' as const, metadataBytes };
  const above = (below: StoredLayer | null): DeviceTree =>
    (below as DeviceTree | null)?.above() ?? new DeviceTree(rules);
  return {
    layer: (below, layer) => above(below).unpack(layer),
    decodeLayer: (reader) => DeviceTree.decode(rules, reader),
    container: above,
    decodeContainer: (reader) => DeviceTree.decode(rules, reader),
    newContainer: () => ({ copiedBytes: 0, dataBytes: 0, metadataBytes: metadataBytes([]) }),
    read: (layers) => ({ lookups: layers + 1, readBytes: BLOCK_BYTES }),
  };
}
