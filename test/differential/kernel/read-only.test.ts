import fc from 'fast-check';
import { posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCKER_PROFILE } from '../../../src/events/overlay-profile.ts';
import type { KernelCall } from '../../../src/testing/kernel/kernel-call.ts';
import { kernelSequences } from '../../../src/testing/kernel/kernel-call-arbitrary.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { type CompareOptions, KernelOracle } from '../../../src/testing/kernel/kernel-oracle.ts';
import { parseScript } from './script.ts';

const missing = kernelMissing();

/** Without an upper the root is the topmost lower's; a container has a root of its own also when it is read-only (L6). */
const isOfRoot = (call: KernelCall): boolean => 'path' in call && posix.normalize(call.path) === '/';

describe.skipIf(missing !== null)(
  `an overlay without an upper and a read-only container${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let oracle: KernelOracle;
    beforeAll(() => {
      oracle = new KernelOracle();
    });
    afterAll(() => oracle.close());

    const compare = (stages: readonly (readonly KernelCall[])[], options?: CompareOptions) =>
      oracle.compare({ profile: DOCKER_PROFILE, stages, endsReadOnly: true }, options);

    it('refuse all that would write with EROFS, also the removal of a missing name, and nothing else (SEM-1.10)', async () => {
      const stages = parseScript(`mkdir /d
        write /d/a lower
        write /f lower
        symlink f /s
        mknod /p 10644
        ---
        write /d/b
        ---
        open 0 /f w ! EROFS
        open 0 /f r+trunc ! EROFS
        open 0 /new w+creat ! EROFS
        open 0 /f w+creat+excl ! EEXIST
        open 0 /f r+creat
        read 0
        fchmod 0 600 ! EROFS
        fsetxattr 0 user.one v ! EROFS
        unlink /f ! EROFS
        unlink /missing ! EROFS
        rmdir /missing ! EROFS
        rmdir /d ! EROFS
        mkdir /d ! EEXIST
        mkdir /new ! EROFS
        mknod /p 10644 ! EEXIST
        symlink x /new ! EROFS
        symlink x /s ! EEXIST
        link /f /g ! EROFS
        link /f /p ! EEXIST
        rename /f /g ! EROFS
        rename /missing /g ! EROFS
        rename /f /p noreplace ! EROFS
        truncate /f 0 ! EROFS
        chmod /f 600 ! EROFS
        chmod /missing 600 ! ENOENT
        chown /f 0 0 ! EROFS
        utimes /f ! EROFS
        setxattr /f user.one v ! EROFS
        removexattr /f user.one ! EROFS
        access /f 4
        readdir /d
        getxattr /f user.one ! ENODATA`);
      const seen: (string | null)[][] = [];
      const difference = await compare(
        stages.map((calls) => calls.map(({ call }) => call)),
        { onStage: ({ replies }) => seen.push(replies.map(({ error }) => error ?? null)) },
      );
      expect(difference).toBeNull();
      expect(seen.at(-1)).toEqual(stages.at(-1)?.map(({ error }) => error));
    });

    it('answer every call alike (SEM-1.10, SEM-L1, SEM-L2)', async () => {
      const sequences = kernelSequences(DOCKER_PROFILE).map(({ stages }) =>
        stages.map((calls, index) => calls.filter((call) => index === stages.length - 1 || !isOfRoot(call))),
      );
      await fc.assert(
        fc.asyncProperty(sequences, async (stages) => {
          expect(await compare(stages)).toBeNull();
        }),
        { numRuns: 100 },
      );
    }, 300_000);
  },
);
