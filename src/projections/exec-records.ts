import type { ExecEvent } from '../events/event.ts';

/** A program that was started beside a container's first, and has not ended. */
export interface ExecRecord {
  /** 64 hex digits. */
  readonly exec: string;
  readonly command: readonly string[];
  /** Null: made, and not started yet. */
  readonly startedNs: bigint | null;
}

/** The programs of a container after an event. One about a program that has ended changes nothing. */
export function execsAfter(execs: readonly ExecRecord[], event: ExecEvent, timeNs: bigint): readonly ExecRecord[] {
  switch (event.type) {
    case 'ExecCreated':
      return [...execs, { exec: event.exec, command: [...event.command], startedNs: null }];
    case 'ExecStarted':
      return execs.map((each) => (each.exec === event.exec ? { ...each, startedNs: timeNs } : each));
    case 'ExecEnded':
      return execs.filter(({ exec }) => exec !== event.exec);
  }
}
