import { expect, test } from 'vitest';
import type { OverlayProfile, SubjectId, Transaction } from '../../src/events/event.ts';
import { isFileEvent } from '../../src/events/file-event.ts';
import { DOCKER_PROFILE, POSIX_PROFILE, profileOf } from '../../src/events/overlay-profile.ts';
import { copyUpLedger, type CopyUpLedger, copyUps } from '../../src/projections/copy-up-ledger.ts';
import { history, pastsOf } from '../../src/projections/history.ts';
import { foldProjection } from '../../src/projections/projection.ts';
import { countedUpper, recountUpper } from '../../src/projections/recount-upper.ts';
import { transactionsOf } from '../../src/projections/subject-past.ts';
import { diffWorlds } from '../../src/replay/diff.ts';
import { diffMoments } from '../../src/replay/diff-moments.ts';
import { LogPasts } from '../../src/replay/log-pasts.ts';
import { historySeqsOf } from '../../src/replay/path-history.ts';
import type { World } from '../../src/projections/world.ts';
import { foldFrom } from '../../src/replay/time-machine.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { computeRoot, computeRoots } from '../../src/testing/roots.ts';
import { type RecordedState, stateDifference, StateRecorder } from '../../src/testing/state-recorder.ts';
import { openOn } from '../crash/log-workload.ts';
import { randomFrom, SimulatedDisk } from '../crash/simulated-disk.ts';
import { forAllCommands, SMALL_TIME_MACHINE } from './play.ts';

/** Checkpoints so near that a short log has many, also full ones. */
const options = {
  timeMachine: { ...SMALL_TIME_MACHINE, foldMax: -1, readMax: 20, checkpoints: { every: 12, lightMin: 3 } },
};

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

/** Pairs of moments that are compared. */
const COMPARED = 5;

/** Comparisons of two moments that are not those of the worlds that the log alone makes. */
function diffProblems(store: Store): string[] {
  const { log } = store.engine;
  const time = foldFrom(log);
  const random = randomFrom(store.seq);
  const problems: string[] = [];
  for (let pair = 0; pair < COMPARED; pair++) {
    const from = Math.floor(random() * (store.seq + 1));
    const reach = pair % 2 === 0 ? 18 : store.seq;
    const to = Math.min(store.seq, Math.max(0, from + Math.floor((random() * 2 - 1) * reach)));
    const [before, after] = [time.worldAt(from), time.worldAt(to)];
    const subjects = new Set([...before.overlays(), ...after.overlays()].map(({ subject }) => subject));
    for (const subject of subjects) {
      const asked = canonicalText(diffMoments(store.time, { from, to, subject }, log.chunks));
      const expected = canonicalText(diffWorlds(before, after, subject, log.chunks));
      if (asked !== expected) problems.push(`${subject}, ${from} to ${to}: ${asked}, the log: ${expected}`);
      problems.push(...laterProblems(store, before.seq <= after.seq ? [before, after] : [after, before], subject));
    }
  }
  return problems;
}

/** What the later tree that a comparison stands on has other than the one that the log alone makes. */
function laterProblems(store: Store, [earlier, later]: [World, World], subject: SubjectId): string[] {
  const { chunks } = store.engine.log;
  const expected = later.overlay(subject)?.tree;
  if (expected === undefined || earlier.overlay(subject) === undefined) return [];
  const worlds = [earlier, later].map(({ seq }) => store.worldAt(seq)) as [World, World];
  const changes = store.time.changesBetween(subject, ...worlds);
  if (changes === null) return [];
  const tree = changes.later;
  const problems: string[] = [];
  if (computeRoot(tree, chunks) !== computeRoot(expected, chunks))
    problems.push(`${subject}, ${earlier.seq} to ${later.seq}: another tree`);
  for (let ino = 0; ino <= expected.nextIno; ino++)
    if (tree.get(ino) !== tree.inodes.get(ino)) problems.push(`${subject} at ${later.seq}: there are two nodes ${ino}`);
  if (canonicalText(countedUpper(tree)) !== canonicalText(countedUpper(expected)))
    problems.push(`${subject} at ${later.seq}: other counters`);
  return problems;
}

/** Which transactions touched which node: as the log says it, folded from its start. */
function historyProblems(store: Store): string[] {
  const { log } = store.engine;
  const folded = pastsOf(foldProjection(history, log.read(), store.world));
  const pasts = new LogPasts({ log, world: store.world, time: store.time }).upToNow();
  const problems: string[] = [];
  const compare = (what: string, asked: unknown, expected: unknown): void => {
    if (canonicalText(asked) !== canonicalText(expected))
      problems.push(`${what}: ${canonicalText(asked)}, the log: ${canonicalText(expected)}`);
  };
  for (const [after, to] of [
    [0, store.seq],
    [store.seq >> 2, store.seq >> 1],
    [store.seq - 1, store.seq],
  ]) {
    const isOther = ({ events }: Transaction): boolean => events.some((event) => !isFileEvent(event));
    const expected = to > after ? Array.from(log.read(after + 1, to)).filter(isOther) : [];
    compare(`besides files, ${after} to ${to}`, [...store.time.besidesFiles(after, to)], expected);
  }
  const names = new Set<string>();
  for (const { cause } of log.read())
    for (const part of cause) if (String(part).startsWith('/')) names.add(String(part));
  for (const { subject, tree } of store.world.overlays()) {
    for (const upTo of [Infinity, store.seq >> 1]) {
      for (let ino = 1; ino < tree.nextIno; ino++) {
        const expected = transactionsOf(folded, subject, ino, upTo);
        compare(`${subject}, ${ino} up to ${upTo}`, transactionsOf(pasts, subject, ino, upTo), expected);
      }
      const world = store.worldAt(Math.min(upTo, store.seq));
      const transactionAt = (seq: number): Transaction | undefined => store.time.transactionAt(seq);
      const query = { world, subject, transactionAt };
      for (const path of names) {
        const expected = historySeqsOf({ ...query, pasts: folded, path });
        compare(`${subject}:${path} up to ${upTo}`, historySeqsOf({ ...query, pasts, path }), expected);
      }
    }
  }
  return problems;
}

