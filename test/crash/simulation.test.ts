import { expect, test } from 'vitest';
import { isStoreError } from '../../src/events/log-error.ts';
import { checkInvariants } from '../../src/replay/invariants.ts';
import { writeDropPlan } from '../../src/storage/file/drop-plan.ts';
import type { LogFileSystem } from '../../src/storage/file/log-file-system.ts';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { openStore } from '../../src/store/open-store.ts';
import { beginRetain } from '../../src/store/retain.ts';
import type { Store } from '../../src/store/store.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { type RecordedState, stateDifference, StateRecorder } from '../../src/testing/state-recorder.ts';
import { type CallName, FailingDisk, type Fault } from './failing-disk.ts';
import { DIRECTORY, openOn } from './log-workload.ts';
import { randomFrom, SimulatedDisk } from './simulated-disk.ts';

/** Whole histories of crashes; more with OVERLOG_CRASHES. */
const RUNS = Math.ceil(Number(process.env['OVERLOG_CRASHES'] ?? 300) / 20);
const LIVES = 6;

const timeMachine = { snapshotEvery: 16, snapshotsMax: 4, recentMax: 2, checkpoints: { every: 20, lightMin: 3 } };

const storeOn = (files: LogFileSystem): Promise<Store> =>
  openStore({ log: openOn(files, { segmentBytesMax: 4096 }), timeMachine, onWarning: () => {} });

type Random = () => number;

const below = (random: Random, bound: number): number => Math.floor(random() * bound);

/** One of the things that people do; a refusal of the file system or of the store is an answer. */
async function step(store: Store, random: Random, files: LogFileSystem): Promise<void> {
  const names = store.containers.list().map(({ name }) => name);
  const name = names[below(random, names.length)] ?? 'none';
  const at = store.oldest + below(random, store.seq - store.oldest + 1);
  const dice = random();
  if (names.length === 0 || (dice < 0.05 && names.length < 6)) await store.containers.create({ name: `c${store.seq}` });
  else if (dice < 0.6) {
    const content = Buffer.alloc(1 + below(random, 900), store.seq);
    store.containers.get(name).fs.writeFileSync(`/f${below(random, 5)}`, content);
  } else if (dice < 0.7) store.containers.get(name).fs.rmSync(`/f${below(random, 5)}`, { force: true });
  else if (dice < 0.76 && names.length < 6) await store.containers.fork(name, { at });
  else if (dice < 0.82) await store.rewind(name, at);
  else if (dice < 0.86) await store.containers.get(name).remove({ force: true });
  else if (dice < 0.9) await store.label(`l${below(random, 4)}`, at);
  else if (dice < 0.97) await store.flush();
  else await beginRetain(store, at, (plan) => writeDropPlan(DIRECTORY, plan, files));
}

const WRITES: readonly CallName[] = ['writeSync', 'fsyncSync', 'fdatasyncSync', 'fdatasync', 'renameSync', 'openSync'];

function faultOf(random: Random): Fault | null {
  if (random() < 0.3) return null;
  const code = random() < 0.5 ? 'EIO' : 'ENOSPC';
  const shortBytes = random() < 0.5 ? below(random, 300) : undefined;
  return { calls: WRITES, nth: 1 + below(random, 120), code, ...(shortBytes !== undefined && { shortBytes }) };
}

/** Gives what was recorded, and the newest event that was surely on the disk when the power went. */
async function live(disk: SimulatedDisk, random: Random): Promise<{ states: RecordedState[]; synced: number }> {
  const { files } = new FailingDisk(disk, faultOf(random));
  let store: Store;
  try {
    store = await storeOn(files);
  } catch {
    return { states: [], synced: 0 };
  }
  const recorder = new StateRecorder(store);
  const { oldest } = store;
  for (let count = below(random, 40); count > 0 && store.oldest === oldest; count--) {
    try {
      await step(store, random, files);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  const synced = store.syncedSeq;
  if (random() < 0.5) await store.close().catch(() => {});
  return { states: recorder.states, synced };
}

/** What a call may answer on such a disk. Anything else is a defect. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: string };
  return isStoreError(error) ? code !== 'ERR_LOG_CORRUPT' : ['EIO', 'ENOSPC', 'ENOENT', 'EROFS'].includes(code ?? '');
}

function expectRecorded(store: Store, states: readonly RecordedState[], random: Random): void {
  for (const state of states) {
    if (state.seq < store.oldest || (random() < 0.7 && state.seq !== store.seq)) continue;
    const { world } = store.at(state.seq);
    const actual = { roots: computeRoots(world, store.engine.log.chunks), registry: canonicalText(world.registry) };
    expect(stateDifference(state, actual), `at ${state.seq}`).toBeNull();
  }
}

test('through faults, power losses, forks, rewinds and dropped history nothing that was synced is lost or changed', async () => {
  let dropped = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = randomFrom(seed);
    let disk = new SimulatedDisk();
    let known = new Map<number, RecordedState>();
    for (let life = 0; life < LIVES; life++) {
      const { states, synced } = await live(disk, random);
      for (const state of states) known.set(state.seq, state);
      disk = disk.afterPowerLoss(random);
      const store = await storeOn(disk);
      expect(store.seq, `seed ${seed}, life ${life}`).toBeGreaterThanOrEqual(synced);
      known = new Map([...known].filter(([seq]) => seq <= store.seq));
      expectRecorded(store, [...known.values()], random);
      expect(checkInvariants(store.world, store.engine.log)).toEqual([]);
      if (store.oldest > 0) dropped++;
      await store.close();
      verifyLog(DIRECTORY, { fileSystem: disk });
    }
  }
  expect(dropped).toBeGreaterThan(0);
});
