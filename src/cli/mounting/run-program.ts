import type { ChildProcess } from 'node:child_process';
import type { VerbContext } from '../context.ts';
import { exitCodeOfProgram, processInside, type ProgramOptions, startProgram } from './program.ts';

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
  if (options.view === 'root') void whenInside(child, onStarted);
  const forward = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    const inside = options.view === 'over' ? (child.pid ?? 0) : processInside(child);
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

/** unshare(1) forks; its child is the program, once the script around it has done its part. */
async function whenInside(child: ChildProcess, onStarted: (pid: number) => void): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const pid = processInside(child);
    if (pid > 0) return onStarted(pid);
    await new Promise<void>((turn) => setTimeout(turn, 5));
  }
}
