import type { ChildProcess } from 'node:child_process';
import type { VerbContext } from '../context.ts';
import { hasBegun, programProcess, type ProgramOptions, recipientOf, startProgram } from './program.ts';
import { untilEnded } from './signals.ts';

/**
 * Runs a program to its end. Signals that this process gets are the program's; those of the terminal it has got itself.
 *
 * @param onStarted - Told of the process in the container's namespaces, when it has begun.
 * @returns Its exit code.
 */
export async function runProgram(
  context: VerbContext,
  options: ProgramOptions,
  onStarted: (pid: number) => void = () => {},
): Promise<number> {
  const child = startProgram(options);
  const ended = untilEnded(context, child, recipientOf(child, options));
  if (options.view !== 'beside') void whenInside(child, options, options.view, onStarted);
  return ended;
}

/** Where it has a root directory of its own, unshare(1) forks; the program has begun when the script around it has done its part. */
async function whenInside(
  child: ChildProcess,
  options: ProgramOptions,
  view: 'root' | 'over',
  onStarted: (pid: number) => void,
): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const pid = programProcess(child, options);
    if (pid > 0 && hasBegun(pid, view)) return onStarted(pid);
    await new Promise<void>((turn) => setTimeout(turn, 5));
  }
}
