import type { LogFileSystem } from '../../src/storage/file/log-file-system.ts';

/** Smallest piece that a disk writes at once. */
const SECTOR_BYTES = 512;

interface Inode {
  /** What the operating system shows. */
  data: Buffer;
  /** What is surely on the disk. */
  synced: Buffer;
}

interface OpenFile {
  readonly inode: Inode;
  readonly isDirectory: boolean;
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A disk in memory that can lose power.
 *
 * Synced bytes survive for sure. Of the rest, each sector survives or not by chance, and the size of the file is any
 * between the two. Names become durable in their order, as with a journal: by chance a prefix of them survives, all that
 * came before a sync of the directory for sure.
 */
export class SimulatedDisk implements LogFileSystem {
  readonly #names = new Map<string, Inode>();
  /** Names as they are on the disk for sure, and the changes since. */
  #syncedNames = new Map<string, Inode>();
  #changes: ((names: Map<string, Inode>) => void)[] = [];
  readonly #open = new Map<number, OpenFile>();
  #lastDescriptor = 100;

  /** Another disk with the same content; nothing unsynced. */
  clone(): SimulatedDisk {
    const copy = new SimulatedDisk();
    for (const [path, inode] of this.#names) copy.put(path, inode.data);
    return copy;
  }

  /** What is found after the power comes back. Locks are gone: their owner is this very process, which lives on. */
  afterPowerLoss(random: () => number): SimulatedDisk {
    const copy = new SimulatedDisk();
    const names = new Map(this.#syncedNames);
    const survivors = Math.floor(random() * (this.#changes.length + 1));
    for (const change of this.#changes.slice(0, survivors)) change(names);
    for (const [path, inode] of names) if (!path.includes('/lock')) copy.put(path, survivingBytes(inode, random));
    return copy;
  }

  put(path: string, bytes: Uint8Array): void {
    const inode = { data: Buffer.from(bytes), synced: Buffer.from(bytes) };
    this.#names.set(path, inode);
    this.#syncedNames.set(path, inode);
  }

  bytes(path: string): Buffer {
    return this.#inode(path).data;
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  get openDescriptors(): number {
    return this.#open.size;
  }

  openSync(path: string, flags: 'r' | 'r+' | 'wx+'): number {
    const fd = ++this.#lastDescriptor;
    const isDirectory = !this.#names.has(path) && this.paths().some((other) => other.startsWith(`${path}/`));
    if (flags === 'wx+') {
      if (this.#names.has(path)) throw errno('EEXIST', path);
      this.#link(path, { data: Buffer.alloc(0), synced: Buffer.alloc(0) });
    }
    const inode = isDirectory ? { data: Buffer.alloc(0), synced: Buffer.alloc(0) } : this.#inode(path);
    this.#open.set(fd, { inode, isDirectory });
    return fd;
  }

  closeSync(fd: number): void {
    this.#file(fd);
    this.#open.delete(fd);
  }

  readSync(fd: number, buffer: Buffer, offset: number, length: number, position: number): number {
    return this.#file(fd).inode.data.copy(buffer, offset, position, position + length);
  }

  writeSync(fd: number, buffer: Buffer, offset: number, length: number, position: number): number {
    const { inode } = this.#file(fd);
    if (inode.data.length < position + length) inode.data = resized(inode.data, position + length);
    buffer.copy(inode.data, position, offset, offset + length);
    return length;
  }

  fdatasyncSync(fd: number): void {
    const { inode } = this.#file(fd);
    inode.synced = Buffer.from(inode.data);
  }

  fdatasync(fd: number, done: (error: Error | null) => void): void {
    const { inode } = this.#file(fd);
    const synced = Buffer.from(inode.data);
    setImmediate(() => {
      inode.synced = synced;
      done(null);
    });
  }

  fsyncSync(fd: number): void {
    const file = this.#file(fd);
    if (file.isDirectory) {
      this.#syncedNames = new Map(this.#names);
      this.#changes = [];
    } else this.fdatasyncSync(fd);
  }

  ftruncateSync(fd: number, length: number): void {
    const { inode } = this.#file(fd);
    inode.data = resized(inode.data, length);
  }

  sizeSync(fd: number): number {
    return this.#file(fd).inode.data.length;
  }

  readFileSync(path: string): Buffer {
    return Buffer.from(this.#inode(path).data);
  }

  readdirSync(path: string): string[] {
    const inside = this.paths().filter((other) => other.startsWith(`${path}/`));
    if (inside.length === 0) throw errno('ENOENT', path);
    return inside.map((other) => other.slice(path.length + 1)).filter((name) => !name.includes('/'));
  }

  mkdirSync(path: string): void {
    // Folders exist by what is in them, so an empty one is held by a name.
    if (!this.#names.has(`${path}/.folder`)) this.put(`${path}/.folder`, Buffer.alloc(0));
  }

  renameSync(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#change((names) => {
      names.set(to, inode);
      names.delete(from);
    });
  }

  linkSync(from: string, to: string): void {
    if (this.#names.has(to)) throw errno('EEXIST', to);
    this.#link(to, this.#inode(from));
  }

  unlinkSync(path: string): void {
    this.#inode(path);
    this.#change((names) => names.delete(path));
  }

  #link(path: string, inode: Inode): void {
    this.#change((names) => names.set(path, inode));
  }

  #change(run: (names: Map<string, Inode>) => void): void {
    run(this.#names);
    this.#changes.push(run);
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw errno('ENOENT', path);
    return inode;
  }

  #file(fd: number): OpenFile {
    const file = this.#open.get(fd);
    if (file === undefined) throw errno('EBADF', String(fd));
    return file;
  }
}

function survivingBytes({ data, synced }: Inode, random: () => number): Buffer {
  const least = Math.min(data.length, synced.length);
  const most = Math.max(data.length, synced.length);
  const size = least + Math.floor(random() * (most - least + 1));
  const survived = resized(synced, size);
  for (let at = 0; at < size; at += SECTOR_BYTES) {
    if (random() < 0.5) data.copy(survived, at, at, Math.min(at + SECTOR_BYTES, size));
  }
  return survived;
}

function resized(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.alloc(length);
  bytes.copy(copy, 0, 0, Math.min(length, bytes.length));
  return copy;
}

export function errno(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code, syscall: 'simulated' });
}
