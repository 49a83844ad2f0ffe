import { expect, test } from 'vitest';
import { lowerImmutabilityProblems } from '../../src/testing/laws/lower-immutability.ts';
import { forAllCommands } from './play.ts';

test('layers and merged lower views are the same after any commands, chunk for chunk (law 1)', async () => {
  await forAllCommands(150, () => ({
    end: ({ store }) => expect(lowerImmutabilityProblems(store)).toEqual([]),
  }));
});
