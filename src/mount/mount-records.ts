/**
 * Who serves what of a store: one file a mount, `<store>/mounts/<pid>.json`, which is also the server's pid file. It goes
 * with the server; that of a killed one is cleared away, with its mount, by the next who mounts.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { overlogMountAt, unmount } from './device.ts';
import { removeServeJournal } from './serve-journal.ts';

export interface MountRecord {
  /** The process that the mount lives as long as: its server, or the supervisor of that. */
  readonly pid: number;
  /** When the process started, in the kernel's words: tells it from a later one with its number. */
  readonly start: string;
  /** The process that answers the kernel now. */
  readonly server: number;
  /** Real path of the mount point. */
  readonly directory: string;
  readonly container: string;
  /** The moment that is mounted; null: now, for reading and writing. */
  readonly at: number | null;
  readonly readOnly: boolean;
  /** The program that runs in it, which `overlog exec` joins; null: none. */
  readonly program: number | null;
  /** The directory that the program sees it at; null: it is its root directory. */
  readonly over: string | null;
}

const FOLDER = 'mounts';

export function writeMountRecord(store: string, record: MountRecord): void {
  mkdirSync(join(store, FOLDER), { recursive: true });
  const path = recordPath(store, record.pid);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(record)}\n`);
  renameSync(`${path}.tmp`, path);
}

export const removeMountRecord = (store: string, pid: number): void => rmSync(recordPath(store, pid), { force: true });

/** Mounts of a store, those of killed servers too. */
export function mountRecords(store: string): MountRecord[] {
  const folder = join(store, FOLDER);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name));
  return names.flatMap((name) => readRecord(join(folder, name))).toSorted((a, b) => a.pid - b.pid);
}

/** Whether the process that serves it is still there. */
export const isServed = (record: MountRecord): boolean => startOfProcess(record.pid) === record.start;

/** Field 22 of /proc/pid/stat (proc(5)): clock ticks since boot; '' when there is no such process, or only its remains. */
export function startOfProcess(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

/** Takes away what killed servers left: a mount on which every call is ENOTCONN, and the record. */
export function clearDeadMounts(store: string): MountRecord[] {
  const dead = mountRecords(store).filter((record) => !isServed(record));
  for (const { pid, directory } of dead) {
    if (overlogMountAt(directory)?.source.startsWith(`overlog-${pid}:`) === true) unmount(directory, 'lazy');
    removeMountRecord(store, pid);
    removeServeJournal(journalStem(store, pid));
  }
  return dead;
}

function readRecord(path: string): MountRecord[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8')) as MountRecord];
  } catch {
    return []; // removed meanwhile, or cut by power loss: it names nothing
  }
}

/** Where the journal of a supervised server lies, without its endings. */
export const journalStem = (store: string, pid: number): string => join(store, FOLDER, String(pid));

const recordPath = (store: string, pid: number): string => join(store, FOLDER, `${pid}.json`);
