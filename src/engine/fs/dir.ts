/** An open directory (`opendir`): entries one after the other, from the snapshot that the handle keeps. */

import { joinPath } from './directory-calls.ts';
import { readdir } from '../calls/directory.ts';
import { close } from '../calls/open.ts';
import { S_IFDIR } from '../../events/mode.ts';
import { open } from '../calls/open.ts';
import { fsError } from '../errno.ts';
import { O_DIRECTORY, O_RDONLY, type OpenFile } from '../open-files.ts';
import { encodeResult, parseOptions, parsePath, validateFunction, validateUint32 } from './arguments.ts';
import { check, type FsContext, refusal } from './context.ts';
import { Dirent } from './dirent.ts';
import { dirClosed } from './node-errors.ts';

type ReadCallback = (error: Error | null, dirent: Dirent | null) => void;
type CloseCallback = (error?: Error | null) => void;

/** A directory that `readSync` walks, and how far it got. */
interface Listing {
  readonly file: OpenFile;
  readonly path: string;
  next: number;
}

export class Dir {
  /** The path as the caller gave it. */
  readonly path: string;
  readonly #fs: FsContext;
  readonly #encoding: unknown;
  readonly #recursive: boolean;
  #waiting: Listing[] = [];
  #isClosed = false;

  constructor(fs: FsContext, file: OpenFile, path: string, options: unknown) {
    const { encoding, bufferSize, recursive } = parseOptions(options, { encoding: 'utf8' });
    if (bufferSize !== undefined) validateUint32(bufferSize, 'options.bufferSize');
    this.#fs = fs;
    this.path = path;
    this.#encoding = encoding;
    this.#recursive = Boolean(recursive);
    this.#waiting.push({ file, path, next: 0 });
  }

  /** The next entry, or null at the end. */
  readSync(): Dirent | null {
    if (this.#isClosed) throw dirClosed();
    for (;;) {
      const listing = this.#waiting[0];
      if (listing === undefined) return null;
      const entries = readdir(listing.file);
      if (typeof entries === 'number') throw refusal(entries, 'scandir', listing.path);
      if (listing.next >= entries.length) {
        if (this.#waiting.length === 1) return null;
        close(listing.file);
        this.#waiting.shift();
        continue;
      }
      const { name, format } = entries[listing.next++];
      if (this.#recursive && format === S_IFDIR) this.#enter(joinPath(listing.path, name));
      return new Dirent(encodeResult(name, this.#encoding), listing.path, format);
    }
  }

  #enter(path: string): void {
    const file = open(this.#fs.caller, this.#fs.cwd, path, O_RDONLY | O_DIRECTORY, 0);
    if (typeof file === 'number') throw refusal(file, 'opendir', path);
    this.#waiting.push({ file, path, next: 0 });
  }

  read(): Promise<Dirent | null>;
  read(callback: ReadCallback): void;
  read(callback?: ReadCallback): Promise<Dirent | null> | undefined {
    if (this.#isClosed) throw dirClosed();
    if (callback === undefined) return this.#readLater();
    validateFunction(callback, 'callback');
    this.#readLater().then(
      (dirent) => process.nextTick(callback, null, dirent),
      (error: unknown) => process.nextTick(callback, error as Error, null),
    );
    return undefined;
  }

  async #readLater(): Promise<Dirent | null> {
    return this.readSync();
  }

  closeSync(): void {
    if (this.#isClosed) throw dirClosed();
    this.#isClosed = true;
    for (const { file } of this.#waiting) check(close(file), 'closedir');
    this.#waiting = [];
  }

  close(): Promise<void>;
  close(callback: CloseCallback): void;
  close(callback?: CloseCallback): Promise<void> | undefined {
    if (callback === undefined) return this.#closeLater();
    validateFunction(callback, 'callback');
    this.#closeLater().then(
      () => process.nextTick(callback, null),
      (error: unknown) => process.nextTick(callback, error as Error),
    );
    return undefined;
  }

  async #closeLater(): Promise<void> {
    this.closeSync();
  }

  async *entries(): AsyncGenerator<Dirent, void, undefined> {
    try {
      for (let dirent = this.readSync(); dirent !== null; dirent = this.readSync()) yield dirent;
    } finally {
      this.closeSync();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Dirent, void, undefined> {
    return this.entries();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.closeSync();
  }
}

/** Node's sync form leaves the path out of its error; its other forms have it. */
export function opendirSync(fs: FsContext, path: unknown, options?: unknown): Dir {
  return openDirectory(fs, path, options, false);
}

export function opendirForPromise(fs: FsContext, path: unknown, options?: unknown): Dir {
  return openDirectory(fs, path, options, true);
}

function openDirectory(fs: FsContext, path: unknown, options: unknown, namesPath: boolean): Dir {
  const name = parsePath(path);
  const parsed = parseOptions(options, { encoding: 'utf8' });
  const file = open(fs.caller, fs.cwd, name, O_RDONLY | O_DIRECTORY, 0);
  if (typeof file === 'number') throw namesPath ? refusal(file, 'opendir', name) : fsError(file, 'opendir');
  return new Dir(fs, file, name, parsed);
}
