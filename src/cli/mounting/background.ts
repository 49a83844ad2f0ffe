/** Serving in the background: the same command once more, in a session of its own, which says when it is ready. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { VerbContext } from '../context.ts';
import { exitCodeOf } from '../exit-codes.ts';

/** Set for the process in the background: it reports on {@link READY_FD}. */
const READY_VARIABLE = 'OVERLOG_READY';
const READY_FD = 3;

export interface MountReport {
  readonly pid: number;
  readonly container: string;
  /** The moment that is mounted; null: now. */
  readonly at: number | null;
  readonly readOnly: boolean;
  readonly directory: string;
}

type Report = MountReport | { readonly error: string; readonly exitCode: number };

/**
 * Mounts in a process of its own, which goes on when this one ends.
 *
 * @throws What kept it from being mounted, with its exit code.
 */
export async function mountInBackground(context: VerbContext, name: string, directory: string): Promise<MountReport> {
  const store = resolve(context.directory);
  const log = openLog(store);
  const argv = [...process.execArgv, process.argv[1], 'mount', '--foreground', '--store', store, '--', name, directory];
  const child = spawn(process.execPath, argv, {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: { ...context.env, [READY_VARIABLE]: '1' },
  });
  closeSync(log);
  let text = '';
  for await (const piece of child.stdio[READY_FD] as NodeJS.ReadableStream) text += String(piece);
  child.unref();
  const report = (text === '' ? NO_REPORT : JSON.parse(text)) as Report;
  if ('error' in report) throw Object.assign(new Error(report.error), { exitCode: report.exitCode });
  return report;
}

/** Whether this process was started by {@link mountInBackground}. */
export const isInBackground = (context: VerbContext): boolean => context.env[READY_VARIABLE] !== undefined;

export function reportMounted(report: MountReport): void {
  tell(report);
}

export function reportFailure(error: unknown): void {
  tell({ error: error instanceof Error ? error.message : String(error), exitCode: exitCodeOf(error) });
}

function tell(report: Report): void {
  writeSync(READY_FD, JSON.stringify(report));
  closeSync(READY_FD);
}

const NO_REPORT: Report = { error: 'the process that should serve the mount ended before it said why', exitCode: 1 };

/** What a server in the background says, for whoever looks for it: `<store>/mounts/serve.log`. */
function openLog(store: string): number {
  mkdirSync(join(store, 'mounts'), { recursive: true });
  return openSync(join(store, 'mounts', 'serve.log'), 'a', 0o600);
}
