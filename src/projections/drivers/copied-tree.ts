/** Drivers that copy everything into plain files when a layer or container is made, and nothing when something is written. */

import type { FileEvent, Ino } from '../../events/event.ts';
import { BLOCK_BYTES } from '../tree/page.ts';
import { denseUpper, decodeDenseUpper } from './dense-files.ts';
import type { GranuleTree } from './granule-tree.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type { ContainerTotals, FirstWrite, LowerFiles, Space, StoredTree } from './storage-driver.ts';
import { type TreeTotals, wholeBlocks } from './tree-totals.ts';

/** What a whole copy takes: holes are written out. */
export const copiedSpace = ({ denseBytes, directoryBytes }: TreeTotals): Space => ({
  dataBytes: denseBytes,
  metadataBytes: directoryBytes,
});

/** A copy of a tree. Files that were written since may have holes again; those are followed block by block. */
export class CopiedTree implements StoredTree {
  readonly #changed: GranuleTree;

  constructor(lower: LowerFiles, changed = denseUpper(lower)) {
    this.#changed = changed;
  }

  static decode(reader: StateReader, lower: LowerFiles): CopiedTree {
    return new CopiedTree(lower, decodeDenseUpper(reader, lower));
  }

  encode(writer: StateWriter): void {
    this.#changed.encode(writer);
  }

  apply(event: FileEvent, seq: number): null {
    // A copy has the data, whatever the overlay left below.
    if (event.type === 'MetacopySet' || event.type === 'DataCopiedUp') return null;
    this.#changed.apply(event.type === 'FileCopiedUp' ? { ...event, withData: true } : event, seq);
    return null;
  }

  snapshot(): CopiedTree {
    return new CopiedTree(this.#changed.lower, this.#changed.snapshot());
  }

  share(): void {}

  restore(ino: Ino, then: StoredTree, from: Ino): void {
    if (then instanceof CopiedTree) this.#changed.restore(ino, then.#changed, from);
  }

  forkCost({ merged }: ContainerTotals): FirstWrite {
    const { dataBytes, metadataBytes } = copiedSpace(merged);
    return { copiedBytes: merged.apparentBytes, takenBytes: dataBytes + metadataBytes };
  }

  space(totals: ContainerTotals): Space {
    const { dataBytes, metadataBytes } = copiedSpace(totals.merged);
    let holes = 0;
    this.#changed.forEachFile((ino, blocks, sizeBytes) => {
      if (totals.isNamed(ino)) holes += wholeBlocks(sizeBytes) - blocks * BLOCK_BYTES;
    });
    return { dataBytes: dataBytes - holes, metadataBytes };
  }

  retainedBytes(): number {
    return 0;
  }

  parts(): void {}
}
