import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCKER_PROFILE, POSIX_PROFILE } from '../../../src/events/overlay-profile.ts';
import type { KernelCall } from '../../../src/testing/kernel/kernel-call.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';

const missing = kernelMissing();

/** A call of the first container, which has what its operation does not ask for, too. */
const call = (op: string, rest: object): KernelCall => ({ op, in: 0, ...rest }) as unknown as KernelCall;

const setAttribute = call('fsetxattr', { slot: 1, name: 'user.one', value: 'v', flags: 0 });

// Sequences as the fuzzer has found and shortened them.
describe.skipIf(missing !== null)(
  `what is left out of the comparison with the kernel${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let oracle: KernelOracle;
    beforeAll(() => {
      oracle = new KernelOracle();
    });
    afterAll(() => oracle.close());

    it('a lower file without a name, in a directory that is gone, too, that takes attributes (SEM-O4, D1)', async () => {
      const below = [
        call('mkdir', { path: '/b', mode: 0o777 }),
        call('open', { slot: 0, path: '/b/a', flags: 0o102, mode: 0o777 }),
      ];
      const above = [
        call('open', { slot: 1, path: '/b/a', flags: 0, mode: 0 }),
        call('unlink', { path: '/b/a' }),
        call('rmdir', { path: '/b' }),
        setAttribute,
      ];
      expect(await oracle.compare({ profile: DOCKER_PROFILE, stages: [below, above] })).toBeNull();
    });

    it.each([
      ['takes', setAttribute],
      ['refuses then', { ...setAttribute, name: 'nonsense' }],
    ])(
      'a removed lower directory that the kernel puts back in the place of another one for an attribute that it %s (D18)',
      async (_, change) => {
        const above = [
          call('open', { slot: 1, path: '/a', flags: 0o200000, mode: 0 }),
          call('mkdir', { path: '/b', mode: 0o777 }),
          call('rename', { from: '/b', to: '/a', flags: 0 }),
          change,
          call('stat', { path: '/a', follow: false }),
        ];
        const stages = [[call('mkdir', { path: '/a', mode: 0o777 })], above];
        expect(await oracle.compare({ profile: POSIX_PROFILE, stages })).toBeNull();
      },
    );
  },
);
