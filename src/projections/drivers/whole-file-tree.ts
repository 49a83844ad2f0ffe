/**
 * Drivers that bring a whole file up before it changes: an upper directory of its own for every container, files in it that
 * belong to it alone. So the space of a container is what its tree counts anyhow, and only the costs are folded.
 */

import type { FileEvent } from '../../events/event.ts';
import { spaceLayer } from './space-layer.ts';
import type { ContainerTotals, FirstWrite, LayerContent, Space, StoredLayer, StoredTree } from './storage-driver.ts';
import type { TreeTotals } from './tree-totals.ts';
import { BLOCK_BYTES } from '../tree/page.ts';

export class WholeFileTree implements StoredTree {
  /** The copy of a file takes whole blocks: holes that were copied, too. */
  apply(event: FileEvent): FirstWrite | null {
    if (event.type !== 'FileCopiedUp' && event.type !== 'DataCopiedUp') return null;
    return { copiedBytes: event.copiedBytes, takenBytes: Math.ceil(event.copiedBytes / BLOCK_BYTES) * BLOCK_BYTES };
  }

  snapshot(): this {
    return this;
  }

  share(): void {}

  restore(): void {}

  /** There is no snapshot of an upper directory: a fork is a copy of it. */
  forkCost({ upper }: ContainerTotals): FirstWrite {
    return { copiedBytes: upper.apparentBytes, takenBytes: upper.blockBytes + upper.directoryBytes };
  }

  space({ upper }: ContainerTotals): Space {
    return overlaySpace(upper);
  }

  retainedBytes(): number {
    return 0;
  }

  parts(): void {}

  /** It has nothing of its own to say. */
  encode(): void {}
}

/** Directories are metadata here; whiteouts are links of one inode without blocks. */
const overlaySpace = ({ blockBytes, directoryBytes }: TreeTotals): Space => ({
  dataBytes: blockBytes,
  metadataBytes: directoryBytes,
});

/** A layer unpacked into a directory of its own. */
export const unpackedLayer = (_: StoredLayer | null, { totals }: LayerContent): StoredLayer =>
  spaceLayer(overlaySpace(totals));
