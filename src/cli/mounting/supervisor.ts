/**
 * `overlog mount --supervise`: a process that keeps the kernel's door open, and starts another server when the one that answers
 * dies. Meanwhile calls wait; what was done is in the log, what was asked and not answered the kernel asks again.
 *
 * ```
 * supervisor ──▶ server: descriptor of /dev/fuse (3), messages (4)
 *      ▲            │
 *      └── death ◀──┘
 * ```
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { join, resolve } from 'node:path';
import {
  abortConnection,
  closeDevice,
  openDevice,
  overlogMountAt,
  removeMountRecord,
  unmount,
} from '../../entry/mount.ts';
import type { VerbContext } from '../context.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { type MountReport, READY_VARIABLE, reportOf } from './background.ts';
import type { ServeRequest } from './messages.ts';
import { ServedMount } from './served-mount.ts';
import { untilUnmounted } from './signals.ts';

/** Set for a supervised server: `new`, or `goes on`. */
const SUPERVISED_VARIABLE = 'OVERLOG_SUPERVISED';
const DEVICE_FD = 3;

/**
 * So many servers in a row that die within this time of their start, and have brought nothing into the log, end it: another one would
 * not do better.
 */
const EARLY_DEATHS_MAX = 5;
const EARLY_MS = 2000;

/** The first kernel that sends requests again (FUSE_NOTIFY_RESEND). */
const KERNEL_MIN = [6, 9] as const;

type FromSupervised =
  | { readonly type: 'mounted'; readonly report: MountReport }
  | { readonly type: 'refused'; readonly message: string; readonly exitCode: number }
  | { readonly type: 'ended'; readonly error: string | null };

/** @throws `ERR_UNSUPPORTED` when this kernel forgets what a dead server had read. */
export function checkSupervision(): void {
  const [major, minor] = release().split('.').map(Number);
  if (major > KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor >= KERNEL_MIN[1])) return;
  const message = `--supervise takes Linux ${KERNEL_MIN.join('.')} or later, and this is ${release()}: mount without it`;
  throw Object.assign(new Error(message), { code: 'ERR_UNSUPPORTED' });
}

/**
 * Mounts, and serves until it is unmounted, through as many servers as it takes.
 *
 * @param directory - Real path of the mount point.
 * @param onMounted - Called once.
 * @returns null, or what went wrong.
 * @throws What kept it from being mounted.
 */
export async function supervise(
  context: VerbContext,
  name: string,
  directory: string,
  onMounted: (report: MountReport) => void,
): Promise<string | null> {
  const device = openDevice();
  let child: ChildProcess | null = null;
  context.onSignal = (signal) => void child?.kill(signal);
  let mounted: MountReport | null = null;
  let earlyDeaths = 0;
  try {
    for (;;) {
      const [started, logBytes] = [performance.now(), logBytesOf(context.directory)];
      child = startSupervised(context, mounted === null ? name : whatIs(mounted), directory, device, mounted !== null);
      const end = await endOf(child, (report) => {
        if (mounted === null) onMounted(report);
        mounted = report;
      });
      if (end.type === 'ended') return end.error;
      if (mounted === null) throw Object.assign(new Error(end.message), { exitCode: end.exitCode });
      const isEarly = performance.now() - started < EARLY_MS && logBytesOf(context.directory) === logBytes;
      earlyDeaths = isEarly ? earlyDeaths + 1 : 0;
      if (end.type === 'refused' || earlyDeaths >= EARLY_DEATHS_MAX) return giveUp(context, directory, end.message);
      context.say(`${directory}: ${end.message}; another one goes on`);
    }
  } finally {
    context.onSignal = null;
    closeDevice(device);
  }
}

function logBytesOf(store: string): number {
  const log = join(store, 'log');
  return readdirSync(log).reduce((sum, name) => sum + statSync(join(log, name)).size, 0);
}

/** The same container at the same moment, whatever it is called by then. */
const whatIs = ({ id, at }: MountReport): string => (at === null ? id : `${id}@${at}`);

/** A group of its own, so that Ctrl-C reaches it once: through the supervisor. */
function startSupervised(
  context: VerbContext,
  name: string,
  directory: string,
  device: number,
  goesOn: boolean,
): ChildProcess {
  const { [READY_VARIABLE]: _, ...env } = context.env;
  const store = resolve(context.directory);
  const argv = [...process.execArgv, process.argv[1], 'mount', '--foreground', '--store', store, '--', name, directory];
  return spawn(process.execPath, argv, {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', device, 'ipc'],
    env: { ...env, [SUPERVISED_VARIABLE]: goesOn ? 'goes on' : 'new' },
  });
}

type End =
  | Exclude<FromSupervised, { type: 'mounted' }>
  | { readonly type: 'died'; readonly message: string; readonly exitCode: number };

function endOf(child: ChildProcess, onMounted: (report: MountReport) => void): Promise<End> {
  return new Promise((done) => {
    let end: End | null = null;
    child.on('message', (message: FromSupervised) => {
      if (message.type === 'mounted') onMounted(message.report);
      else end = message;
    });
    // close, not exit: what it has said comes before.
    child.once('close', (code, signal) => {
      const message = `the server (process ${child.pid}) died of ${signal ?? `exit code ${code}`}`;
      done(end ?? { type: 'died', message, exitCode: 1 });
    });
  });
}

/** Nobody will answer: programs get errors instead of waiting for ever. */
function giveUp(context: VerbContext, directory: string, why: string): string {
  const connection = overlogMountAt(directory)?.device;
  unmount(directory, 'lazy');
  if (connection !== undefined) abortConnection(connection);
  removeMountRecord(resolve(context.directory), process.pid);
  return `${directory} is given up: ${why}`;
}

/** Whether this process was started by {@link supervise}. */
export const isSupervised = (env: NodeJS.ProcessEnv): boolean => env[SUPERVISED_VARIABLE] !== undefined;

/** The server's side: serves, and tells its supervisor. */
export async function serveSupervised(
  context: VerbContext,
  what: Extract<ServeRequest['what'], { container: string }>,
  directory: string,
): Promise<void> {
  const { [SUPERVISED_VARIABLE]: state, ...env } = context.env;
  const supervised = { device: DEVICE_FD, pid: process.ppid, goesOn: state === 'goes on' };
  const say = (text: string): void => context.say(text);
  let served: ServedMount;
  try {
    served = await ServedMount.start({ store: resolve(context.directory), what, directory, env, say, supervised });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return tell({ type: 'refused', message, exitCode: exitCodeOf(error) });
  }
  // Without a supervisor nobody would go on after this process: it ends with the last program in it.
  process.once('disconnect', () => void served.unmount('lazy'));
  await tell({ type: 'mounted', report: reportOf(served, supervised.pid) });
  await tell({ type: 'ended', error: await untilUnmounted(context, served) });
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}

function tell(message: FromSupervised): Promise<void> {
  return new Promise((sent) => {
    if (process.send === undefined || !process.connected) sent();
    else process.send(message, () => sent());
  });
}
