import { expect, test } from 'vitest';
import { countedUpper, recountUpper } from '../../src/projections/recount-upper.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { type RecordedState, stateDifference, StateRecorder } from '../../src/testing/state-recorder.ts';
import { openOn } from '../crash/log-workload.ts';
import { randomFrom, SimulatedDisk } from '../crash/simulated-disk.ts';
import { forAllCommands, SMALL_TIME_MACHINE } from './play.ts';

/** Checkpoints so near that a short log has many, also full ones. */
const options = { timeMachine: { ...SMALL_TIME_MACHINE, foldMax: -1, checkpoints: { every: 12, lightMin: 3 } } };

const CHECKPOINT = /\.ckpt$/;

/** What is not as it was recorded, looking at the moments in an order of no sense. */
function pastProblems(store: Store, states: readonly RecordedState[]): string[] {
  const random = randomFrom(states.length);
  const order = states.map((state) => ({ state, key: random() })).sort((a, b) => a.key - b.key);
  const problems: string[] = [];
  for (const { state } of order) {
    const world = store.worldAt(state.seq);
    const roots = computeRoots(world, store.engine.log.chunks);
    const difference = stateDifference(state, { roots, registry: canonicalText(world.registry) });
    if (difference !== null) problems.push(`at ${state.seq}: ${difference}`);
    for (const { subject, tree } of world.overlays()) {
      const counted = canonicalText(countedUpper(tree));
      const recounted = canonicalText(recountUpper(tree));
      if (counted !== recounted)
        problems.push(`at ${state.seq}, ${subject}: counted ${counted}, there are ${recounted}`);
    }
  }
  return problems;
}

test('a store opened with its checkpoints is what it was, now and at every moment (law 2)', async () => {
  let disk: SimulatedDisk;
  let covered = 0;
  await forAllCommands(
    60,
    ({ store }) => {
      const recorder = new StateRecorder(store);
      return {
        async end() {
          expect(pastProblems(store, recorder.states)).toEqual([]);
          const head = recorder.at(store.seq);
          await store.close();
          if (disk.paths().some((path) => CHECKPOINT.test(path))) covered++;
          const again = await openStore({ log: openOn(disk, { readOnly: true }), ...options });
          expect(pastProblems(again, recorder.states)).toEqual([]);
          expect(again.seq).toBe(head?.seq);
          await again.close();
        },
      };
    },
    () => {
      disk = new SimulatedDisk();
      return { log: openOn(disk, { segmentBytesMax: 4096 }), ...options };
    },
  );
  expect(covered).toBeGreaterThan(20);
});

test('damage of checkpoints, and checkpoints that are gone, never make another answer (law 2)', async () => {
  let disk: SimulatedDisk;
  let run = 0;
  await forAllCommands(
    60,
    ({ store }) => {
      const recorder = new StateRecorder(store);
      return {
        async end() {
          await store.close();
          const random = randomFrom(++run);
          for (const path of disk.paths().filter((name) => CHECKPOINT.test(name))) {
            const bytes = Buffer.from(disk.bytes(path));
            const at = Math.floor(random() * bytes.length);
            bytes[at] ^= 1 << Math.floor(random() * 8);
            const fate = random();
            if (fate < 0.2) disk.unlinkSync(path);
            else if (fate < 0.4) disk.put(path, bytes.subarray(0, at));
            else if (fate < 0.9) disk.put(path, bytes);
          }
          for (const readOnly of [true, false]) {
            const again = await openStore({ log: openOn(disk, { readOnly }), ...options });
            expect(pastProblems(again, recorder.states)).toEqual([]);
            await again.close();
          }
        },
      };
    },
    () => {
      disk = new SimulatedDisk();
      return { log: openOn(disk, { segmentBytesMax: 4096 }), ...options };
    },
  );
});
