/** Processes and threads, and what they share: descriptor tables (CLONE_FILES), cwd, root and umask (CLONE_FS). */

import { type Descriptor, DescriptorTable } from './descriptors.ts';
import { Mappings } from './mappings.ts';
import type { Place } from './place.ts';
import type { StraceRecord } from './record.ts';

/** What CLONE_FS shares. */
export interface FileSystemState {
  cwd: Place;
  root: Place;
  umask: number;
}

/** What the threads of a process have in common. */
export interface Program {
  /** Pid of its first thread: names the process' group in the log. */
  readonly leader: number;
  /** Last part of what execve(2) ran, or '' before the first one. */
  name: string;
}

/** What a call may touch before it ends. */
export interface Touches {
  /** The content of a file of the tree. */
  readonly content: boolean;
  /** Names of the tree. */
  readonly names: boolean;
}

/** A call that has begun, with the descriptors that its arguments stood for then: others may close them meanwhile. */
export interface PendingCall {
  readonly record: StraceRecord;
  readonly descriptors: ReadonlyMap<number, Descriptor>;
  readonly touches: Touches;
  /** It was applied before the log said how it ended, since what ended meanwhile takes it for granted. */
  isApplied: boolean;
}

/** One thread; credentials are a thread's own. */
export class Task {
  readonly pid: number;
  program: Program;
  table: DescriptorTable;
  fs: FileSystemState;
  /** Shared with the threads of a process, and with a vfork's child until it does its execve (CLONE_VM). */
  memory: Mappings;
  /** Owner of what it makes: fsuid and fsgid, which follow the effective ids. */
  uid: number;
  gid: number;
  pending: PendingCall | null = null;

  constructor(pid: number, parts: Pick<Task, 'program' | 'table' | 'fs' | 'memory' | 'uid' | 'gid'>) {
    this.pid = pid;
    this.program = parts.program;
    this.table = parts.table;
    this.fs = parts.fs;
    this.memory = parts.memory;
    this.uid = parts.uid;
    this.gid = parts.gid;
  }

  /** What clone(2) makes of it. */
  clone(pid: number, shares: { files: boolean; fs: boolean; memory: boolean; thread: boolean }): Task {
    const { table, fs, memory, program, uid, gid } = this;
    if (shares.files) table.users++;
    return new Task(pid, {
      program: shares.thread ? program : { leader: pid, name: program.name },
      table: shares.files ? table : table.copy(),
      fs: shares.fs ? fs : { ...fs },
      memory: shares.memory ? memory : memory.copy(),
      uid,
      gid,
    });
  }

  /** Under another pid: a thread that execve(2) made the first one of its process. */
  as(pid: number): Task {
    const task = new Task(pid, this);
    task.pending = this.pending;
    return task;
  }

  /** unshare(CLONE_FILES), and execve(2). */
  ownTable(): void {
    if (this.table.users === 1) return;
    const own = this.table.copy();
    this.table.leave();
    this.table = own;
  }
}
