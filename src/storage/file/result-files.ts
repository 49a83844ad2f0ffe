/**
 * Results of projections in files beside the checkpoints (docs/log-format.md, "Checkpoints").
 *
 *     0        8        12       16                                         end - 32
 *     ┌────────┬────────┬────────┬──────┬───────────────────────┬──────────┬───────────────────────┐
 *     │ magic  │ format │ length │ head │ SHA-256 of all before │ bytes    │ SHA-256 of all before │
 *     │        │ u32    │ u32    │ JSON │                       │          │                       │
 *     └────────┴────────┴────────┴──────┴───────────────────────┴──────────┴───────────────────────┘
 *
 * The head names a commit frame of the log with its chain hash: with that in its place, the log has the same events in
 * front of it. Whoever only reads a log writes here, too, and several may at once. So a file is written under a name
 * of its own, synced and renamed; of two keepers of one name the later one stays.
 */

import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isStoreError } from '../../events/log-error.ts';
import type { LogAnchor } from '../../events/node-store.ts';
import type { KeptResult, ResultStore } from '../../events/result-store.ts';
import { CHECKPOINT_FOLDER, type CheckpointLog } from './checkpoint-files.ts';
import { type LogFileSystem, readFully, syncDirectory, writeFully } from './log-file-system.ts';

export const RESULT_SUFFIX = '.kept';
const UNFINISHED = /\.kept\.[0-9a-f]{16}\.tmp$/;

const MAGIC = Buffer.from('OVLKEPT\0', 'latin1');
/** Raised when files of before can't be read any more; they are made anew then. The front and the digest of the head stay. */
const FORMAT = 1;
const FRONT_BYTES = 16;
const DIGEST_BYTES = 32;
const HEAD_BYTES_MAX = 65_536;

interface Head extends Omit<KeptResult, 'name'> {
  readonly anchor: LogAnchor;
}

export interface ResultLog extends CheckpointLog {
  readonly head: number;
}

export function openResults(files: LogFileSystem, directory: string, log: ResultLog): ResultStore {
  return new ResultFiles(files, join(directory, CHECKPOINT_FOLDER), log);
}

class ResultFiles implements ResultStore {
  readonly #files: LogFileSystem;
  readonly #folder: string;
  readonly #log: ResultLog;

  constructor(files: LogFileSystem, folder: string, log: ResultLog) {
    this.#files = files;
    this.#folder = folder;
    this.#log = log;
    if (!log.readOnly) this.#clean();
  }

  get seqMax(): number {
    return this.#log.anchor()?.head ?? 0;
  }

  list(): KeptResult[] {
    const results: KeptResult[] = [];
    for (const file of this.#names()) {
      if (!file.endsWith(RESULT_SUFFIX)) continue;
      const head = this.#head(file);
      if (head === null) continue;
      results.push({ name: file.slice(0, -RESULT_SUFFIX.length), seq: head.seq, about: head.about });
    }
    return results;
  }

