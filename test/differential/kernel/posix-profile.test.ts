import { describe, it } from 'vitest';
import { POSIX_PROFILE } from '../../../src/events/overlay-profile.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { expectNoDifference, RUNS, TIME_LIMIT_MS } from './at-random.ts';

const missing = kernelMissing();

describe.skipIf(missing !== null)(
  `kernel overlayfs and overlog with the posix profile${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it(
      'answer every call alike and leave the same merged tree and upper, while layers grow (SEM-1)',
      () => expectNoDifference(POSIX_PROFILE, RUNS),
      TIME_LIMIT_MS,
    );
  },
);
