import { describe, it } from 'vitest';
import { profileOf } from '../../../src/events/overlay-profile.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { expectNoDifference, RUNS, TIME_LIMIT_MS } from './at-random.ts';

const missing = kernelMissing();

describe.skipIf(missing !== null)(
  `kernel overlayfs and overlog with one option${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    // metacopy is never alone: it brings redirect_dir with it.
    it.each([{ redirectDir: true }, { index: true }, { metacopy: true }])(
      'answer every call alike and leave the same merged tree and upper, while layers grow: %o (SEM-1)',
      (option) => expectNoDifference(profileOf(option), RUNS / 5),
      TIME_LIMIT_MS,
    );
  },
);
