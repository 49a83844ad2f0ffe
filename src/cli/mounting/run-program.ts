import type { ChildProcess } from 'node:child_process';
import type { VerbContext } from '../context.ts';
import { exitCodeOfProgram, hasBegun, processInside, type ProgramOptions, startProgram } from './program.ts';

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
  if (options.view !== 'beside') void whenInside(child, options.view, onStarted);
  const forward = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    const inside = options.view === 'root' ? processInside(child) : (child.pid ?? 0);
    if (inside > 0) process.kill(inside, signal);
  };
  context.onSignal = forward;
  const others = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
  for (const signal of others) process.on(signal, forward);
  try {
    return await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('exit', (code, signal) => done(exitCodeOfProgram(code, signal)));
    });
  } finally {
    for (const signal of others) process.off(signal, forward);
    context.onSignal = null;
  }
}

/** Where it has a root directory of its own, unshare(1) forks; the program has begun when the script around it has done its part. */
async function whenInside(child: ChildProcess, view: 'root' | 'over', onStarted: (pid: number) => void): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const pid = view === 'root' ? processInside(child) : (child.pid ?? 0);
    if (pid > 0 && hasBegun(pid, view)) return onStarted(pid);
    await new Promise<void>((turn) => setTimeout(turn, 5));
  }
}
