/**
 * What programs that `overlog exec` has started write is in groups of their own. Their start is in the log with the group
 * `STEM:PID` of the program's process; each process that descends from it writes in `STEM:` and its own number.
 */

import { readFileSync } from 'node:fs';
import type { Transaction } from '../events/event.ts';

/** A chain of parents longer than this is not followed. */
const PARENTS_MAX = 256;

export class ExecGroups {
  /** By process, of programs that run. */
  readonly #stems = new Map<number, string>();
  /** Their processes by the ids of their runs. */
  readonly #processes = new Map<string, number>();
  /** What was found out about other processes, until a program starts or ends. */
  readonly #known = new Map<number, string | null>();

  /** Takes note of programs that start and end. */
  noticed({ events, group }: Transaction): void {
    for (const event of events) {
      if (event.type === 'ExecStarted') {
        const [, stem, pid] = /^(.+):(\d+)$/s.exec(group ?? '') ?? [];
        if (stem === undefined) continue;
        this.#stems.set(Number(pid), stem);
        this.#processes.set(event.exec, Number(pid));
        this.#known.clear();
      } else if (event.type === 'ExecEnded') {
        const pid = this.#processes.get(event.exec);
        if (pid === undefined) continue;
        this.#processes.delete(event.exec);
        this.#stems.delete(pid);
        this.#known.clear();
      }
    }
  }

  /** The stem of a process that descends from such a program; null: it does not, or its parents are gone. */
  stemOf(pid: number): string | null {
    if (this.#stems.size === 0) return null;
    const known = this.#known.get(pid);
    if (known !== undefined) return known;
    const stem = this.#find(pid);
    this.#known.set(pid, stem);
    return stem;
  }

  #find(pid: number): string | null {
    let at = pid;
    for (let steps = 0; steps < PARENTS_MAX && at > 1; steps++) {
      const stem = this.#stems.get(at);
      if (stem !== undefined) return stem;
      at = parentOf(at);
    }
    return null;
  }
}

/** Field 4 of /proc/pid/stat (proc(5)); 0 when there is no such process. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
