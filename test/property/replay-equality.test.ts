import { expect, test } from 'vitest';
import { projectionProblems, replayProblems } from '../../src/testing/laws/replay-equality.ts';
import { StateRecorder } from '../../src/testing/state-recorder.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openOn } from '../crash/log-workload.ts';
import { SimulatedDisk } from '../crash/simulated-disk.ts';
import { forAllCommands } from './play.ts';

test('replaying to any transaction equals the state then, with and without snapshots in between (law 2)', async () => {
  await forAllCommands(60, ({ store }) => {
    const recorder = new StateRecorder(store);
    return { end: () => expect(replayProblems(store, recorder.states)).toEqual([]) };
  });
});

test('a log in files, cut into small segments and opened again, replays to the same states (law 2)', async () => {
  let disk: SimulatedDisk;
  await forAllCommands(
    40,
    ({ store }) => {
      const recorder = new StateRecorder(store);
      return {
        async end() {
          expect(replayProblems(store, recorder.states)).toEqual([]);
          await store.close();
          const log = openOn(disk, { readOnly: true });
          const again = await openStore({ log });
          expect(replayProblems(again, recorder.states)).toEqual([]);
          expect(projectionProblems(again, 7)).toEqual([]);
          await again.close();
        },
      };
    },
    () => {
      disk = new SimulatedDisk();
      return { log: openOn(disk, { segmentBytesMax: 4096 }) };
    },
  );
});

test('a projection in batches of any size equals the one folded at once and the one that was observed (law 2)', async () => {
  await forAllCommands(60, ({ store }) => {
    const observed = { usage: '', copyUps: '' };
    store.diskUsage$.subscribe((usage) => (observed.usage = canonicalText(usage)));
    store.copyUps$.subscribe((ledger) => (observed.copyUps = canonicalText(ledger)));
    return {
      async end() {
        expect(projectionProblems(store, 5)).toEqual([]);
        await store.flush();
        expect(observed.usage).toBe(canonicalText(store.diskUsage(store.seq)));
        expect(observed.copyUps).toBe(canonicalText(store.copyUps(store.seq)));
      },
    };
  });
});
