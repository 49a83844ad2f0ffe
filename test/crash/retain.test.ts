import { expect, test } from 'vitest';
import type { StoreError } from '../../src/events/log-error.ts';
import { checkInvariants } from '../../src/replay/invariants.ts';
import { exportLog } from '../../src/replay/log-export.ts';
import { importLog } from '../../src/replay/log-import.ts';
import { writeDropPlan } from '../../src/storage/file/drop-plan.ts';
import type { LogFileSystem } from '../../src/storage/file/log-file-system.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { openMemoryLog } from '../../src/storage/memory.ts';
import { openStore } from '../../src/store/open-store.ts';
import { beginRetain } from '../../src/store/retain.ts';
import type { Store } from '../../src/store/store.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { type RecordedState, stateDifference, StateRecorder } from '../../src/testing/state-recorder.ts';
import { forAllCommands, SMALL_TIME_MACHINE } from '../property/play.ts';
import { FailingDisk } from './failing-disk.ts';
import { DIRECTORY, openOn } from './log-workload.ts';
import { randomFrom, SimulatedDisk } from './simulated-disk.ts';

const options = { timeMachine: { ...SMALL_TIME_MACHINE, checkpoints: { every: 40, lightMin: 3 } } };
const storeOn = (disk: SimulatedDisk, readOnly = false): Promise<Store> =>
  openStore({ log: openOn(disk, { segmentBytesMax: 4096, readOnly }), ...options });

/** What is not as it was recorded, content included. */
function pastProblems(store: Store, states: readonly RecordedState[]): string[] {
  return states.flatMap((state) => {
    const world = store.at(state.seq).world;
    const roots = computeRoots(world, store.engine.log.chunks);
    const difference = stateDifference(state, { roots, registry: canonicalText(world.registry) });
    return difference === null ? [] : [`at ${state.seq}: ${difference}`];
  });
}

function expectRetained(store: Store, states: readonly RecordedState[], oldest: number): void {
  expect(
    pastProblems(
      store,
      states.filter(({ seq }) => seq >= oldest),
    ),
  ).toEqual([]);
  expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
  for (const { seq } of states) {
    if (seq >= store.oldest) continue;
    const refused = refusal(() => store.at(seq));
    expect(refused?.code).toBe('ERR_HISTORY_DROPPED');
    expect(refused?.message).toContain(`event ${store.oldest}`);
  }
}

function refusal(run: () => unknown): StoreError | null {
  try {
    run();
    return null;
  } catch (error) {
    return error as StoreError;
  }
}

const logBytes = (disk: SimulatedDisk): number =>
  disk
    .paths()
    .filter((path) => path.endsWith('.seg'))
    .reduce((sum, path) => sum + disk.bytes(path).length, 0);

/** Content that no later moment shows: few random commands leave any behind. */
async function writeAndRemove(store: Store): Promise<void> {
  const { fs } = await store.containers.create({ name: 'before' });
  fs.writeFileSync('/gone', Buffer.from(Array.from({ length: 3000 }, (_, at) => at % 251)));
  fs.unlinkSync('/gone');
}

/** Plays commands, and drops what is before a moment of the last third; the disk as it is before the next opening. */
async function begun(store: Store, disk: SimulatedDisk): Promise<{ oldest: number; bytesDropped: number }> {
  const asked = Math.max(store.oldest, Math.floor(store.seq * 0.7));
  const result = await beginRetain(store, asked, (plan) => writeDropPlan(DIRECTORY, plan, disk));
  await store.close();
  return result;
}

