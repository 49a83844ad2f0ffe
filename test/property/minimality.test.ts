import { expect, test } from 'vitest';
import { isLooking } from '../../src/testing/file-call.ts';
import { minimalityProblems } from '../../src/testing/laws/minimality.ts';
import { POSIX_PROFILE, profileOf } from '../../src/events/overlay-profile.ts';
import { overlayProblems } from '../../src/testing/laws/overlay-law.ts';
import type { StorePlayer } from '../../src/testing/store-player.ts';
import { forAllCommands } from './play.ts';

test('no whiteout, copy-up or opaque mark is in the log without its reason (law 5, SEM-1.2, SEM-W, SEM-R)', async () => {
  await forAllCommands(200, () => ({
    end: ({ store }) => expect(minimalityProblems(store)).toEqual([]),
  }));
});

test('a merged view is its upper over its lower, and every whiteout hides something (laws 4 and 5)', async () => {
  await forAllCommands(150, () => ({
    end: ({ store }) => expect(overlayProblems(store)).toEqual([]),
  }));
});

test.each([POSIX_PROFILE, profileOf({ redirectDir: true }), profileOf({ index: true }), profileOf({ metacopy: true })])(
  'with overlay options each mark is in the log where its rule puts it: %o (law 5, SEM-R13, SEM-H5, SEM-X)',
  async (profile) => {
    const end = ({ store }: StorePlayer): void => {
      expect(minimalityProblems(store)).toEqual([]);
      expect(overlayProblems(store)).toEqual([]);
    };
    await forAllCommands(
      50,
      () => ({ end }),
      () => ({ profile }),
    );
  },
);

test('looking leaves nothing in the log (law 5)', async () => {
  await forAllCommands(100, ({ store }) => {
    let seq = store.seq;
    return {
      after(_, command) {
        if (command.command === 'call' && isLooking(command.call)) expect(store.seq).toBe(seq);
        seq = store.seq;
      },
    };
  });
});
