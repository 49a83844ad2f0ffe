/** A program in a mounted container: with the container as its root directory, or in its directory. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { hasPerl, IN_FOREGROUND, isInteractive } from './terminal.ts';

export interface ProgramOptions {
  /** Where the container is mounted. */
  readonly root: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** In the container; '': its root directory. */
  readonly workingDirectory: string;
  /**
   * `root`: the container is its root directory, in mount, pid and ipc namespaces of its own. `over`: the container lies over
   * `over`, in a mount namespace, so that the program sees the paths it knows. `beside`: in the namespaces of `beside`.
   */
  readonly view: 'root' | 'over' | 'beside';
  /** A process in the container. */
  readonly beside?: number;
  /** The directory of the host that the container started as, or is seen at. */
  readonly over: string | null;
  /** `user[:group]`, names or numbers; '': root. */
  readonly user: string;
  /** It waits with its first step until {@link openGate}. */
  readonly isGated?: true;
}

const GATE_FD = 3;
/** A gate that is closed for good ends it. */
const GATE = `read -r _ <&${GATE_FD} || exit 125; exec ${GATE_FD}<&-; exec "$@"`;

/** The script's own variables; the program does not get them. */
const OWN = ['OVERLOG_ROOT', 'OVERLOG_OVER', 'OVERLOG_WD', 'OVERLOG_PATH', 'OVERLOG_USER', 'OVERLOG_FOREGROUND'];
const WITHOUT_OWN = OWN.map((name) => `-u ${name}`).join(' ');

/**
 * Devices and processes of the machine, where the image has a place for them. Tools are the machine's until the root changes;
 * the program's PATH holds from then on.
 */
const AS_ROOT = `
set -e
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 131' QUIT; trap 'exit 143' TERM
if [ -d "$OVERLOG_ROOT/proc" ]; then
  # Where parts of /proc are hidden, as in a container, a user namespace gets no new one.
  mount -t proc proc "$OVERLOG_ROOT/proc" 2>/dev/null || mount --rbind /proc "$OVERLOG_ROOT/proc"
fi
if [ -d "$OVERLOG_ROOT/dev" ]; then mount --rbind /dev "$OVERLOG_ROOT/dev"; fi
if [ -d "$OVERLOG_ROOT/sys" ]; then mount --rbind /sys "$OVERLOG_ROOT/sys" && mount -o remount,bind,ro "$OVERLOG_ROOT/sys"; fi
set -- env ${WITHOUT_OWN} PATH="$OVERLOG_PATH" "$(command -v unshare)" --root="$OVERLOG_ROOT" --wd="$OVERLOG_WD" $OVERLOG_USER -- "$@"
if [ -n "$OVERLOG_FOREGROUND" ] && command -v perl >/dev/null; then set -- perl -e "$OVERLOG_FOREGROUND" "$@"; fi
exec "$@"
`;

const OVER = `
set -e
mount --bind "$OVERLOG_ROOT" "$OVERLOG_OVER"
cd "$OVERLOG_WD"
exec env ${WITHOUT_OWN} "$@"
`;

/** Starts it on this process' terminal. */
export function startProgram(options: ProgramOptions): ChildProcess {
  const { root, argv, env, view, over, workingDirectory } = options;
  if (view === 'beside') {
    // Who is not root has a user namespace around them, whose root they are; only in it may they look at the process.
    const user = ['nsenter', '--target', String(options.beside), '--user', '--preserve-credentials', '--'];
    const joined = besideCommand(options);
    return start(process.getuid?.() === 0 ? joined : [...user, ...joined], env, options);
  }
  const isRoot = view === 'root';
  const namespaces = isRoot ? ['--mount', '--pid', '--fork', '--kill-child', '--ipc'] : ['--mount'];
  const script = isRoot ? AS_ROOT : OVER;
  const own = {
    PATH: process.env['PATH'] ?? '',
    OVERLOG_ROOT: root,
    OVERLOG_OVER: over ?? '',
    OVERLOG_WD: join(isRoot ? '/' : (over ?? '/'), workingDirectory),
    OVERLOG_PATH: env['PATH'] ?? '',
    OVERLOG_USER: isRoot ? userOptions(root, options.user) : '',
    OVERLOG_FOREGROUND: isRoot && isInteractive() ? IN_FOREGROUND : '',
  };
  const command = ['unshare', ...namespaces, '--propagation', 'private', '--', 'sh', '-c', script, 'sh', ...argv];
  return start(command, { ...env, ...own }, options);
}

