import { expect, test } from 'vitest';
import { LowerViews } from '../../../src/projections/lower-views.ts';
import { World } from '../../../src/projections/world.ts';
import { Snapshots } from '../../../src/replay/snapshots.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';

const lowers = new LowerViews(openMemoryLog().chunks);

function worldAt(seq: number): World {
  const world = new World(lowers);
  world.seq = seq;
  return world;
}

test.each([
  ['a log that grows', false],
  ['a long log that is opened', true],
])('snapshots stay few, dense where the log is new, sparse where it is old: %s', (_, isOpened) => {
  const snapshots = new Snapshots({ empty: worldAt(0), every: 10, max: 64, recentMax: 4 });
  const head = 1_000_000;
  let taken = 0;
  for (let seq = 1; seq <= head; seq++) {
    if (!snapshots.isDue(seq, isOpened ? head : seq)) continue;
    snapshots.keep(worldAt(seq));
    taken++;
  }
  expect(snapshots.count).toBeLessThanOrEqual(64);
  expect(snapshots.count).toBeGreaterThan(56);
  if (isOpened) expect(taken).toBeLessThan(70);
  const foldTo = (seq: number): number => seq - snapshots.nearest(seq).seq;
  for (const [age, most] of [
    [0, 10],
    [1000, 2000],
    [100_000, 40_000],
    [900_000, 80_000],
  ] as const) {
    let worst = 0;
    for (let at = head - age - 1000; at <= head - age; at++) worst = Math.max(worst, at < 0 ? 0 : foldTo(at));
    expect(worst, `age ${age}`).toBeLessThanOrEqual(age === 0 ? 1000 : most);
  }
  expect(snapshots.nearest(0).seq).toBe(0);
});

test('recent answers are found again, and serve as starting points until newer ones push them out', () => {
  const snapshots = new Snapshots({ empty: worldAt(0), every: 1e9, max: 2, recentMax: 2 });
  snapshots.remember(500, worldAt(499));
  expect(snapshots.at(500)?.seq).toBe(499);
  expect(snapshots.nearest(505).seq).toBe(499);
  expect(snapshots.nearest(498).seq).toBe(0);
  snapshots.remember(600, worldAt(600));
  snapshots.at(500);
  snapshots.remember(700, worldAt(700));
  expect(snapshots.at(600)).toBeUndefined();
  expect(snapshots.at(500)?.seq).toBe(499);
});
