/**
 * Checkpoints in files (docs/log-format.md, "Checkpoints"): each file is written once and never changed.
 *
 *     0        8        12                      end - 40
 *     ┌────────┬────────┬────────┬───────┬──────┬────────────────┬─────────────────┬────────────────┐
 *     │ magic  │ format │ record │ …     │ meta │ offset of meta │ CRC-32 of all   │ SHA-256 of the │
 *     │        │ u32    │        │       │      │ u32            │ in front, u32   │ meta record    │
 *     └────────┴────────┴────────┴───────┴──────┴────────────────┴─────────────────┴────────────────┘
 *     record   length u32 ‖ bytes
 *
 * A node is referred to by its file, its offset and its digest, so a file that is damaged, cut or exchanged is noticed by
 * whoever reads a node of it; the checksum is for who goes through whole files (verify-checkpoints.ts). A file has its name only when it is whole and on the disk.
 */

import { hash } from 'node:crypto';
import { join } from 'node:path';
import { isStoreError, storeError } from '../../events/log-error.ts';
import {
  type CheckpointDraft,
  type CheckpointInfo,
  type CheckpointStore,
  type LogAnchor,
  NODE_DIGEST_BYTES,
  type NodeRef,
} from '../../events/node-store.ts';
import { crc32 } from '../crc32.ts';
import { ChunkCache } from './chunk-cache.ts';
import { type LogFileSystem, readFully, readInto, syncDirectory, writeFully } from './log-file-system.ts';

export const CHECKPOINT_FOLDER = 'checkpoints';

export const MAGIC = Buffer.from('OVLCKPT\0', 'latin1');
/** Raised when files of before can't be read any more; they are made anew then. */
export const FORMAT = 2;
export const HEADER_BYTES = 12;
/** Offset of the meta record, checksum, digest. */
export const FOOTER_BYTES = 40;
const LENGTH_BYTES = 4;
const FILE_SPAN = 0x1_0000_0000;
const NAME = /^(\d{7})-(\d{16})-(\d{16})\.ckpt$/;

/** What is read at once: most records are shorter. */
const READ_BYTES = 4096;
const CACHE_BYTES = 32 << 20;
const WRITE_BYTES = 256 << 10;
const OPEN_AHEAD_MAX = 256;

/** What the checkpoints of a log ask of it. */
export interface CheckpointLog {
  readonly readOnly: boolean;
  anchor(): LogAnchor | null;
  holds(anchor: LogAnchor): boolean;
}

export function openCheckpoints(files: LogFileSystem, directory: string, log: CheckpointLog): CheckpointStore {
  return new CheckpointFiles(files, join(directory, CHECKPOINT_FOLDER), log);
}

const nameOf = ({ file, from, seq }: CheckpointInfo): string =>
  `${String(file).padStart(7, '0')}-${String(from).padStart(16, '0')}-${String(seq).padStart(16, '0')}.ckpt`;

class CheckpointFiles implements CheckpointStore {
  readonly #files: LogFileSystem;
  readonly #folder: string;
  readonly #log: CheckpointLog;
  #list: CheckpointInfo[];
  readonly #open = new Map<number, number>();
  readonly #cache = new ChunkCache(CACHE_BYTES);
  /** What is read at once. */
  readonly #first = Buffer.allocUnsafeSlow(READ_BYTES);
  #nextFile: number;
  #closed = false;

  constructor(files: LogFileSystem, folder: string, log: CheckpointLog) {
    this.#files = files;
    this.#folder = folder;
    this.#log = log;
    this.#list = readList(files, folder, log.readOnly);
    this.#nextFile = this.#list.reduce((next, { file }) => Math.max(next, file + 1), 1);
    if (log.readOnly) this.#openAhead();
  }

  get anchor(): LogAnchor | null {
    return this.#log.anchor();
  }

  holds(anchor: LogAnchor): boolean {
    return this.#log.holds(anchor);
  }

  get list(): readonly CheckpointInfo[] {
    return this.#list;
  }

