import { expect, test } from 'vitest';
import {
  killContainer,
  pauseContainer,
  removeContainer,
  restartContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
} from '../../../src/engine/decide/life-cycle.ts';
import { beginExec, endExec } from '../../../src/engine/decide/exec.ts';
import { checkName, containerId, defaultName } from '../../../src/engine/decide/life-cycle-create.ts';
import type { StoreEvent } from '../../../src/events/event.ts';
import { isStoreError } from '../../../src/events/log-error.ts';
import { type ContainerRecord, type ContainerState, EMPTY_REGISTRY } from '../../../src/projections/registry.ts';

const container = (state: ContainerState): ContainerRecord => ({
  container: 1,
  id: 'f'.repeat(64),
  name: 'web',
  image: null,
  reference: '',
  profile: { redirectDir: false, index: false, metacopy: false },
  readOnly: false,
  labels: [],
  command: [],
  state,
  exitCode: 0,
  createdNs: 0n,
  startedNs: null,
  finishedNs: null,
  mounts: [],
  execs: [],
  seq: 1,
  forkedFrom: null,
});

const EXEC = { exec: 'e'.repeat(64), command: ['sh'] };

const COMMANDS: Record<string, (record: ContainerRecord) => StoreEvent[]> = {
  start: (record) => startContainer(record, 1n),
  stop: (record) => stopContainer(record, 0, 1n),
  kill: (record) => killContainer(record, 'SIGKILL', 1n),
  pause: pauseContainer,
  unpause: unpauseContainer,
  restart: (record) => restartContainer(record, 0, 1n),
  rm: (record) => removeContainer(record, { force: false, volumes: [] }, 1n),
  'rm -f': (record) => removeContainer(record, { force: true, volumes: [] }, 1n),
  exec: (record) => beginExec(record, 'web', EXEC),
};

const REFUSED = 'refused';

test.each<[command: string, created: string, running: string, paused: string, exited: string]>([
  ['start', 'Started', '', REFUSED, 'Started'],
  ['stop', '', 'Stopped', 'Unpaused Stopped', ''],
  ['kill', REFUSED, 'Killed', 'Killed', REFUSED],
  ['pause', REFUSED, 'Paused', REFUSED, REFUSED],
  ['unpause', REFUSED, REFUSED, 'Unpaused', REFUSED],
  ['restart', 'Started', 'Stopped Started', 'Unpaused Stopped Started', 'Started'],
  ['rm', 'Removed', REFUSED, REFUSED, 'Removed'],
  ['rm -f', 'Removed', 'Killed Removed', 'Killed Removed', 'Removed'],
  ['exec', REFUSED, 'ExecCreated ExecStarted', REFUSED, REFUSED],
])('%s of a created, running, paused, exited container does what Docker does (SEM-2.6)', (command, ...expected) => {
  const outcomes = (['created', 'running', 'paused', 'exited'] as const).map((state) => {
    try {
      return COMMANDS[command](container(state))
        .map((event) => event.type.replace('Container', ''))
        .join(' ');
    } catch (error) {
      return isStoreError(error, 'ERR_STATE') ? REFUSED : error;
    }
  });
  expect(outcomes).toEqual(expected);
});

test('a kill ends with 128 and the signal; signals that stop nothing change nothing (SEM-2.6)', () => {
  expect(killContainer(container('running'), 'KILL', 1n)).toMatchObject([{ exitCode: 137 }]);
  expect(killContainer(container('running'), '15', 1n)).toMatchObject([{ exitCode: 143 }]);
  expect(killContainer(container('running'), 'SIGUSR1', 1n)).toEqual([]);
  expect(() => killContainer(container('running'), 'SIGNOPE', 1n)).toThrow('Invalid signal: SIGNOPE');
});

test('a removal unmounts what was mounted, the last mount first', () => {
  const mount = { on: 1, ino: 2, readOnly: false, noCopy: false };
  const mounts = [
    { ...mount, volume: 2, target: '/a' },
    { ...mount, volume: 3, target: '/a/b' },
  ];
  const events = removeContainer({ ...container('exited'), mounts }, { force: false, volumes: [] }, 1n);
  expect(events.map((event) => ('target' in event ? event.target : event.type))).toEqual([
    '/a/b',
    '/a',
    'ContainerRemoved',
  ]);
});

test.each([
  ['ab', 'ab'],
  ['/web', 'web'],
  ['a.b-c_9', 'a.b-c_9'],
])('%s is a name for a container', (name, plain) => {
  expect(checkName(name, 'container')).toBe(plain);
});

test.each(['', '-', '-ab', 'a b', 'ä1', 'a/b'])('"%s" is no name for a container', (name) => {
  expect(() => checkName(name, 'container')).toThrow('is not a name for a container');
});

test('ids and default names are the same whenever a script is run again', () => {
  const id = containerId('00ff', 3);
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(id).not.toBe(containerId('00ff', 4));
  const name = defaultName(EMPTY_REGISTRY, id);
  const taken = { ...EMPTY_REGISTRY, containers: new Map([[1, { ...container('created'), name }]]) };
  expect(defaultName(taken, id)).toBe(`${name}2`);
});

test('what ends a container ends the programs in it first, with 137; pausing leaves them (SEM-2.6)', () => {
  const { exec, command } = EXEC;
  const running = { ...container('running'), execs: [{ exec, command, startedNs: 1n }] };
  const ended = { type: 'ExecEnded', container: 1, exec, exitCode: 137 };
  for (const command of ['stop', 'kill', 'restart', 'rm -f']) expect(COMMANDS[command](running)[0]).toEqual(ended);
  expect(COMMANDS['stop']({ ...running, state: 'paused' })[1]).toEqual(ended);
  expect(COMMANDS['pause'](running)).toEqual([{ type: 'ContainerPaused', container: 1 }]);
});

test('the end of a program is told once, and an exec needs a program', () => {
  const { exec, command } = EXEC;
  const running = { ...container('running'), execs: [{ exec, command, startedNs: 1n }] };
  expect(endExec(running, exec, 3)).toEqual([{ type: 'ExecEnded', container: 1, exec, exitCode: 3 }]);
  expect(() => endExec(container('running'), exec, 3)).toThrow(`No such exec instance: ${exec}`);
  expect(() => beginExec(running, 'web', { exec, command: [] })).toThrow('No exec command specified');
});
