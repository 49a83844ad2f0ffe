import { expect, test } from 'vitest';
import { openStore } from '../../../src/index.ts';
import { temporaryDirectory } from '../../e2e/command.ts';
import type { FileCall } from '../../../src/testing/file-call.ts';
import { cutProblems } from '../../../src/testing/laws/cut-law.ts';
import { isolationProblems } from '../../../src/testing/laws/isolation.ts';
import { modelDifference } from '../../../src/testing/laws/model-law.ts';
import { refusalProblems } from '../../../src/testing/laws/refusal-law.ts';
import { timeProblems } from '../../../src/testing/laws/time-law.ts';
import { PosixModel } from '../../../src/testing/model.ts';
import { type RecordedState, StateRecorder } from '../../../src/testing/state-recorder.ts';

/** Two containers that were written to in turns, and what was noted meanwhile. */
async function recorded() {
  const store = await openStore();
  const recorder = new StateRecorder(store);
  const containers = [await store.containers.create(), await store.containers.create()];
  for (const text of ['one', 'two', 'three']) for (const { fs } of containers) fs.writeFileSync('/f', text);
  return { store, containers, states: recorder.states };
}

/** The states as if a tree had been another one at one of them. */
const withOther = (states: readonly RecordedState[], at: number, subject: number): RecordedState[] =>
  states.map((state, index) =>
    index === at ? { ...state, roots: new Map([...state.roots, [subject, 'another root']]) } : state,
  );

test('isolation is broken where a write changes another container (law 3)', async () => {
  const { store, containers, states } = await recorded();
  expect(isolationProblems(store, states)).toEqual([]);
  // The last write was into the second container.
  const [first] = containers;
  expect(isolationProblems(store, withOther(states, states.length - 1, first.subject))).toEqual([
    expect.stringMatching(/^writeFile \/f .*is about 2, and changed 1$/),
  ]);
  await store.close();
});

test('a moment that is not what it was is told (law 8)', async () => {
  const { store, containers, states } = await recorded();
  expect(timeProblems(store, states)).toEqual([]);
  const at = Math.floor(states.length / 2);
  const problems = timeProblems(store, withOther(states, at, containers[0].subject));
  expect(problems).toEqual([`at ${states[at].seq}: other trees: ${containers[0].subject}`]);
  await store.close();
});

test('a refused call that wrote something is told (law 7)', async () => {
  const { store, containers } = await recorded();
  const [{ fs }] = containers;
  expect(await refusalProblems(store, () => fs.rmdirSync('/none'))).toEqual([]);
  expect(await refusalProblems(store, () => fs.mkdirSync('/d'))).toEqual([]);
  const problems = await refusalProblems(store, () => {
    fs.writeFileSync('/f', 'four');
    throw new Error('no');
  });
  expect(problems).toEqual([
    expect.stringContaining('wrote'),
    expect.stringContaining(`left other trees: ${containers[0].subject}`),
  ]);
  await store.close();
});

test('an open directory keeps its names until it is rewound, each handle its own (SEM-1.7)', async () => {
  const { store, containers } = await recorded();
  const [{ fs }] = containers;
  const [one, other] = [fs.openSync('/', 'r'), fs.openSync('/', 'r')];
  expect(fs.linux.getdentsSync(one)).toEqual(['f']);
  fs.mkdirSync('/d');
  expect([one, other].map((fd) => fs.linux.getdentsSync(fd))).toEqual([['f'], ['d', 'f']]);
  fs.linux.lseekSync(one, 0, 0);
  expect(fs.linux.getdentsSync(one)).toEqual(['d', 'f']);
  expect(() => fs.linux.getdentsSync(fs.openSync('/f', 'r'))).toThrow('ENOTDIR');
  fs.writeFileSync('/d/x', '');
  const gone = fs.openSync('/d', 'r');
  expect(fs.linux.getdentsSync(gone)).toEqual(['x']);
  fs.rmSync('/d', { recursive: true });
  expect(fs.linux.getdentsSync(gone)).toEqual([]);
  await store.close();
});

test('the model shows a removed directory as empty to who has read it, as the kernel does (SEM-O7)', async () => {
  const calls: FileCall[] = [
    { call: 'mkdir', path: '/d', mode: 0o755 },
    { call: 'writeFile', path: '/d/x', data: '' },
    { call: 'open', slot: 0, path: '/d', flags: 0, mode: 0 },
    { call: 'getdents', slot: 0 },
    { call: 'unlink', path: '/d/x' },
    { call: 'rmdir', path: '/d' },
    { call: 'getdents', slot: 0 },
  ];
  const store = await openStore();
  const { fs } = await store.containers.create();
  expect(modelDifference(fs, new PosixModel(null), calls, false)).toBeNull();
  await store.close();
});

test('a cut log has the state of its last whole transaction, and another one is told (law 7)', async () => {
  const directory = temporaryDirectory();
  const store = await openStore(directory);
  const recorder = new StateRecorder(store);
  const { fs, subject } = await store.containers.create();
  for (const text of ['one', 'two', 'three', 'four']) {
    fs.writeFileSync('/f', text);
    await store.flush();
  }
  const { states } = recorder;
  const cuts = Array.from({ length: 41 }, (_, index) => index / 40);
  expect(cutProblems(directory, states, cuts)).toEqual([]);
  await store.close();
  expect(cutProblems(directory, states, cuts)).toEqual([]);
  const at = states.length - 2;
  const problems = cutProblems(directory, withOther(states, at, subject), cuts);
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems) expect(problem).toContain(`at ${states[at].seq}: other trees: ${subject}`);
  const gap = states.filter((_, index) => index !== at);
  expect(cutProblems(directory, gap, cuts)).toContainEqual(expect.stringContaining('no transaction ends there'));
});
