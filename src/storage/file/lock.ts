import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { storeError } from '../../events/log-error.ts';
import { isErrno, type LogFileSystem, writeFully } from './log-file-system.ts';

/**
 * The writer's lock: `<dir>/lock`, a line of JSON that names its owner.
 *
 * A lock appears by link(2) of a complete file, so that it is never seen half written. A lock whose owner is dead is
 * taken over. Two processes may try that at once, so removing it by name would not do: the slower one would remove the
 * faster one's new lock. Instead a taker first links its own file as `lock.after-<id of the dead lock>`, which only one
 * can, then looks whether the dead lock still stands, and renames its file over it. The rename frees the claimed name
 * and replaces the dead lock in one step, so whoever claims that name later finds another lock standing and gives up.
 * A taker that dies in between leaves a claim with a dead owner, which is followed in the same way.
 */

export interface Lock {
  release(): void;
}

interface Owner {
  readonly pid: number;
  /** When the process started, in the kernel's words: tells it from a later process with its number. */
  readonly start: string | null;
  readonly boot: string | null;
  readonly host: string;
}

/** A taker's own file, in front of its link. */
const LEFTOVER = /^lock\.[0-9a-f]{16}$/;

/** More turns than ever needed: every lost race means that somebody else went on. */
const TURNS_MAX = 100;

/**
 * Takes the lock of a store.
 *
 * @throws `ERR_LOG_LOCKED` with the owner's pid when a living process has it, this one included.
 */
export function acquireLock(files: LogFileSystem, directory: string): Lock {
  const path = join(directory, 'lock');
  const nonce = randomBytes(8).toString('hex');
  const mine = join(directory, `lock.${nonce}`);
  try {
    writeOwner(files, mine, nonce);
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (!tryLink(files, mine, path) && !takeOver(files, path, mine)) continue;
      const lock = { release: () => release(files, path, nonce) };
      try {
        removeLeftovers(files, directory);
      } catch (error) {
        lock.release();
        throw error;
      }
      return lock;
    }
    throw storeError('ERR_LOG_LOCKED', `the lock ${path} keeps changing hands`, { detail: { pid: null } });
  } finally {
    remove(files, mine);
  }
}

/**
 * Follows the chain of dead owners to its end and claims that end.
 *
 * @returns False when the lock changed meanwhile: try again.
 */
function takeOver(files: LogFileSystem, path: string, mine: string): boolean {
  const dead: { path: string; id: string }[] = [];
  for (let at = path; ;) {
    const content = read(files, at);
    if (content === null) break;
    refuseLiving(content, path);
    const id = idOf(content);
    if (dead.some((link) => link.id === id)) return false;
    dead.push({ path: at, id });
    at = `${path}.after-${id}`;
  }
  const end = dead.at(-1);
  if (end === undefined) return false;
  const claim = `${path}.after-${end.id}`;
  if (!tryLink(files, mine, claim)) return false;
  if (!dead.every((link) => isStanding(files, link))) {
    remove(files, claim);
    return false;
  }
  files.renameSync(claim, path);
  for (const link of dead.slice(1)) remove(files, link.path);
  return true;
}

function isStanding(files: LogFileSystem, link: { path: string; id: string }): boolean {
  const content = read(files, link.path);
  return content !== null && idOf(content) === link.id;
}

function refuseLiving(content: Buffer, path: string): void {
  const owner = parseOwner(content);
  if (owner === null || !isAlive(owner)) return;
  throw storeError(
    'ERR_LOG_LOCKED',
    `the store is open for writing in process ${owner.pid} on ${owner.host} (lock ${path})`,
    { detail: { pid: owner.pid, host: owner.host, lock: path } },
  );
}

/** Removes the files of takers that were killed before they had linked or removed them. */
function removeLeftovers(files: LogFileSystem, directory: string): void {
  for (const name of files.readdirSync(directory)) {
    if (!LEFTOVER.test(name)) continue;
    const content = read(files, join(directory, name));
    const owner = content === null ? null : parseOwner(content);
    if (owner !== null && !isAlive(owner)) remove(files, join(directory, name));
  }
}

function release(files: LogFileSystem, path: string, nonce: string): void {
  if (read(files, path)?.includes(nonce) === true) remove(files, path);
}

/** Content that does not parse is what power loss left of a lock. */
function parseOwner(content: Buffer): Owner | null {
  try {
    const owner = JSON.parse(content.toString('utf8')) as Owner;
    return typeof owner.pid === 'number' && typeof owner.host === 'string' ? owner : null;
  } catch {
    return null;
  }
}

/** Whether the owner may still run. An owner on another host is believed to. */
function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  const boot = bootId();
  if (owner.boot !== null && boot !== null && owner.boot !== boot) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
  }
  const status = statusOf(owner.pid);
  if (status === null) return true;
  return !isDefunct(status.state) && (owner.start === null || owner.start === status.start);
}

/** It has ended, and only its number waits for its parent, which may never look: the first process of a container seldom does. */
const isDefunct = (state: string): boolean => state === 'Z' || state === 'X';

function writeOwner(files: LogFileSystem, path: string, nonce: string): void {
  const owner: Owner & { nonce: string } = {
    pid: process.pid,
    start: statusOf(process.pid)?.start ?? null,
    boot: bootId(),
    host: hostname(),
    nonce,
  };
  const bytes = Buffer.from(`${JSON.stringify(owner)}\n`);
  const fd = files.openSync(path, 'wx+');
  try {
    writeFully(files, fd, bytes, bytes.length, 0);
  } finally {
    files.closeSync(fd);
  }
}

/**
 * Fields 3 and 22 of /proc/pid/stat (proc(5)), the latter in clock ticks since boot. The second field may hold spaces and
 * parentheses.
 */
function statusOf(pid: number): { readonly state: string; readonly start: string | null } | null {
  const stat = readSystem(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], start: fields[19] ?? null };
}

const bootId = (): string | null => readSystem('/proc/sys/kernel/random/boot_id')?.trim() ?? null;

const idOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex').slice(0, 16);

function tryLink(files: LogFileSystem, from: string, to: string): boolean {
  try {
    files.linkSync(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

function read(files: LogFileSystem, path: string): Buffer | null {
  try {
    return files.readFileSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

function remove(files: LogFileSystem, path: string): void {
  try {
    files.unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** Of /proc, not of the store: not through the log's file system. */
function readSystem(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
