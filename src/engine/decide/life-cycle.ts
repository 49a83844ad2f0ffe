/**
 * What a container's commands do in each of its states, and when they are refused (SEM-2.6).
 *
 * |         | created   | running         | paused                   | exited    |
 * |---------|-----------|-----------------|--------------------------|-----------|
 * | start   | → running | nothing         | refused                  | → running |
 * | stop    | nothing   | → exited        | → exited                 | nothing   |
 * | kill    | refused   | → exited 128+n  | → exited 128+n           | refused   |
 * | pause   | refused   | → paused        | refused                  | refused   |
 * | unpause | refused   | refused         | → running                | refused   |
 * | restart | → running | stop, start     | stop, start              | → running |
 * | rm      | removed   | refused         | refused                  | removed   |
 * | rm -f   | removed   | killed, removed | killed, removed          | removed   |
 * | exec    | refused   | a program more  | refused                  | refused   |
 *
 * What ends a container ends the programs beside its first one, too (`exec.ts`).
 *
 * Each function answers with events; no events: the command succeeds and nothing happens. A refusal says what Docker says,
 * word for word (moby v20.10.24, daemon/*.go and container/state.go), so that scripts that look for its words find them.
 */

import type { ContainerEvent, StoreEvent, VolumeEvent } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { ContainerRecord } from '../../projections/registry.ts';
import { endExecs } from './exec.ts';
import { signalNumber, stopsContainer } from './life-cycle-signals.ts';

/** @throws `ERR_STATE` when it is paused. */
export function startContainer(container: ContainerRecord, timeNs: bigint): ContainerEvent[] {
  switch (container.state) {
    case 'running':
      return [];
    case 'paused':
      throw refused(container, 'cannot start a paused container, try unpause instead');
    case 'created':
    case 'exited':
      return [{ type: 'ContainerStarted', container: container.container, timeNs }];
  }
}

/** @param exitCode - What its program ended with. */
export function stopContainer(container: ContainerRecord, exitCode: number, timeNs: bigint): ContainerEvent[] {
  const stopped = { type: 'ContainerStopped', container: container.container, exitCode, timeNs } as const;
  switch (container.state) {
    case 'running':
      return [...endExecs(container), stopped];
    case 'paused':
      return [{ type: 'ContainerUnpaused', container: container.container }, ...endExecs(container), stopped];
    case 'created':
    case 'exited':
      return [];
  }
}

/**
 * @param signal - `SIGTERM`, `TERM` or a number. A signal that programs are not stopped by changes nothing.
 * @throws `ERR_STATE` when it is not running; `ERR_INVALID_ARGUMENT` for an unknown signal.
 */
export function killContainer(container: ContainerRecord, signal: string, timeNs: bigint): ContainerEvent[] {
  const number = signalNumber(signal);
  if (!isAlive(container)) {
    throw refused(container, `Cannot kill container: ${container.name}: ${isNot(container, 'running')}`);
  }
  if (!stopsContainer(number)) return [];
  return killed(container, signal, 128 + number, timeNs);
}

/** @throws `ERR_STATE` when it is not running, or paused already. */
export function pauseContainer(container: ContainerRecord): ContainerEvent[] {
  if (container.state === 'paused') throw refused(container, `Container ${container.id} is already paused`);
  if (container.state !== 'running') throw refused(container, isNot(container, 'running'));
  return [{ type: 'ContainerPaused', container: container.container }];
}

/** @throws `ERR_STATE` when it is not paused. */
export function unpauseContainer(container: ContainerRecord): ContainerEvent[] {
  if (container.state !== 'paused') throw refused(container, isNot(container, 'paused'));
  return [{ type: 'ContainerUnpaused', container: container.container }];
}

/** Stop, where there is something to stop, and start. */
export function restartContainer(container: ContainerRecord, exitCode: number, timeNs: bigint): ContainerEvent[] {
  return [
    ...stopContainer(container, exitCode, timeNs),
    { type: 'ContainerStarted', container: container.container, timeNs },
  ];
}

/**
 * @param force - Kills it first if need be.
 * @param volumes - Ends with the volumes that go with it.
 * @throws `ERR_STATE` when it is running or paused, unless forced.
 */
export function removeContainer(
  container: ContainerRecord,
  options: { force: boolean; volumes: readonly VolumeEvent[] },
  timeNs: bigint,
): StoreEvent[] {
  const events: StoreEvent[] = [];
  if (isAlive(container)) {
    if (!options.force) {
      const isPaused = container.state === 'paused';
      const first = isPaused ? 'Unpause and then stop' : 'Stop';
      throw refused(
        container,
        `You cannot remove a ${isPaused ? 'paused' : 'running'} container ${container.id}. ` +
          `${first} the container before attempting removal or force remove`,
      );
    }
    events.push(...killed(container, 'SIGKILL', 137, timeNs));
  }
  for (const { volume, target } of container.mounts.toReversed()) {
    events.push({ type: 'VolumeUnmounted', container: container.container, volume, target });
  }
  events.push({ type: 'ContainerRemoved', container: container.container }, ...options.volumes);
  return events;
}

/** Running stays true while paused. */
export const isAlive = (container: ContainerRecord): boolean =>
  container.state === 'running' || container.state === 'paused';

function killed(container: ContainerRecord, signal: string, exitCode: number, timeNs: bigint): ContainerEvent[] {
  const event = { type: 'ContainerKilled', container: container.container, signal, exitCode, timeNs } as const;
  return [...endExecs(container), event];
}

const isNot = (container: ContainerRecord, state: string): string => `Container ${container.id} is not ${state}`;

function refused(container: ContainerRecord, message: string): Error {
  return storeError('ERR_STATE', message, { detail: { container: container.name, state: container.state } });
}
