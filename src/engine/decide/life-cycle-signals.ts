import { storeError } from '../../events/log-error.ts';

/** Numbers of the signals that people send to containers (signal(7), x86 and ARM). */
const SIGNALS: ReadonlyMap<string, number> = new Map([
  ['HUP', 1],
  ['INT', 2],
  ['QUIT', 3],
  ['ILL', 4],
  ['TRAP', 5],
  ['ABRT', 6],
  ['BUS', 7],
  ['FPE', 8],
  ['KILL', 9],
  ['USR1', 10],
  ['SEGV', 11],
  ['USR2', 12],
  ['PIPE', 13],
  ['ALRM', 14],
  ['TERM', 15],
  ['STKFLT', 16],
  ['CHLD', 17],
  ['CONT', 18],
  ['STOP', 19],
  ['TSTP', 20],
  ['TTIN', 21],
  ['TTOU', 22],
  ['URG', 23],
  ['XCPU', 24],
  ['XFSZ', 25],
  ['VTALRM', 26],
  ['PROF', 27],
  ['WINCH', 28],
  ['IO', 29],
  ['PWR', 30],
  ['SYS', 31],
]);

const SIGNAL_MAX = 64;

/** Signals by which programs are asked, or forced, to end. No program runs here that could treat another one its own way. */
const STOPPING: ReadonlySet<number> = new Set([1, 2, 3, 6, 9, 15]);

/**
 * @param signal - With or without `SIG`, or a number from 1 to 64.
 * @throws `ERR_INVALID_ARGUMENT` for anything else.
 */
export function signalNumber(signal: string): number {
  const name = signal.toUpperCase().replace(/^SIG/, '');
  const number = SIGNALS.get(name) ?? (/^\d{1,2}$/.test(name) ? Number(name) : 0);
  if (number < 1 || number > SIGNAL_MAX) throw storeError('ERR_INVALID_ARGUMENT', `Invalid signal: ${signal}`);
  return number;
}

/** Whether a container is exited after it. */
export const stopsContainer = (signal: number): boolean => STOPPING.has(signal);
