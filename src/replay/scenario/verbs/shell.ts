/**
 * What file verbs work with: the file system of one container, and an output.
 *
 * Each method is one call of the engine, or one transaction of several; a refusal is thrown as a {@link VerbError} with the
 * errno's code.
 */

import type { Cause } from '../../../events/event.ts';
import { decodeName, encodeName, printableName } from '../../../events/name.ts';
import * as attributes from '../../../engine/calls/attributes.ts';
import * as data from '../../../engine/calls/data.ts';
import { readdir } from '../../../engine/calls/directory.ts';
import * as names from '../../../engine/calls/names.ts';
import { close, open } from '../../../engine/calls/open.ts';
import * as stats from '../../../engine/calls/stat.ts';
import type { Caller } from '../../../engine/caller.ts';
import type { Engine } from '../../../engine/engine.ts';
import { errnoCode, fsError } from '../../../engine/errno.ts';
import {
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  type DirectoryEntry,
  type OpenFile,
} from '../../../engine/open-files.ts';
import { compareNames } from '../../../events/name.ts';
import { verbError } from './verb-error.ts';

/** Bytes of one read or write. */
const PIECE_BYTES = 2 ** 20;

export class Shell {
  readonly caller: Caller;
  /** Null: a past moment, which verbs can only look at. */
  readonly engine: Engine | null;
  /** What `sys open` has opened, by descriptor. */
  readonly files: Map<number, OpenFile>;
  /** The verb that runs, for its errors. */
  verb = '';
  /** How names are printed: as they are, or for a terminal so that none of their bytes does anything to it. */
  shown: (name: string) => string = (name) => name;
  #out: Uint8Array[] = [];

  constructor(caller: Caller, engine: Engine | null, files = new Map<number, OpenFile>()) {
    this.caller = caller;
    this.engine = engine;
    this.files = files;
  }

  print(text: string): void {
    this.#out.push(encodeName(text));
  }

  printBytes(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  /** The output since the last call. */
  takeOutput(): Buffer {
    const output = Buffer.concat(this.#out);
    this.#out = [];
    return output;
  }

  /** Throws for a negative result of a call. */
  expect(result: number, path: string): number {
    if (result < 0) throw verbError(errnoCode(result), fsError(result, this.verb, printableName(path)).message);
    return result;
  }

  transact<T>(cause: Cause, call: () => T): T {
    return this.engine === null ? call() : this.engine.transact(cause, call);
  }

  stat(path: string, follow = true): stats.NodeStat {
    const stat = this.tryStat(path, follow);
    return typeof stat === 'number' ? (this.expect(stat, path) as never) : stat;
  }

  /** The node, or the negative errno. */
  tryStat(path: string, follow = true): stats.NodeStat | number {
    const out = new stats.NodeStat();
    const error = stats.stat(this.caller, this.caller.cwd, path, follow, out);
    return error === 0 ? out : error;
  }

  readlink(path: string): string {
    const target = stats.readlink(this.caller, this.caller.cwd, path);
    return typeof target === 'number' ? (this.expect(target, path) as never) : target;
  }

  /** Entries of a directory, sorted by bytes. */
  list(path: string): DirectoryEntry[] {
    return this.entries(path).toSorted((a, b) => compareNames(a.name, b.name));
  }

  /** The same as they are read. */
  entries(path: string): readonly DirectoryEntry[] {
    return this.#opened(path, O_RDONLY, 0, (file) => {
      const entries = readdir(file);
      return typeof entries === 'number' ? (this.expect(entries, path) as never) : entries;
    });
  }

