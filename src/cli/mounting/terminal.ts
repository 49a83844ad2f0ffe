/**
 * The terminal of this process. A program that is process 1 of a namespace can't name the group that overlog is in, so a shell
 * there could neither give the terminal back to it nor end with its own exit code: it gets a group of its own, in the
 * foreground, and afterwards the terminal goes back. Perl makes the system calls that Node lacks; without it, it is as with unshare(1).
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Who is not in the foreground may take the terminal only while it ignores SIGTTOU (tcsetpgrp(3)). */
const TAKE = `
use POSIX ();
my $was = $SIG{TTOU} // "DEFAULT";
$SIG{TTOU} = "IGNORE";
if (open(my $terminal, "+<", "/dev/tty")) { POSIX::tcsetpgrp(fileno($terminal), getpgrp()); }
$SIG{TTOU} = $was;
`;

/** Perl: makes a group of the process, takes the terminal for it, and becomes the program of its arguments. */
export const IN_FOREGROUND = `setpgrp(0, 0);${TAKE}exec { $ARGV[0] } @ARGV; exit 127;`;

/** Whether the group of this process has the terminal: what is typed there (Ctrl-C) goes to all of the group. */
export function isInForeground(): boolean {
  const { group, foreground } = ofTerminal();
  return group === foreground;
}

/** One that has hung up is none any more. */
export const hasTerminal = (): boolean => ofTerminal().terminal !== '0';

/** proc_pid_stat(5), fields 5, 7 and 8: the group of this process, its terminal, and the group in the foreground there. */
function ofTerminal(): { readonly group: string; readonly terminal: string; readonly foreground: string } {
  const none = { group: '', terminal: '0', foreground: '-1' };
  if (process.platform !== 'linux') return none;
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group = '', , terminal = '0', foreground = '-1'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { group, terminal, foreground };
}

/** Whether somebody sits at it, so that a program may have it for itself. In a pipe others of the group need it, too. */
export const isInteractive = (): boolean => process.stdin.isTTY && process.stdout.isTTY && isInForeground();

/** Brings the group of this process to the foreground again. */
export function takeTerminalBack(): void {
  spawnSync('perl', ['-e', TAKE], { stdio: 'ignore' });
}

export const hasPerl = (): boolean => spawnSync('perl', ['-e', '1'], { stdio: 'ignore' }).status === 0;