  read({ name, seq, about }: KeptResult): Buffer | null {
    const bytes = orNull(() => this.#files.readFileSync(this.#pathOf(name)));
    if (bytes === null || damageOfResult(bytes) !== null) return null;
    // Somebody may have kept another one in its place meanwhile.
    const head = headOf(bytes);
    if (head === null || head.seq !== seq || head.about !== about || !this.#isOfLog(head)) return null;
    return bytes.subarray(FRONT_BYTES + bytes.readUInt32LE(12) + DIGEST_BYTES, -DIGEST_BYTES);
  }

  keep({ name, seq, about }: KeptResult, bytes: Uint8Array): void {
    const anchor = this.#log.anchor();
    if (anchor === null || seq > anchor.head) throw new Error(`results: the log may lose event ${seq}`);
    const head = Buffer.from(JSON.stringify({ seq, about, anchor } satisfies Head));
    if (head.length > HEAD_BYTES_MAX) throw new Error('results: too much is said of a result');
    // The folder belongs to the writer: who reads as another user must not make one that the writer can't use.
    if (!this.#log.readOnly) this.#files.mkdirSync(this.#folder);
    // Of one that is being written by somebody else, the other result is not kept, and this one is.
    this.#removeUnfinished();
    const path = this.#pathOf(name);
    const unfinished = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    const fd = this.#files.openSync(unfinished, 'wx+');
    try {
      this.#write(fd, head, bytes);
    } catch (error) {
      this.#unlink(unfinished);
      throw error;
    }
    try {
      this.#files.renameSync(unfinished, path);
    } catch (error) {
      this.#unlink(unfinished);
      throw error;
    }
    syncDirectory(this.#files, this.#folder);
  }

  remove({ name }: KeptResult): void {
    this.#unlink(this.#pathOf(name));
  }

  #write(fd: number, head: Buffer, bytes: Uint8Array): void {
    try {
      const front = Buffer.alloc(FRONT_BYTES);
      MAGIC.copy(front);
      front.writeUInt32LE(FORMAT, 8);
      front.writeUInt32LE(head.length, 12);
      const start = Buffer.concat([front, head]);
      const whole = Buffer.concat([start, digestOf(start), bytes]);
      const all = Buffer.concat([whole, digestOf(whole)]);
      writeFully(this.#files, fd, all, all.length, 0);
      this.#files.fdatasyncSync(fd);
    } finally {
      this.#files.closeSync(fd);
    }
  }

  /** The head of a file; null: it can't be read, is no such file, or is not of this log as it is now. */
  #head(file: string): Head | null {
    const bytes = orNull(() => this.#front(join(this.#folder, file)));
    const head = bytes === null || damageOfHead(bytes) !== null ? null : headOf(bytes);
    return head !== null && this.#isOfLog(head) ? head : null;
  }

  /** A log that can't be read there says so to who reads it. */
  #isOfLog({ seq, anchor }: Head): boolean {
    try {
      return seq <= this.#log.head && this.#log.holds(anchor);
    } catch (error) {
      if (isStoreError(error) || (error instanceof Error && 'syscall' in error)) return false;
      throw error;
    }
  }

  #front(path: string): Buffer {
    const fd = this.#files.openSync(path, 'r');
    try {
      const front = Buffer.alloc(FRONT_BYTES + HEAD_BYTES_MAX + DIGEST_BYTES);
      return front.subarray(0, readFully(this.#files, fd, front, front.length, 0));
    } finally {
      this.#files.closeSync(fd);
    }
  }

  /** A writer takes away what is of no use to anybody: of a log that went another way, damaged, unfinished. */
  #clean(): void {
    this.#removeUnfinished();
    for (const file of this.#names()) {
      if (file.endsWith(RESULT_SUFFIX) && this.#head(file) === null) this.#unlink(join(this.#folder, file));
    }
  }

  #removeUnfinished(): void {
    for (const file of this.#names()) if (UNFINISHED.test(file)) this.#unlink(join(this.#folder, file));
  }

  #pathOf(name: string): string {
    return join(this.#folder, `${name}${RESULT_SUFFIX}`);
  }

  #names(): string[] {
    return orNull(() => this.#files.readdirSync(this.#folder)) ?? [];
  }

  /** What stays is found again, by the next one who keeps something or writes the log. */
  #unlink(path: string): void {
    orNull(() => this.#files.unlinkSync(path));
  }
}

/** What is wrong with the file of a result, all of it read; null: nothing, or it is of another version. */
export function damageOfResult(bytes: Buffer): string | null {
  const damage = damageOfHead(bytes);
  if (damage !== null || bytes.readUInt32LE(8) !== FORMAT) return damage;
  const end = bytes.length - DIGEST_BYTES;
  if (end < FRONT_BYTES + bytes.readUInt32LE(12) + DIGEST_BYTES) return 'it ends too early';
  return digestOf(bytes.subarray(0, end)).equals(bytes.subarray(end)) ? null : 'it is not what was stored';
}

/** @param bytes - From the start of the file on, the head included. */
function damageOfHead(bytes: Buffer): string | null {
  const length = bytes.length < FRONT_BYTES ? Infinity : bytes.readUInt32LE(12);
  const end = FRONT_BYTES + length;
  if (end + DIGEST_BYTES > bytes.length) return 'it ends too early';
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 'it does not begin as a kept result';
  return digestOf(bytes.subarray(0, end)).equals(bytes.subarray(end, end + DIGEST_BYTES))
    ? null
    : 'its head is not what was stored';
}

/** @param bytes - With a head that is not damaged. @returns null: it is of another version. */
function headOf(bytes: Buffer): Head | null {
  if (bytes.readUInt32LE(8) !== FORMAT) return null;
  return JSON.parse(bytes.toString('utf8', FRONT_BYTES, FRONT_BYTES + bytes.readUInt32LE(12))) as Head;
}

const digestOf = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

/** Null where the system does not give it, for whatever reason: the log says the same. */
function orNull<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return null;
    throw error;
  }
}
