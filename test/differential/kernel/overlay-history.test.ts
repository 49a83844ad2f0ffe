/**
 * A container whose upper is a directory of the host: whoever writes (overlog, the kernel's overlayfs, or somebody in the upper
 * itself) and however a session ends, the next one shows in the container what the kernel shows of the directories.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { check } from '../../property/run.ts';
import {
  WRITE,
  APPEND,
  MKDIR,
  RM,
  RENAME,
  LINK,
  CHMOD,
  type Session,
  sessions,
  Place,
} from './overlay-history-place.ts';

const missing = kernelMissing();

const PLAIN = 'xino=off';

const OPTIONS: readonly (readonly [options: string, runs: number])[] = [
  [PLAIN, 20],
  ['redirect_dir=on', 4],
  ['index=on', 3],
  ['metacopy=on,redirect_dir=on', 3],
  ['redirect_dir=on,index=on,metacopy=on', 4],
];

describe.skipIf(missing !== null)(
  `an upper directory with a history${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it.each<[string, Session[]]>([
      [
        'a whiteout that somebody takes away lets the lower show through again',
        [
          {
            by: 'overlog',
            ops: [
              [RM, '/d', ''],
              [RM, '/low', ''],
            ],
          },
          {
            by: 'upper',
            ops: [
              [RM, '/d', ''],
              [RM, '/low', ''],
            ],
          },
          { by: 'overlog', ops: [[WRITE, '/d/one', '']] },
        ],
      ],
      [
        'a copy that somebody takes away does, too',
        [
          {
            by: 'overlog',
            ops: [
              [WRITE, '/d/e/deep', ''],
              [WRITE, '/new', ''],
            ],
          },
          {
            by: 'upper',
            ops: [
              [RM, '/d', ''],
              [RM, '/new', ''],
            ],
          },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'a directory that the kernel has put in place of a lower one hides what was in that',
        [
          { by: 'overlog', ops: [[WRITE, '/d/one', '']] },
          {
            by: 'kernel',
            ops: [
              [RM, '/d', ''],
              [MKDIR, '/d', ''],
              [WRITE, '/d/two', ''],
            ],
          },
          { by: 'overlog', ops: [[WRITE, '/d/one', '']] },
        ],
      ],
      [
        'a server that was killed twice leaves nothing to decide',
        [
          { by: 'overlog', ops: [[WRITE, '/new', '']] },
          {
            by: 'killed',
            ops: [
              [WRITE, '/low', ''],
              [RM, '/d/two', ''],
            ],
          },
          { by: 'killed', ops: [[WRITE, '/d/two', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
    ])('%s', async (_, found) => {
      const place = new Place();
      for (const session of found) await place.play(session);
    });

    it.each<[string, string, Session[]]>([
      [
        'a lower directory that the kernel has moved is the same one, and what is in it',
        'redirect_dir=on',
        [
          {
            by: 'kernel',
            ops: [
              [RENAME, '/d/e', '/new'],
              [WRITE, '/new/x', ''],
              [RENAME, '/d', '/new/d'],
              [CHMOD, '/new/d/one', '/d'],
            ],
          },
          { by: 'overlog', ops: [[RENAME, '/new/d', '/back']] },
          { by: 'kernel', ops: [[RENAME, '/new', '/back/e']] },
          { by: 'killed', ops: [[RENAME, '/back', '/d']] },
          { by: 'mounted verbs', ops: [[WRITE, '/d/e/deep', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'lower directories that change places, or lie in one another now, keep what is in them',
        'redirect_dir=on',
        [
          { by: 'overlog', ops: [[WRITE, '/d/e/x', '']] },
          {
            by: 'kernel',
            ops: [
              [RENAME, '/d/e', '/e'],
              [RENAME, '/d', '/e/d'],
              [RENAME, '/e', '/d'],
            ],
          },
          { by: 'overlog', ops: [[WRITE, '/d/d/one', '']] },
          {
            by: 'kernel',
            ops: [
              [RENAME, '/d/d', '/own'],
              [RENAME, '/d', '/e'],
              [RENAME, '/own', '/d'],
            ],
          },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'a lower directory that was taken out of one that went stays, and its name below can have another',
        'redirect_dir=on',
        [
          {
            by: 'overlog',
            ops: [
              [MKDIR, '/new', ''],
              [RENAME, '/d/e', '/new/e'],
            ],
          },
          {
            by: 'kernel',
            ops: [
              [RENAME, '/new/e', '/e'],
              [RM, '/new', ''],
              [RM, '/d', ''],
              [WRITE, '/d', ''],
            ],
          },
          { by: 'overlog', ops: [[WRITE, '/e/deep', '']] },
          { by: 'upper', ops: [[RM, '/e', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'lower directories that have moved are back where they were when somebody empties the upper',
        'redirect_dir=on',
        [
          {
            by: 'overlog',
            ops: [
              [RENAME, '/d/e', '/e'],
              [RENAME, '/d', '/e/d'],
              [RM, '/e/d/one', ''],
            ],
          },
          {
            by: 'upper',
            ops: [
              [RM, '/e', ''],
              [RM, '/d', ''],
            ],
          },
          { by: 'overlog', ops: [[RENAME, '/d/e', '/e']] },
        ],
      ],
      [
        'a hard link of the lower stays one file, by whichever name it is changed, and goes with its last name',
        'index=on',
        [
          { by: 'kernel', ops: [[WRITE, '/hard', '']] },
          {
            by: 'overlog',
            ops: [
              [APPEND, '/d/one', ''],
              [LINK, '/d/one', '/more'],
            ],
          },
          {
            by: 'kernel',
            ops: [
              [RM, '/hard', ''],
              [RENAME, '/d/one', '/d/e/one'],
              [APPEND, '/more', '/'],
            ],
          },
          { by: 'mounted verbs', ops: [[CHMOD, '/more', '/']] },
          { by: 'killed', ops: [[RM, '/more', '']] },
          { by: 'kernel', ops: [[RM, '/d', '']] },
          { by: 'verbs', ops: [[0, '', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'a hard link of the lower that lost a name in the kernel has one less',
        'index=on',
        [
          { by: 'kernel', ops: [[RM, '/hard', '']] },
          { by: 'overlog', ops: [[CHMOD, '/d/one', '/']] },
          { by: 'kernel', ops: [[RENAME, '/d/one', '/one']] },
          { by: 'upper', ops: [[RM, '/one', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'a name of such a link that somebody has put a file of their own over counts for the kernel',
        'index=on',
        [
          { by: 'overlog', ops: [[WRITE, '/d/one', '']] },
          { by: 'upper', ops: [[WRITE, '/hard', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
      [
        'names of such a link part where the option is off, and stay apart',
        'index=on',
        [
          {
            by: 'overlog',
            ops: [
              [APPEND, '/hard', '/x'],
              [LINK, '/hard', '/more'],
            ],
          },
          { by: 'overlog', options: 'index=off', ops: [[APPEND, '/d/one', '']] },
          { by: 'kernel', options: 'index=off', ops: [[APPEND, '/more', '']] },
          { by: 'overlog', options: 'index=off', ops: [] },
        ],
      ],
      [
        'a file that the kernel has left its data of below reads it from there, by every name and where it has moved',
        'metacopy=on,index=on',
        [
          {
            by: 'kernel',
            ops: [
              [CHMOD, '/low', '/'],
              [CHMOD, '/hard', '/'],
              [RENAME, '/d/two', '/moved'],
              [RENAME, '/d', '/new'],
            ],
          },
          {
            by: 'overlog',
            ops: [
              [APPEND, '/low', ''],
              [CHMOD, '/new/e/deep', ''],
              [LINK, '/new/one', '/more'],
            ],
          },
          {
            by: 'kernel',
            ops: [
              [APPEND, '/moved', ''],
              [RENAME, '/new/e', '/d'],
              [RENAME, '/d/deep', '/low'],
              [RENAME, '/more', '/d/one'],
            ],
          },
          { by: 'mounted verbs', ops: [[APPEND, '/low', '']] },
          { by: 'killed', ops: [[RENAME, '/low', '/d/deep']] },
          { by: 'verbs', ops: [[0, '', '']] },
          { by: 'overlog', ops: [] },
        ],
      ],
    ])('%s', async (_, options, found) => {
      const place = new Place(options);
      for (const session of found) await place.play(session);
      expect(place.played).toBe(found.length);
    });

    it('that shows a lower directory in two places is refused with the path', async () => {
      const place = new Place('redirect_dir=on');
      await place.play({ by: 'kernel', ops: [[RENAME, '/d/e', '/e']] });
      await place.play({ by: 'upper', ops: [[RM, '/d', '']] });
      await expect(place.play({ by: 'overlog', ops: [] })).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringMatching(/^\/d\/e shows a lower directory that is shown in another place, too/),
      });
    });

    it('that was changed beside its container is left alone until somebody says which counts', async () => {
      const place = new Place();
      await place.play({
        by: 'overlog',
        ops: [
          [WRITE, '/low', ''],
          [WRITE, '/new', ''],
        ],
      });
      await place.play({ by: 'kernel', ops: [[WRITE, '/d/two', '']] });
      await place.play({ by: 'verbs', ops: [[0, '', '']] });
      const before = await place.kernelListing();
      expect(await place.play({ by: 'overlog', ops: [] })).toBe('conflict');
      expect(await place.kernelListing()).toBe(before);
    });

    it.each(OPTIONS)(
      'is what the container shows, whoever changed it and however a session ended, with %s',
      { timeout: 900_000 },
      async (options, runs) => {
        await check(
          fc.asyncProperty(sessions(options === PLAIN), async (found) => {
            const place = new Place(options);
            try {
              for (const session of found) await place.play(session);
            } finally {
              place.remove();
            }
          }),
          runs,
        );
      },
    );
  },
);