/** The ledger of copy-ups at some moments: as the log says it, folded from its start. */
function ledgerProblems(store: Store): string[] {
  const problems: string[] = [];
  for (const seq of new Set([store.seq, store.seq >> 1, Math.floor((store.seq * 5) / 6)])) {
    const world = seq === store.seq ? store.world : store.worldAt(seq);
    const expected = foldProjection(copyUpLedger, store.engine.log.read(1, world.seq), world);
    const asked = store.copyUps(seq === store.seq ? undefined : seq);
    const textOf = (ledger: CopyUpLedger): string =>
      canonicalText({ ...copyUpLedger.initial(), ...ledger, entries: [...copyUps(ledger)] });
    if (textOf(asked) !== textOf(expected))
      problems.push(`copy-ups at ${seq}: ${textOf(asked)}, the log: ${textOf(expected)}`);
  }
  return problems;
}

/**
 * Plays commands, and now and then something more; then asks about every moment, of the store that wrote checkpoints and of
 * one that was opened with them.
 *
 * @returns In how many runs there were checkpoints.
 */
async function expectSameAlways(
  runs: number,
  profile: OverlayProfile,
  besides: (store: Store, random: () => number) => void = () => {},
): Promise<number> {
  let disk: SimulatedDisk;
  let covered = 0;
  let withLedger = 0;
  await forAllCommands(
    runs,
    ({ store }) => {
      const recorder = new StateRecorder(store);
      const random = randomFrom(7);
      return {
        after: () => besides(store, random),
        async end() {
          expect(pastProblems(store, recorder.states)).toEqual([]);
          expect(historyProblems(store)).toEqual([]);
          expect(ledgerProblems(store)).toEqual([]);
          expect(diffProblems(store)).toEqual([]);
          const head = recorder.at(store.seq);
          await store.close();
          if (disk.paths().some((path) => CHECKPOINT.test(path))) covered++;
          const again = await openStore({ log: openOn(disk, { readOnly: true }), ...options });
          expect(pastProblems(again, recorder.states)).toEqual([]);
          expect(historyProblems(again)).toEqual([]);
          expect(ledgerProblems(again)).toEqual([]);
          if (again.time.ledgerBefore(again.seq) !== null) withLedger++;
          expect(diffProblems(again)).toEqual([]);
          expect(again.seq).toBe(head?.seq);
          await again.close();
        },
      };
    },
    () => {
      disk = new SimulatedDisk();
      return { log: openOn(disk, { segmentBytesMax: 4096 }), ...options, profile };
    },
  );
  expect(withLedger).toBe(covered);
  return covered;
}

test('a store opened with its checkpoints is what it was, now and at every moment (law 2)', async () => {
  expect(await expectSameAlways(60, DOCKER_PROFILE)).toBeGreaterThan(20);
});

test.each([POSIX_PROFILE, profileOf({ redirectDir: true }), profileOf({ index: true }), profileOf({ metacopy: true })])(
  'so is one of containers with overlay options: %o (law 2)',
  async (profile) => {
    expect(await expectSameAlways(20, profile)).toBeGreaterThan(5);
  },
);

/** Goes back with a path of some container or volume to some moment; most of the time there is something else than now. */
function goBack(store: Store, random: () => number): void {
  if (random() > 0.2) return;
  const trees = random() < 0.5 ? store.containers : store.volumes;
  const list = trees.list();
  const tree = list[Math.floor(random() * list.length)];
  const path = ['/a', '/b', '/d', '/a/a', '/e'][Math.floor(random() * 5)];
  if (tree === undefined) return;
  // The transaction is made at once; what is refused changes nothing.
  trees.rewindPath(tree.name, Math.floor(random() * store.seq), path).catch(() => {
    refused++;
  });
}

let refused = 0;

test('so is one in which paths went back to what they were (law 2)', async () => {
  let gone = 0;
  const covered = await expectSameAlways(15, DOCKER_PROFILE, (store, random) => {
    const before = store.seq;
    goBack(store, random);
    if (store.seq > before) gone++;
  });
  expect(covered).toBeGreaterThan(3);
  expect(gone).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
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
            expect(historyProblems(again)).toEqual([]);
            expect(ledgerProblems(again)).toEqual([]);
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
