/** Drivers that copy everything when a layer or container is made, and nothing when something is written. */

import type { ContainerTotals, FirstWrite, Space, StoredTree } from './storage-driver.ts';

export class CopiedTree implements StoredTree {
  readonly #spaceOf: (totals: ContainerTotals) => Space;

  /** @param spaceOf - What the whole copy takes as it is now. */
  constructor(spaceOf: (totals: ContainerTotals) => Space) {
    this.#spaceOf = spaceOf;
  }

  apply(): null {
    return null;
  }

  snapshot(): this {
    return this;
  }

  share(): void {}

  restore(): void {}

  forkCost(totals: ContainerTotals): FirstWrite {
    const { dataBytes, metadataBytes } = this.#spaceOf(totals);
    return { copiedBytes: dataBytes, takenBytes: dataBytes + metadataBytes };
  }

  space(totals: ContainerTotals): Space {
    return this.#spaceOf(totals);
  }

  retainedBytes(): number {
    return 0;
  }

  parts(): void {}
}
