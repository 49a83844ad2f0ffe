/** Going back where the index keeps hard links of the lower together, with one of their names or as a whole. */

import { describe, expect, it } from 'vitest';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';
import { APPEND, LINK, MKDIR, Place, RM, WRITE } from './overlay-history-place.ts';

const missing = kernelMissing();

describe.skipIf(missing !== null)(
  `an upper directory with a history and an index${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('gets a copy of a hard link by going back with one name of it, and the link by going back as a whole', async () => {
      const place = new Place('index=on');
      await place.play({ by: 'kernel', ops: [[APPEND, '/hard', '/']] });
      await place.play({ by: 'overlog', ops: [[LINK, '/d/one', '/more']] });
      const before = await place.kernelListing();
      const then = await place.moment();
      await place.play({ by: 'overlog', ops: [[RM, '/more', '']] });
      await place.goBackTo(then, '/more');
      await place.play({ by: 'overlog', ops: [] });
      expect(counts(before)).toEqual([
        ['/d/one', 3, 21],
        ['/hard', 3, 21],
        ['/more', 3, 21],
      ]);
      expect(counts(await place.kernelListing())).toEqual([
        ['/d/one', 2, 21],
        ['/hard', 2, 21],
        ['/more', 1, 21],
      ]);
      await place.play({ by: 'verbs', ops: [[0, '', '']] });
      await place.play({ by: 'overlog', ops: [] });
    });

    it.each(['/hard', '/d'])(
      'keeps a hard link together that has a new name, when it goes back with %s to before its copy-up',
      async (path) => {
        const place = new Place('index=on');
        await place.play({ by: 'overlog', ops: [[WRITE, '/new', '']] });
        const then = await place.moment();
        const ops = [
          [APPEND, '/hard', '/'],
          [LINK, '/d/one', '/more'],
        ] as const;
        await place.play({ by: 'overlog', ops });
        await place.goBackTo(then, path);
        await place.play({ by: 'overlog', ops: [] });
        expect(counts(await place.kernelListing())).toEqual([
          ['/d/one', 3, 11],
          ['/hard', 3, 11],
          ['/more', 3, 11],
        ]);
        await place.play({ by: 'kernel', ops: [[APPEND, '/more', '/x']] });
        await place.play({ by: 'overlog', ops: [[RM, '/hard', '']] });
        expect(counts(await place.kernelListing())).toEqual([
          ['/d/one', 2, 21],
          ['/more', 2, 21],
        ]);
      },
    );

    it('gets a file of its own back from before the copy-up of a hard link that has lost that name', async () => {
      const place = new Place('index=on');
      await place.play({ by: 'overlog', ops: [[WRITE, '/new', '']] });
      const then = await place.moment();
      const ops = [
        [APPEND, '/hard', '/'],
        [LINK, '/hard', '/more'],
        [RM, '/d', ''],
        [MKDIR, '/d', ''],
      ] as const;
      await place.play({ by: 'overlog', ops });
      await place.goBackTo(then, '/d');
      await place.play({ by: 'overlog', ops: [[APPEND, '/d/one', '']] });
      expect(counts(await place.kernelListing())).toEqual([
        ['/d/one', 1, 21],
        ['/hard', 2, 21],
        ['/more', 2, 21],
      ]);
    });

    it('keeps all names of a hard link that comes back from its copy-up with one of them', async () => {
      const place = new Place('index=on');
      await place.play({ by: 'overlog', ops: [[WRITE, '/new', '']] });
      const then = await place.moment();
      await place.play({ by: 'overlog', ops: [[APPEND, '/hard', '/']] });
      const later = await place.moment();
      await place.play({ by: 'overlog', ops: [[LINK, '/d/one', '/more']] });
      const linked = await place.moment();
      await place.goBackTo(then);
      await place.goBackTo(later, '/hard');
      await place.play({ by: 'overlog', ops: [] });
      expect(counts(await place.kernelListing())).toEqual([
        ['/d/one', 2, 21],
        ['/hard', 2, 21],
      ]);
      await place.goBackTo(linked);
      await place.play({ by: 'overlog', ops: [[APPEND, '/hard', '/']] });
      await place.goBackTo(later, '/hard');
      await place.play({ by: 'overlog', ops: [[RM, '/d/one', '']] });
      expect(counts(await place.kernelListing())).toEqual([
        ['/hard', 2, 21],
        ['/more', 2, 21],
      ]);
    });
  },
);

/** Names of the lower's hard link, with how many it has and its size. */
const counts = (listing: string): unknown[] =>
  listing
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; nlink?: number; size: number })
    .filter(({ path }) => ['/hard', '/d/one', '/more'].includes(path))
    .map(({ path, nlink = 1, size }) => [path, nlink, size]);
