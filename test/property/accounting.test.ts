import { expect, test } from 'vitest';
import { accountingProblems } from '../../src/testing/laws/accounting.ts';
import { forAllCommands } from './play.ts';

test('sizes equal a recount, add up, and count what is shared once (law 6, SEM-2.2)', async () => {
  await forAllCommands(150, () => {
    let commands = 0;
    return {
      after({ store }) {
        if (++commands % 10 === 0) expect(accountingProblems(store)).toEqual([]);
      },
      end: ({ store }) => expect(accountingProblems(store)).toEqual([]),
    };
  });
});
