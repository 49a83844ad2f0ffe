/** Files that are copied as a whole with their holes written out, as everything does that copies by read and write. */

import { BLOCK_BYTES } from '../tree/page.ts';
import { type GranuleRules, GranuleTree } from './granule-tree.ts';
import type { StateReader } from './state-bytes.ts';
import type { ContainerTotals, LowerFiles } from './storage-driver.ts';

const RULES: GranuleRules = {
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
};

/** An upper directory on ext4. */
export const denseUpper = (lower: LowerFiles): GranuleTree => new GranuleTree(RULES, lower);

export const decodeDenseUpper = (reader: StateReader, lower: LowerFiles): GranuleTree =>
  GranuleTree.decode(RULES, reader, lower);