/** In the namespaces of the program that runs: with its root directory, or with the container over the same directory. */
function besideCommand({ beside, over, workingDirectory, argv }: ProgramOptions): string[] {
  const enter = ['nsenter', '--target', String(beside)];
  const rest = ['--mount', `--wdns=${join(over ?? '/', workingDirectory)}`, '--', ...argv];
  if (over !== null) return [...enter, ...rest];
  const inside = ['--ipc', '--root', ...rest];
  // Process numbers first, the files last: in between this machine's programs are at hand.
  if (isInteractive() && hasPerl()) return [...enter, '--pid', '--', 'perl', '-e', IN_FOREGROUND, ...enter, ...inside];
  return [...enter, '--pid', ...inside];
}

function start(command: readonly string[], env: NodeJS.ProcessEnv, { isGated }: ProgramOptions): ChildProcess {
  const [program, ...rest] = isGated === true ? ['sh', '-c', GATE, 'sh', ...command] : command;
  const gate = isGated === true ? (['pipe'] as const) : [];
  return spawn(program, rest, { stdio: ['inherit', 'inherit', 'inherit', ...gate], env });
}

const gateOf = (child: ChildProcess): Writable => child.stdio[GATE_FD] as Writable;

/** Lets a program that was started behind a gate go. */
export const openGate = (child: ChildProcess): void => void gateOf(child).end('\n');

/** It will never go: it ends. */
export const closeGate = (child: ChildProcess): void => void gateOf(child).destroy();

/** 128 and the signal's number, as shells count. */
export const exitCodeOfProgram = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** Options of unshare(1) for a user of the container, by its own passwd(5) and group(5). */
function userOptions(root: string, text: string): string {
  const [user, group] = text.split(':');
  if (user === undefined || user === '' || user === 'root' || user === '0') return '';
  const entry = entryOf(join(root, 'etc/passwd'), user);
  const uid = /^\d+$/.test(user) ? user : entry?.[2];
  if (uid === undefined) throw new Error(`the image's user "${user}" is not in its /etc/passwd`);
  const gid = group === undefined ? (entry?.[3] ?? '0') : (entryOf(join(root, 'etc/group'), group)?.[2] ?? group);
  return `--setuid=${uid} --setgid=${gid}`;
}

function entryOf(file: string, name: string): string[] | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.map((line) => line.split(':')).find((fields) => fields[0] === name || fields[2] === name);
  } catch {
    return undefined;
  }
}

/** Whether a process is the program already, and not what prepares its place. */
export function hasBegun(pid: number, view: 'root' | 'over'): boolean {
  try {
    if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes('OVERLOG_ROOT=')) return false;
    return view === 'over' || readlinkSync(`/proc/${pid}/root`) !== '/';
  } catch {
    return false;
  }
}

/** Who gets what is meant for the program; 0 before it is there. */
export function programProcess(child: ChildProcess, { view, over }: ProgramOptions): number {
  const hasParent = view === 'root' || (view === 'beside' && over === null);
  return hasParent ? processInside(child) : (child.pid ?? 0);
}

/** Who gets what is meant for a program. */
export interface Recipient {
  /** Whether what the terminal sends reaches it. */
  isThere(): boolean;
  /** Gives it a signal; false: it is not there yet. */
  give(signal: NodeJS.Signals): boolean;
}

/**
 * The program, for signals. What prepares a namespace of processes is its first process, which gets only those that it handles
 * (pid_namespaces(7)): it ends by them, and what it missed the program gets when it begins.
 */
export function recipientOf(child: ChildProcess, options: ProgramOptions): Recipient {
  const isThere = (pid: number): boolean => pid !== 0 && (options.view !== 'root' || hasBegun(pid, 'root'));
  return {
    isThere: () => isThere(programProcess(child, options)),
    give(signal) {
      const pid = programProcess(child, options);
      const wasThere = isThere(pid);
      if (pid !== 0) signalProcess(pid, signal);
      return wasThere;
    },
  };
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

/** The program itself, behind the process that has made its namespace of processes; 0 before it has begun. */
function processInside(child: ChildProcess): number {
  try {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1');
    return Number(children.trim().split(' ')[0]);
  } catch {
    return 0;
  }
}
