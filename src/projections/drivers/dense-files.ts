/** Files that are copied as a whole with their holes written out, as everything does that copies by read and write. */

import { BLOCK_BYTES } from '../tree/page.ts';
import type { Tree } from '../tree/tree.ts';
import { GranuleTree } from './granule-tree.ts';
import type { ContainerTotals } from './storage-driver.ts';

/** An upper directory on ext4. */
export const denseUpper = (lower: Tree): GranuleTree =>
  new GranuleTree(
    {
      granuleBytes: BLOCK_BYTES,
      zeroesTail: 'when cut',
      copiesWhole: true,
      fileBytes: (blocks) => blocks * BLOCK_BYTES,
      otherBytes: ({ upper }) => upper.linkBytes,
      metadataBytes: ({ upper }) => upper.directoryBytes,
      forkCost: ({ upper }: ContainerTotals) => ({
        copiedBytes: upper.apparentBytes,
        takenBytes: upper.denseBytes + upper.directoryBytes,
      }),
    },
    lower,
  );
