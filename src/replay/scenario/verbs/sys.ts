/**
 * `sys CALL …`: one system call, its arguments in the order of the manual page. What shell verbs cannot say exactly is said
 * so: open descriptors, flags, exact modes and times, holes.
 *
 * A descriptor is a number that the scenario chooses; opening into one that is taken closes what was there. Descriptors
 * belong to the run: they stay open from step to step, and one container's step may use what another's has opened.
 */

import { errnoCode, isFsError } from '../../../engine/errno.ts';
import type { Shell } from './shell.ts';
import { SysArguments } from './sys-arguments.ts';
import { type Answer, SYS_CALLS } from './sys-calls.ts';
import { usage, verbError } from './verb-error.ts';

export function sys(shell: Shell, [name = '', ...words]: readonly string[]): void {
  const entry = SYS_CALLS.get(name);
  if (entry === undefined) throw usage(`sys ${[...SYS_CALLS.keys()].join(' | ')}`);
  const [form, call] = entry;
  const args = new SysArguments(words, `sys ${name} ${form}`);
  const answer = answerOf(() => call(shell, args));
  if (typeof answer === 'number' && answer < 0) throw verbError(errnoCode(answer), `sys ${name}: ${errnoCode(answer)}`);
  args.end();
  if (answer !== null) shell.print(`${answer}\n`);
}

/** A store that failed, and a container that is gone, refuse by throwing. */
function answerOf(call: () => Answer): Answer {
  try {
    return call();
  } catch (error) {
    if (isFsError(error)) return error.errno;
    throw error;
  }
}
