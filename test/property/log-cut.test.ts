import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldFrom } from '../../src/replay/time-machine.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { transactionEnds } from '../../src/testing/laws/replay-equality.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { StateRecorder, stateDifference } from '../../src/testing/state-recorder.ts';
import { storeCommands } from '../../src/testing/store-command.ts';
import { StorePlayer } from '../../src/testing/store-player.ts';
import { DIRECTORY, openOn } from '../crash/log-workload.ts';
import { SimulatedDisk } from '../crash/simulated-disk.ts';
import { check } from './run.ts';

const SEGMENT = `${DIRECTORY}/log/00000000000000000001.seg`;
const HEADER_BYTES = 84;

test('a log cut at any byte opens at the last whole transaction before it, with the state of then (law 7)', async () => {
  await check(
    fc.asyncProperty(
      storeCommands({ maxStretches: 10 }),
      fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 12 }),
      async (commands, cuts) => {
        const disk = new SimulatedDisk();
        const log = openOn(disk);
        const player = await StorePlayer.open({ log });
        const recorder = new StateRecorder(player.store);
        await player.play(commands);
        log.flushSync();
        const killed = disk.clone();
        killed.unlinkSync(`${DIRECTORY}/lock`);
        const ends = transactionEnds(player.store);
        await player.store.close();
        const whole = killed.bytes(SEGMENT);
        let newest = 0;
        for (const share of cuts.toSorted((a, b) => a - b)) {
          const cut = HEADER_BYTES + Math.floor(((whole.length - HEADER_BYTES) * share) / 1_000_000);
          const cutDisk = killed.clone();
          cutDisk.put(SEGMENT, whole.subarray(0, cut));
          const kept = openOn(cutDisk);
          expect([0, ...ends]).toContain(kept.head);
          expect(kept.head).toBeGreaterThanOrEqual(newest);
          newest = kept.head;
          const { live } = foldFrom(kept);
          const recorded = recorder.at(kept.head);
          if (recorded !== undefined) {
            expect(recorded.seq).toBe(kept.head);
            const state = { roots: computeRoots(live, kept.chunks), registry: canonicalText(live.registry) };
            expect(stateDifference(recorded, state)).toBeNull();
          }
          kept.closeSync();
        }
        const all = openOn(killed);
        expect(all.head).toBe(ends.at(-1));
        all.closeSync();
      },
    ),
    60,
  );
});
