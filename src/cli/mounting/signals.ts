import type { ChildProcess } from 'node:child_process';
import type { VerbContext } from '../context.ts';
import { exitCodeOfProgram } from './program.ts';
import type { ServedMount } from './served-mount.ts';

/** What is mounted, as far as a signal touches it. */
type Served = Pick<ServedMount, 'directory' | 'ended' | 'unmount' | 'abort'>;

/**
 * Waits until a mount is gone. SIGINT and SIGTERM unmount it; where programs are still in it, it goes out of sight and ends
 * with the last of them; a second signal ends it under their feet.
 *
 * @returns null, or what went wrong.
 */
export async function untilUnmounted(context: VerbContext, served: Served): Promise<string | null> {
  let signals = 0;
  context.onSignal = () => {
    signals++;
    if (signals > 1) return served.abort();
    if (served.unmount() === null) return undefined;
    context.say(`${served.directory} is in use: it ends with the last program in it, or with a second signal`);
    served.unmount('lazy');
    return undefined;
  };
  try {
    return await served.ended;
  } finally {
    context.onSignal = null;
  }
}

const OTHER_SIGNALS = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Waits until a program ends. Signals that this process gets are the program's; SIGINT of a terminal it has got itself.
 *
 * @param pass - Gives it a signal.
 * @returns Its exit code.
 */
export async function untilEnded(
  context: VerbContext,
  child: ChildProcess,
  pass: (signal: NodeJS.Signals) => void,
): Promise<number> {
  const forward = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) pass(signal);
  };
  context.onSignal = forward;
  for (const signal of OTHER_SIGNALS) process.on(signal, forward);
  try {
    return await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('exit', (code, signal) => done(exitCodeOfProgram(code, signal)));
    });
  } finally {
    for (const signal of OTHER_SIGNALS) process.off(signal, forward);
    context.onSignal = null;
  }
}