test('a moment that is kept is what it was before history was dropped, and the log is smaller', async () => {
  let disk: SimulatedDisk;
  let smaller = 0;
  await forAllCommands(
    40,
    async ({ store }) => {
      await writeAndRemove(store);
      const recorder = new StateRecorder(store);
      return {
        async end() {
          const { oldest, bytesDropped } = await begun(store, disk);
          const before = logBytes(disk);
          const again = await storeOn(disk);
          expect(again.oldest).toBe(oldest);
          expectRetained(again, recorder.states, oldest);
          const text = [...exportLog(again.engine.log)];
          await again.close();
          if (bytesDropped > 0) smaller++;
          if (bytesDropped > 512) expect(logBytes(disk)).toBeLessThan(before);
          expect(verifyLog(DIRECTORY, { fileSystem: disk }).tornBytes).toBe(0);

          const follower = await storeOn(disk, true);
          expectRetained(follower, recorder.states, oldest);
          await follower.close();

          const copy = openMemoryLog();
          await importLog(
            text.map((line) => Buffer.from(line)),
            copy,
          );
          const imported = await openStore({ log: copy, ...options });
          expectRetained(imported, recorder.states, oldest);
          await imported.close();
        },
      };
    },
    () => {
      disk = new SimulatedDisk();
      return { log: openOn(disk, { segmentBytesMax: 4096 }), ...options };
    },
  );
  expect(smaller).toBeGreaterThan(0);
});

test('a crash at any call while history is dropped leaves all that is kept, before or after', async () => {
  let disk: SimulatedDisk;
  let run = 0;
  await forAllCommands(
    8,
    ({ store }) => {
      const recorder = new StateRecorder(store);
      return {
        async end() {
          const { oldest } = await begun(store, disk);
          const random = randomFrom(++run);
          const whole = new FailingDisk(disk.clone(), null);
          openOn(whole.files).closeSync();
          for (let nth = 1; nth <= whole.calls.length; nth += 1 + Math.floor(random() * 6)) {
            const crashing = disk.clone();
            const calls = ['writeSync', 'fsyncSync', 'fdatasyncSync', 'renameSync', 'unlinkSync', 'openSync'] as const;
            const failing = new FailingDisk(crashing, { calls, nth, code: 'EIO' });
            try {
              openOn(failing.files).closeSync();
              break; // it makes fewer calls of these kinds
            } catch {
              const after = crashing.afterPowerLoss(random);
              const again = await storeOn(after);
              expectRetained(again, recorder.states, oldest);
              await again.close();
              expect(after.paths().filter((path) => /\.tmp$|drop\.plan$/.test(path))).toEqual([]);
              verifyLog(DIRECTORY, { fileSystem: after });
            }
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

test('a crash while it is planned drops nothing, or all of it at the next opening', async () => {
  let disk: SimulatedDisk;
  let run = 0;
  const ends = { dropped: 0, kept: 0 };
  await forAllCommands(
    6,
    ({ store }) => {
      const recorder = new StateRecorder(store);
      return {
        async end() {
          const asked = Math.floor(store.seq * 0.7);
          await store.close();
          const random = randomFrom(++run);
          for (let nth = 1, isOver = false; !isOver; nth += 1 + Math.floor(random() * 4)) {
            const crashing = disk.clone();
            const calls = ['writeSync', 'fsyncSync', 'fdatasyncSync', 'fdatasync', 'renameSync'] as const;
            const { files } = new FailingDisk(crashing, { calls, nth, code: 'EIO' });
            isOver = await crashesIn(files, asked);
            const again = await storeOn(crashing.afterPowerLoss(random));
            ends[again.oldest === 0 ? 'kept' : 'dropped']++;
            expectRetained(again, recorder.states, again.oldest);
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
  expect(Math.min(ends.dropped, ends.kept)).toBeGreaterThan(0);
});

/** Opens a store on a failing disk and begins to drop history. Tells whether that went well. */
async function crashesIn(files: LogFileSystem, asked: number): Promise<boolean> {
  let store: Store | null = null;
  try {
    store = await openStore({ log: openOn(files, { segmentBytesMax: 4096 }), ...options });
    await beginRetain(store, asked, (plan) => writeDropPlan(DIRECTORY, plan, files));
    await store.close();
    return true;
  } catch {
    await store?.close().catch(() => {});
    return false;
  }
}