  read(path: string): Buffer {
    return this.#opened(path, O_RDONLY, 0, (file) => {
      const pieces: Buffer[] = [];
      for (;;) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES);
        const count = this.expect(data.read(file, piece, 0, piece.length, null), path);
        if (count === 0) return Buffer.concat(pieces);
        pieces.push(piece.subarray(0, count));
      }
    });
  }

  /** Writes a whole file, or at its end: one transaction. The pieces are read one after the other. */
  write(path: string, content: Iterable<Uint8Array>, append: boolean, mode = 0o666): void {
    this.transact([append ? 'appendFile' : 'writeFile', path], () => {
      const flags = O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC);
      this.#opened(path, flags, mode, (file) => {
        for (const piece of content) this.#writePiece(file, piece, null, path);
      });
    });
  }

  /** Writes at an offset of a file that exists. */
  writeAt(path: string, offset: number, bytes: Uint8Array): void {
    this.transact(['write', path, offset, bytes.length], () => {
      this.#opened(path, O_WRONLY, 0, (file) => this.#writePiece(file, bytes, offset, path));
    });
  }

  /** Copies the content of a file, its chunks shared; the target is made or truncated. */
  copyContent(from: string, to: string, mode: number): void {
    this.transact(['copyFile', from, to], () => {
      this.#opened(from, O_RDONLY, 0, (source) => {
        this.#opened(to, O_WRONLY | O_CREAT | O_TRUNC, mode, (target) => {
          while (this.expect(data.copyFileRange(source, null, target, null, 2 ** 30), to) > 0);
        });
      });
    });
  }

  /** Runs `use` on a file that is open for reading and writing, made where it is missing. */
  withFile(path: string, use: (file: OpenFile) => number): void {
    this.#opened(path, O_RDWR | O_CREAT, 0o666, (file) => this.expect(use(file), path));
  }

  mkdir(path: string, mode = 0o777): void {
    this.expect(names.mkdir(this.caller, this.caller.cwd, path, mode), path);
  }

  unlink(path: string): void {
    this.expect(this.tryUnlink(path), path);
  }

  /** 0, or the negative errno. */
  tryUnlink(path: string): number {
    return names.unlink(this.caller, this.caller.cwd, path);
  }

  rmdir(path: string): void {
    this.expect(this.tryRmdir(path), path);
  }

  /** 0, or the negative errno. */
  tryRmdir(path: string): number {
    return names.rmdir(this.caller, this.caller.cwd, path);
  }

  symlink(target: string, path: string): void {
    this.expect(names.symlink(this.caller, target, this.caller.cwd, path), path);
  }

  link(from: string, to: string): void {
    this.expect(names.link(this.caller, this.caller.cwd, from, this.caller.cwd, to, false), to);
  }

  mknod(path: string, mode: number, rdev: number): void {
    this.expect(names.mknod(this.caller, this.caller.cwd, path, mode, rdev), path);
  }

  /** 0, or the negative errno: mv goes on after EXDEV. */
  tryRename(from: string, to: string, flags = 0): number {
    return names.rename(this.caller, this.caller.cwd, from, this.caller.cwd, to, flags);
  }

  chmod(path: string, mode: number): void {
    this.expect(attributes.chmod(this.caller, this.caller.cwd, path, mode, true), path);
  }

  chown(path: string, uid: number, gid: number, follow: boolean): void {
    this.expect(attributes.chown(this.caller, this.caller.cwd, path, uid, gid, follow), path);
  }

  setTimes(path: string, atime: attributes.TimeArgument, mtime: attributes.TimeArgument, follow = true): void {
    this.expect(attributes.utimens(this.caller, this.caller.cwd, path, atime, mtime, follow), path);
  }

  #writePiece(file: OpenFile, bytes: Uint8Array, position: number | null, path: string): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, bytes.length - at);
      const to = position === null ? null : position + at;
      this.expect(data.write(file, bytes, at, length, to), path);
    }
  }

  #opened<T>(path: string, flags: number, mode: number, use: (file: OpenFile) => T): T {
    const file = open(this.caller, this.caller.cwd, path, flags, mode);
    if (typeof file === 'number') return this.expect(file, path) as never;
    try {
      return use(file);
    } finally {
      close(file);
    }
  }
}

/** Joins a directory and a name. */
export const joinPath = (directory: string, name: string): string =>
  directory.endsWith('/') ? directory + name : `${directory}/${name}`;

/** The last component of a path. */
export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

export const textOf = (bytes: Uint8Array): string => decodeName(bytes);
