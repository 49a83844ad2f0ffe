/** Serving in the background: the same command once more, in a session of its own, which says when it is ready. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { VerbContext } from '../context.ts';
import { exitCodeOf } from '../exit-codes.ts';
import type { ServedMount } from './served-mount.ts';

/** Set for the process in the background: it reports on {@link READY_FD}. */
export const READY_VARIABLE = 'OVERLOG_READY';
const READY_FD = 3;

export interface MountReport {
  readonly pid: number;
  readonly container: string;
  readonly id: string;
  /** The moment that is mounted; null: now. */
  readonly at: number | null;
  readonly readOnly: boolean;
  readonly directory: string;
}

interface Failure {
  readonly error: string;
  readonly exitCode: number;
}

const isFailure = (report: unknown): report is Failure => (report as Partial<Failure>).error !== undefined;

/**
 * Mounts in a process of its own, which goes on when this one ends.
 *
 * @param argv - The verb and its arguments, without what makes it stay in the foreground.
 * @param log - Descriptor of a file for what the process has to say later; it is closed.
 * @throws What kept it from being mounted, with its exit code.
 */
export async function inBackground<T>(context: VerbContext, argv: readonly string[], log: number): Promise<T> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...argv], {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: { ...context.env, [READY_VARIABLE]: '1' },
  });
  closeSync(log);
  let text = '';
  for await (const piece of child.stdio[READY_FD] as NodeJS.ReadableStream) text += String(piece);
  child.unref();
  const report = (text === '' ? NO_REPORT : JSON.parse(text)) as T | Failure;
  if (isFailure(report)) throw Object.assign(new Error(report.error), { exitCode: report.exitCode });
  return report;
}

/** @param pid - The process that the mount lives as long as. */
export function reportOf({ opened, directory }: ServedMount, pid: number): MountReport {
  const { container, id, at, readOnly } = opened;
  return { pid, container, id, at, readOnly, directory };
}

/** Whether this process was started by {@link inBackground}. */
export const isInBackground = (context: VerbContext): boolean => context.env[READY_VARIABLE] !== undefined;

export function reportMounted(report: object): void {
  tell(report);
}

export function reportFailure(error: unknown): void {
  tell({ error: error instanceof Error ? error.message : String(error), exitCode: exitCodeOf(error) });
}

function tell(report: object): void {
  writeSync(READY_FD, JSON.stringify(report));
  closeSync(READY_FD);
}

const NO_REPORT: Failure = { error: 'the process that should serve the mount ended before it said why', exitCode: 1 };

/** What a server in the background says, for whoever looks for it: `<store>/mounts/serve.log`. */
export function openServeLog(store: string): number {
  mkdirSync(join(store, 'mounts'), { recursive: true });
  return openSync(join(store, 'mounts', 'serve.log'), 'a', 0o600);
}
