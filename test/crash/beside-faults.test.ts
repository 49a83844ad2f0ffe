/** Faults of what lies beside the log alone: checkpoints and index files. Nothing but time depends on them. */

import { expect, test } from 'vitest';
import { verifyLog } from '../../src/storage/file/verify.ts';
import { verifyCheckpoints } from '../../src/storage/file/verify-checkpoints.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { changedSubjects, type RecordedState, StateRecorder } from '../../src/testing/state-recorder.ts';
import { type CallName, FailingDisk, type Fault } from './failing-disk.ts';
import { DIRECTORY, openOn } from './log-workload.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const timeMachine = {
  snapshotEvery: 16,
  snapshotsMax: 4,
  recentMax: 2,
  foldMax: -1,
  checkpoints: { every: 20, lightMin: 3 },
};

const WRITING: readonly CallName[] = ['writeSync'];
const SYNCING: readonly CallName[] = ['fdatasyncSync', 'fdatasync', 'fsyncSync'];
const NAMING: readonly CallName[] = ['openSync', 'renameSync', 'unlinkSync', 'mkdirSync'];

const KINDS = [
  { what: 'a write with EIO', calls: WRITING, code: 'EIO' },
  { what: 'a write with ENOSPC after 5 bytes', calls: WRITING, code: 'ENOSPC', shortBytes: 5 },
  { what: 'a sync with EIO', calls: SYNCING, code: 'EIO' },
  { what: 'a call about names with ENOSPC', calls: NAMING, code: 'ENOSPC' },
] satisfies (Omit<Fault, 'nth'> & { what: string })[];

interface Worked {
  readonly states: readonly RecordedState[];
  readonly warnings: readonly string[];
  readonly failing: FailingDisk;
}

/** Some work with pauses; content so long that the segment gets an index file. */
async function work(disk: SimulatedDisk, fault: Fault | null): Promise<Worked> {
  const failing = new FailingDisk(disk, fault);
  const warnings: string[] = [];
  const store = await openStore({
    log: openOn(failing.files),
    timeMachine,
    onWarning: (warning) => warnings.push(warning),
  });
  const recorder = new StateRecorder(store);
  const { fs } = await store.containers.create({ name: 'c' });
  for (let count = 0; count < 60; count++) {
    fs.writeFileSync(`/f${count % 9}`, Buffer.alloc(60_000, `${count}`));
    if (count % 4 === 0) fs.chmodSync(`/f${count % 9}`, 0o600);
    if (count % 6 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await store.close();
  return { states: recorder.states, warnings, failing };
}

function expectRecorded(store: Store, states: readonly RecordedState[]): void {
  for (const { seq, roots } of states) {
    const found = computeRoots(store.worldAt(seq), store.engine.log.chunks);
    expect({ seq, changed: changedSubjects(roots, found) }).toEqual({ seq, changed: [] });
  }
}

/** Without the fault all is there, and a writer leaves nothing unfinished behind. */
async function expectWhole(disk: SimulatedDisk, states: readonly RecordedState[]): Promise<void> {
  const again = await openStore({ log: openOn(disk), timeMachine });
  expectRecorded(again, states);
  await again.close();
  expect(disk.paths().filter((path) => path.endsWith('.ckpt.tmp'))).toEqual([]);
  expect(verifyLog(DIRECTORY, { fileSystem: disk }).torn).toBeNull();
  expect(verifyCheckpoints(DIRECTORY, { fileSystem: disk })).toEqual([]);
}

test.each(KINDS)(
  '$what in a checkpoint or an index, whichever it is, loses nothing',
  async (kind) => {
    for (const within of ['.ckpt', '.index', '/checkpoints']) {
      const { failing: whole } = await work(new SimulatedDisk(), { ...kind, within, nth: Infinity });
      expect(whole.matched).toBeGreaterThan(0);
      const step = Math.max(1, Math.floor(whole.matched / 8));
      for (let nth = 1; nth <= whole.matched; nth += step) {
        const disk = new SimulatedDisk();
        // How many calls there are depends on how long pauses are.
        const { states, warnings } = await work(disk, { ...kind, within, nth, once: true });
        expect(warnings.every((warning) => /checkpoint/.test(warning))).toBe(true);
        await expectWhole(disk, states);
      }
    }
  },
  300_000,
);

test('a checkpoint that cannot be read is no obstacle to an answer', async () => {
  const disk = new SimulatedDisk();
  const { states } = await work(disk, null);
  const fault = {
    calls: ['readSync', 'openSync', 'sizeSync', 'readdirSync'] as const,
    code: 'EIO',
    within: '/checkpoints',
    once: true,
  };
  const look = async (nth: number): Promise<number> => {
    const failing = new FailingDisk(disk, { ...fault, nth });
    const store = await openStore({ log: openOn(failing.files, { readOnly: true }), timeMachine });
    expectRecorded(store, states);
    await store.close();
    return failing.matched;
  };
  const calls = await look(Infinity);
  expect(calls).toBeGreaterThan(10);
  for (let nth = 1; nth <= calls; nth += Math.max(1, Math.floor(calls / 25))) await look(nth);
}, 300_000);
