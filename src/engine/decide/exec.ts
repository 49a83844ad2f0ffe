/** Programs beside a container's first: `docker exec` (SEM-2.6). Refusals are Docker's, word for word (moby v20.10.24, daemon/exec.go). */

import { createHash } from 'node:crypto';
import type { ExecEvent, SubjectId } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { ContainerRecord } from '../../projections/registry.ts';

/** What a program ends with that the end of its container takes along: SIGKILL. */
const TAKEN_ALONG = 137;

/**
 * 64 hex digits, the same wherever the same commands are played, so that a scenario can name a program that it began.
 *
 * @param seq - Of the event before the one that makes it.
 */
export function execId(container: SubjectId, seq: number): string {
  return createHash('sha256').update(`exec ${container} ${seq}`).digest('hex');
}

/**
 * @param asked - What the container was called by.
 * @throws `ERR_STATE` when no program can be started in it: it does not run, or is paused.
 */
export function checkExec(container: ContainerRecord, asked: string): void {
  const detail = { container: container.name, state: container.state };
  switch (container.state) {
    case 'created':
    case 'exited':
      throw storeError('ERR_STATE', `Container ${container.id} is not running`, { detail });
    case 'paused':
      throw storeError('ERR_STATE', `Container ${asked} is paused, unpause the container before exec`, { detail });
    case 'running':
      return;
  }
}

/**
 * Makes and starts a program.
 *
 * @throws `ERR_INVALID_ARGUMENT` without a program; as {@link checkExec}.
 */
export function beginExec(
  container: ContainerRecord,
  asked: string,
  { exec, command }: { exec: string; command: readonly string[] },
): ExecEvent[] {
  if (command.length === 0) throw storeError('ERR_INVALID_ARGUMENT', 'No exec command specified');
  checkExec(container, asked);
  const subject = container.container;
  return [
    { type: 'ExecCreated', container: subject, exec, command },
    { type: 'ExecStarted', container: subject, exec },
  ];
}

/** @throws `ERR_NOT_FOUND` when the container has no such program, or none any more. */
export function endExec(container: ContainerRecord, exec: string, exitCode: number): ExecEvent[] {
  if (!container.execs.some((each) => each.exec === exec)) {
    throw storeError('ERR_NOT_FOUND', `No such exec instance: ${exec}`, { detail: { exec } });
  }
  return [{ type: 'ExecEnded', container: container.container, exec, exitCode }];
}

/** The end of all its programs, by the end of the container. */
export const endExecs = ({ container, execs }: ContainerRecord): ExecEvent[] =>
  execs.map(({ exec }) => ({ type: 'ExecEnded', container, exec, exitCode: TAKEN_ALONG }));
