import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinTime, nanoseconds, seconds, splitTime } from '../../../src/mount/time.ts';

test('a time is split exactly into seconds and nanoseconds, before 1970 too', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (timeNs) => {
      splitTime(timeNs);
      expect(nanoseconds).toBeGreaterThanOrEqual(0);
      expect(nanoseconds).toBeLessThan(1_000_000_000);
      expect(joinTime(seconds, nanoseconds)).toBe(timeNs);
    }),
    { numRuns: 2000 },
  );
});

test.each([0n, -1n, 999_999_999n, 1_000_000_000n, -1_000_000_000n, 2n ** 31n * 1_000_000_000n, 2n ** 63n - 1n])(
  'the edge %d is split exactly',
  (timeNs) => {
    splitTime(timeNs);
    expect(joinTime(seconds, nanoseconds)).toBe(timeNs);
  },
);
