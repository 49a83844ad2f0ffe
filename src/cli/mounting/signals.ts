import type { ChildProcess } from 'node:child_process';
import type { VerbContext } from '../context.ts';
import { exitCodeOfProgram, type Recipient } from './program.ts';
import type { ServedMount } from './served-mount.ts';
import { isInForeground, takeTerminalBack } from './terminal.ts';

/** What is mounted, as far as a signal touches it. */
type Served = Pick<ServedMount, 'directory' | 'ended' | 'unmount' | 'abort'>;

/**
 * Waits until a mount is gone. SIGINT, SIGTERM and SIGHUP unmount it; where programs are still in it, it goes out of sight and ends
 * with the last of them; a second signal ends it under their feet.
 *
 * @param already - One that came while it was mounted.
 * @returns null, or what went wrong.
 */
export async function untilUnmounted(
  context: VerbContext,
  served: Served,
  already: NodeJS.Signals | null = null,
): Promise<string | null> {
  let signals = 0;
  const end = (): void => {
    signals++;
    if (signals > 1) return served.abort();
    if (served.unmount() === null) return;
    context.say(`${served.directory} is in use: it ends with the last program in it, or with a second signal`);
    served.unmount('lazy');
  };
  context.onSignal = end;
  if (already !== null) end();
  try {
    return await served.ended;
  } finally {
    context.onSignal = null;
  }
}

const OTHER_SIGNALS = ['SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** Those that a key of the terminal sends to its whole foreground. */
const OF_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Sent to this process when the program has been forked. Signals are handled in the order in which they came, so what the terminal
 * sent in front of it came when there was nobody yet to get it, however late it is handled. Nobody else sends this one (signal(7)).
 */
const FORKED = 'SIGURG';
/** How often it is looked whether the program is there that a signal is for. */
const POLL_MS = 5;

/**
 * Waits until a program ends. Signals that this process gets are the program's; those that the terminal has sent it has got itself.
 * A terminal that this process had, it has again afterwards.
 *
 * @param child - Started in this very turn.
 * @returns Its exit code.
 */
export async function untilEnded(context: VerbContext, child: ChildProcess, recipient: Recipient): Promise<number> {
  let isForked = false;
  const forked = (): void => void (isForked = true);
  process.once(FORKED, forked);
  process.kill(process.pid, FORKED);
  const hadTerminal = isInForeground();
  const forward = (signal: NodeJS.Signals): void => {
    const hasGotIt = OF_TERMINAL.has(signal) && isForked && isInForeground() && recipient.isThere();
    if (!hasGotIt) void passWhenThere(child, () => recipient.give(signal));
  };
  const before = context.onSignal;
  context.onSignal = forward;
  for (const signal of OTHER_SIGNALS) process.on(signal, forward);
  try {
    return await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('exit', (code, signal) => done(exitCodeOfProgram(code, signal)));
    });
  } finally {
    if (hadTerminal && !isInForeground()) takeTerminalBack();
    for (const signal of OTHER_SIGNALS) process.off(signal, forward);
    process.off(FORKED, forked);
    context.onSignal = before;
  }
}

async function passWhenThere(child: ChildProcess, pass: () => boolean): Promise<void> {
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    if (pass()) return;
    await new Promise<void>((turn) => setTimeout(turn, POLL_MS));
  }
}

/** How long a start that was interrupted may go on to where it can be taken back; longer ones are cut off. */
const GRACE_MS = 3000;

/**
 * Starts something that takes a while, and notes the signal that comes meanwhile.
 *
 * @param start - Gets a signal that it has to end by.
 */
export async function whileStarting<T>(
  context: VerbContext,
  start: (cutOff: AbortSignal) => Promise<T>,
): Promise<{ readonly started: T; readonly signal: NodeJS.Signals | null }> {
  const cutOff = new AbortController();
  let noted: NodeJS.Signals | null = null;
  let timer: NodeJS.Timeout | undefined;
  context.onSignal = (signal) => {
    if (noted !== null) return cutOff.abort(exitCodeOfProgram(null, noted));
    noted = signal;
    timer = setTimeout(() => cutOff.abort(exitCodeOfProgram(null, signal)), GRACE_MS);
  };
  try {
    return { started: await start(cutOff.signal), signal: noted };
  } finally {
    clearTimeout(timer);
    context.onSignal = null;
  }
}
