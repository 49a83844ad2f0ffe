import type { FileEvent, Ino } from '../../events/event.ts';
import { BLOCK_BYTES } from '../tree/page.ts';
import { DeviceTree } from './device-tree.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type {
  FirstWrite,
  LayerContent,
  Space,
  StorageDriver,
  StorageModel,
  StoredLayer,
  StoredTree,
} from './storage-driver.ts';
import { baseSizeLimit } from './thin-device.ts';

const DOCUMENT = 'containerd docs/snapshotters/blockfile.md';

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
      source: `${DOCUMENT}, "Creating the scratch file": 500 MiB`,
    },
    {
      name: 'sparse',
      defaultValue: 1,
      min: 0,
      max: 1,
      meaning:
        '1: what was never written takes no room; 0: the file system below has no holes, or the file was written out',
      source: `${DOCUMENT}, "How It Works": sparse files whenever available`,
    },
  ],
  rules: {
    firstWrite: { formula: 'nothing: the whole file was copied when the snapshot was made', source: DOCUMENT },
    container: {
      formula:
        'blocks of 4 KiB that the file system inside has ever used, freed ones used again; with sparse=0 file-size, whatever is in it',
      source: `${DOCUMENT}, "How It Works"; which blocks are used again is an assumption`,
    },
    layer: {
      formula: 'the same, of all layers up to this one',
      source: `${DOCUMENT}, "How It Works": 25 + 50 + 75 MB for three layers of 25 MB`,
    },
    metadata: {
      formula: 'none beside the files: that of the file system is inside, and not counted',
      source: DOCUMENT,
    },
    newContainer: {
      formula:
        "copied = all of the uppermost layer's file, holes left out; on a file system that clones next to nothing",
      source: `${DOCUMENT}, "Reflink-aware copies"`,
    },
    read: { formula: 'one lookup, through a loop device', source: DOCUMENT },
    remove: {
      formula: 'a file: nothing, its blocks stay in the file of the snapshot; a container: all of its file',
      source: DOCUMENT,
    },
  },
  limits: [baseSizeLimit('file-size', `${DOCUMENT}: the size of the file is fixed`)],
  model: ({ 'file-size': fileBytes, sparse }) => blockfileModel(sparse === 1 ? null : fileBytes),
};

const RULES = { unitBytes: BLOCK_BYTES, copies: 'rest' as const, metadataBytes: () => 0 };

/** @param fixedBytes - What every file takes; null: what was written in it. */
function blockfileModel(fixedBytes: number | null): StorageModel {
  const above = (below: StoredLayer | null): Blockfile =>
    (below as Blockfile | null)?.snapshot() ?? new Blockfile(new DeviceTree(RULES), fixedBytes);
  const decode = (reader: StateReader): Blockfile => new Blockfile(DeviceTree.decode(RULES, reader), fixedBytes);
  return {
    layer: (below, layer) => above(below).unpack(layer),
    decodeLayer: decode,
    container: above,
    decodeContainer: decode,
    newContainer: (stack) => {
      const space = above(stack).ownSpace;
      return { copiedBytes: space.dataBytes, ...space };
    },
    read: () => ({ lookups: 1, readBytes: BLOCK_BYTES }),
  };
}

/** The file of a layer or a container, which nobody shares. */
class Blockfile implements StoredTree, StoredLayer {
  readonly #device: DeviceTree;
  readonly #fixedBytes: number | null;

  constructor(device: DeviceTree, fixedBytes: number | null) {
    this.#device = device;
    this.#fixedBytes = fixedBytes;
  }

  get ownSpace(): Space {
    return { dataBytes: this.#fixedBytes ?? this.#device.usedBytes, metadataBytes: 0 };
  }

  unpack(layer: LayerContent): this {
    this.#device.unpack(layer);
    return this;
  }

  apply(event: FileEvent, seq: number): null {
    this.#device.apply(event, seq);
    return null;
  }

  snapshot(): Blockfile {
    return new Blockfile(this.#device.snapshot(), this.#fixedBytes);
  }

  share(): void {}

  restore(ino: Ino, then: StoredTree, from: Ino, seq: number): void {
    if (then instanceof Blockfile) this.#device.restore(ino, then.#device, from, seq);
  }

  forkCost(): FirstWrite {
    const { dataBytes } = this.ownSpace;
    return { copiedBytes: dataBytes, takenBytes: dataBytes };
  }

  space(): Space {
    return this.ownSpace;
  }

  /** With a fixed size nothing is kept for somebody: it is taken in any case. */
  retainedBytes(): number {
    return this.#fixedBytes === null ? this.#device.retainedBytes() : 0;
  }

  parts(): void {}

  encode(writer: StateWriter): void {
    this.#device.encode(writer);
  }
}