  node(ref: NodeRef): Buffer {
    const cached = this.#cache.get(ref.position);
    if (cached !== undefined) return cached as Buffer;
    const file = Math.floor(ref.position / FILE_SPAN);
    const bytes = reading(() => this.#record(file, ref.position % FILE_SPAN));
    if (!digestOf(bytes).startsWith(ref.digest)) throw damaged(`a node of file ${file} is not what was stored`);
    this.#cache.set(ref.position, bytes);
    return bytes;
  }

  meta(checkpoint: CheckpointInfo): Buffer {
    return reading(() => this.#metaRecord(checkpoint));
  }

  #metaRecord(checkpoint: CheckpointInfo): Buffer {
    const { file } = checkpoint;
    const fd = this.#descriptor(file);
    const size = this.#files.sizeSync(fd);
    const footer = Buffer.alloc(FOOTER_BYTES);
    const header = Buffer.alloc(HEADER_BYTES);
    const isRead =
      size >= HEADER_BYTES + FOOTER_BYTES &&
      readFully(this.#files, fd, header, HEADER_BYTES, 0) === HEADER_BYTES &&
      readFully(this.#files, fd, footer, FOOTER_BYTES, size - FOOTER_BYTES) === FOOTER_BYTES;
    if (!isRead || !header.subarray(0, 8).equals(MAGIC) || header.readUInt32LE(8) !== FORMAT) {
      throw damaged(`${nameOf(checkpoint)} is not a checkpoint of this format`);
    }
    const meta = this.#record(file, footer.readUInt32LE(0));
    if (digestOf(meta) !== footer.toString('latin1', 8)) throw damaged(`${nameOf(checkpoint)} is not what was stored`);
    return meta;
  }

  begin(moment: Pick<CheckpointInfo, 'from' | 'seq'>, replaced: readonly CheckpointInfo[]): CheckpointDraft {
    const info = { ...moment, file: this.#nextFile++ };
    this.#files.mkdirSync(this.#folder);
    const kept = new Set(this.#list.filter((known) => !replaced.includes(known)).map(({ file }) => file));
    return new Draft(this.#files, join(this.#folder, nameOf(info)), info, kept, () => {
      this.#list = [...this.#list.filter((known) => !replaced.includes(known)), info].sort((a, b) => a.seq - b.seq);
      for (const old of replaced) this.#drop(old);
    });
  }

  remove(checkpoint: CheckpointInfo): void {
    this.#list = this.#list.filter((known) => known !== checkpoint);
    this.#drop(checkpoint);
  }

  close(): void {
    this.#closed = true;
    for (const fd of this.#open.values()) this.#files.closeSync(fd);
    this.#open.clear();
  }

  /** The writer may remove what a follower has begun to read: open files stay readable. */
  #openAhead(): void {
    for (const { file } of this.#list.slice(-OPEN_AHEAD_MAX)) {
      try {
        this.#descriptor(file);
      } catch (error) {
        if (!isStoreError(error, 'ERR_CHECKPOINT_DAMAGED')) throw error;
      }
    }
  }

  /** The name goes; a descriptor stays, since trees in memory may still lead to its nodes. */
  #drop(checkpoint: CheckpointInfo): void {
    try {
      this.#descriptor(checkpoint.file, checkpoint);
      this.#files.unlinkSync(join(this.#folder, nameOf(checkpoint)));
    } catch {
      // It is gone, or it stays as garbage that the next opening finds: nothing depends on it.
    }
  }

  /** In bytes of its own: what is kept of a short record is not what was read at once. */
  #record(file: number, offset: number): Buffer {
    const fd = this.#descriptor(file);
    const first = this.#first;
    const read = readFully(this.#files, fd, first, READ_BYTES, offset);
    const length = read < LENGTH_BYTES ? Infinity : first.readUInt32LE(0);
    if (LENGTH_BYTES + length <= read) return Buffer.from(first.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    if (offset + LENGTH_BYTES + length > this.#files.sizeSync(fd)) throw damaged(`file ${file} ends too early`);
    const bytes = Buffer.allocUnsafeSlow(length);
    const known = first.copy(bytes, 0, LENGTH_BYTES, read);
    const rest = length - known;
    if (readInto(this.#files, fd, bytes, known, rest, offset + LENGTH_BYTES + known) < rest) {
      throw damaged(`file ${file} ends too early`);
    }
    return bytes;
  }

  #descriptor(file: number, info = this.#list.find((known) => known.file === file)): number {
    const known = this.#open.get(file);
    if (known !== undefined) return known;
    if (info === undefined || this.#closed) throw damaged(`file ${file} is gone`);
    try {
      const fd = this.#files.openSync(join(this.#folder, nameOf(info)), 'r');
      this.#open.set(file, fd);
      return fd;
    } catch (error) {
      throw damaged(`${nameOf(info)} can't be opened`, error);
    }
  }
}

class Draft implements CheckpointDraft {
  readonly #files: LogFileSystem;
  readonly #path: string;
  readonly #info: CheckpointInfo;
  readonly #kept: Set<number>;
  readonly #published: () => void;
  readonly #fd: number;
  #buffer = Buffer.allocUnsafeSlow(WRITE_BYTES);
  #used = 0;
  #written = 0;
  /** Of what was flushed. */
  #crc = 0;
  #isOpen = true;
  #isEnded = false;

  constructor(files: LogFileSystem, path: string, info: CheckpointInfo, kept: Set<number>, published: () => void) {
    this.#files = files;
    this.#path = path;
    this.#info = info;
    this.#kept = kept.add(info.file);
    this.#published = published;
    this.#fd = files.openSync(`${path}.tmp`, 'wx+');
    MAGIC.copy(this.#buffer);
    this.#buffer.writeUInt32LE(FORMAT, 8);
    this.#used = HEADER_BYTES;
  }

  keeps(ref: NodeRef): boolean {
    return this.#kept.has(Math.floor(ref.position / FILE_SPAN));
  }

  write(bytes: Uint8Array): NodeRef {
    return {
      position: this.#info.file * FILE_SPAN + this.#append(bytes),
      digest: digestOf(bytes).slice(0, NODE_DIGEST_BYTES),
    };
  }

  publishSync(meta: Uint8Array): void {
    this.#end(meta);
    this.#files.fdatasyncSync(this.#fd);
    this.#name();
  }

  publish(meta: Uint8Array, done: (failure: Error | null) => void): void {
    this.#end(meta);
    this.#files.fdatasync(this.#fd, (error) => {
      if (!this.#isOpen) return;
      let failure: Error | null = error;
      try {
        if (failure === null) this.#name();
      } catch (thrown) {
        failure = thrown as Error;
      }
      done(failure);
    });
  }

  #end(meta: Uint8Array): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const footer = Buffer.alloc(FOOTER_BYTES);
    footer.writeUInt32LE(this.#append(meta), 0);
    footer.write(digestOf(meta), 8, 'latin1');
    this.#flush();
    footer.writeUInt32LE(this.#crc, 4);
    footer.copy(this.#buffer, this.#used);
    this.#used += FOOTER_BYTES;
    this.#flush();
  }

  #name(): void {
    this.#isOpen = false;
    this.#files.closeSync(this.#fd);
    this.#files.renameSync(`${this.#path}.tmp`, this.#path);
    syncDirectory(this.#files, join(this.#path, '..'));
    this.#published();
  }

  abandon(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#files.closeSync(this.#fd);
      this.#files.unlinkSync(`${this.#path}.tmp`);
    } catch {
      // The next opening removes what is left.
    }
  }

  #append(bytes: Uint8Array): number {
    const offset = this.#written + this.#used;
    if (offset + bytes.length > FILE_SPAN - FOOTER_BYTES) throw damaged('a checkpoint of more than 4 GiB');
    this.#room(LENGTH_BYTES + bytes.length);
    this.#buffer.writeUInt32LE(bytes.length, this.#used);
    this.#buffer.set(bytes, this.#used + LENGTH_BYTES);
    this.#used += LENGTH_BYTES + bytes.length;
    return offset;
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    this.#flush();
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  #flush(): void {
    if (this.#isOpen) writeFully(this.#files, this.#fd, this.#buffer, this.#used, this.#written);
    this.#crc = crc32(this.#buffer, 0, this.#used, this.#crc);
    this.#written += this.#used;
    this.#used = 0;
  }
}

/** Checkpoints by their names. A writer removes what a killed one left unfinished. */
function readList(files: LogFileSystem, folder: string, readOnly: boolean): CheckpointInfo[] {
  const list: CheckpointInfo[] = [];
  for (const name of namesIn(files, folder)) {
    const match = NAME.exec(name);
    if (match !== null) list.push({ file: Number(match[1]), from: Number(match[2]), seq: Number(match[3]) });
    else if (!readOnly && name.endsWith('.ckpt.tmp')) removeQuietly(files, join(folder, name));
  }
  return list.sort((a, b) => a.seq - b.seq || a.file - b.file);
}

/** What stays is garbage that the next opening finds: nothing depends on it. */
function removeQuietly(files: LogFileSystem, path: string): void {
  try {
    files.unlinkSync(path);
  } catch {
    // As above.
  }
}

function namesIn(files: LogFileSystem, folder: string): string[] {
  try {
    return files.readdirSync(folder);
  } catch {
    return []; // it is not there, or a disk that fails there: the log says the same
  }
}

/** What a disk can't read is damaged. */
function reading<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw isStoreError(error, 'ERR_CHECKPOINT_DAMAGED') ? error : damaged('it cannot be read', error);
  }
}

const digestOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'binary');

function damaged(what: string, cause?: unknown): Error {
  return storeError('ERR_CHECKPOINT_DAMAGED', `checkpoint: ${what}`, cause === undefined ? {} : { cause });
}
