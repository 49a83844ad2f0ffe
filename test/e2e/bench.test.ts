import { describe, expect, test } from 'vitest';
import { GROUPS } from '../../bench/groups.ts';
import { FULL_SIZES, QUICK_SIZES, type Sizes } from '../../bench/sizes.ts';

/** They start programs or mount; their rows' names are in their text. */
const LEFT_OUT = ['load', 'memory', 'mount'];

const SMALL: Sizes = {
  ...QUICK_SIZES,
  files: { files: 1000, rounds: 1, warmUps: 0 },
  flatMap: { files: 1000, rounds: 1 },
  durable: { files: 100, rounds: 1 },
  layers: { files: 100, rounds: 1, calls: 10 },
  largeFile: { mib: 20, copyRounds: 1 },
  history: { events: 7000, rounds: 1, questions: 5 },
  fork: { files: 200, events: 300 },
  logBytes: { files: 100 },
  recording: { files: 10, rounds: 1 },
};

const SMALLER: Sizes = {
  ...SMALL,
  files: { files: 1000, rounds: 2, warmUps: 0 },
  durable: { files: 60, rounds: 1 },
  layers: { files: 100, rounds: 1, calls: 5 },
  largeFile: { mib: 18, copyRounds: 1 },
  history: { events: 6500, rounds: 1, questions: 3 },
  fork: { files: 100, events: 200 },
  logBytes: { files: 100 },
  recording: { files: 5, rounds: 1 },
};

describe('a quick bench', () => {
  test('is nowhere larger than the full one, warming up left aside', () => {
    for (const group of Object.keys(FULL_SIZES) as (keyof Sizes)[]) {
      const quick = Object.entries(QUICK_SIZES[group]);
      const full = FULL_SIZES[group] as Readonly<Record<string, number>>;
      expect(quick.map(([name]) => name)).toEqual(Object.keys(full));
      for (const [name, size] of quick)
        if (name !== 'warmUps') expect(size, `${group}.${name}`).toBeLessThanOrEqual(full[name]);
    }
  });

  test.each(GROUPS.filter(({ name }) => !LEFT_OUT.includes(name)))(
    'prints the same rows whatever the sizes: $name',
    async (group) => {
      const rows = async (sizes: Sizes): Promise<string[]> =>
        (await group.run(sizes, () => {})).map(({ row, unit, against }) => `${row}, ${unit}, ${against?.name}`);
      expect(await rows(SMALLER)).toEqual(await rows(SMALL));
    },
  );
});
