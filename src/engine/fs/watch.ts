/**
 * watch and watchFile, fed by the commits of the engine instead of inotify: what a call did is told on a later turn, as
 * event type and name relative to the watched directory.
 */

import { EventEmitter } from 'node:events';
import type { Ino, SubjectId, Transaction } from '../../events/event.ts';
import { lookup } from '../calls/stat.ts';
import { fsError } from '../errno.ts';
import { MAY_READ, permit } from '../identity.ts';
import { Found } from '../lookup.ts';
import { encodeResult, parseOptions, parsePath, shownPath, validateBoolean, validateFunction } from './arguments.ts';
import type { FsContext } from './context.ts';
import { abortError } from './node-errors.ts';
import { changesOf, type Change } from './watch-changes.ts';
import { isFileEvent } from '../../events/file-event.ts';

export type WatchEventType = 'rename' | 'change';
type Listener = (eventType: WatchEventType, filename: string | Buffer) => void;

/** Longest delay of a timer; one keeps the process alive for a persistent watcher, as an inotify handle would. */
const FOREVER_MS = 2 ** 31 - 1;

interface Watched {
  readonly subject: SubjectId;
  readonly ino: Ino;
  readonly name: string;
  readonly isDirectory: boolean;
}

export class FSWatcher extends EventEmitter {
  readonly #fs: FsContext;
  readonly #watched: Watched;
  readonly #isRecursive: boolean;
  readonly #encoding: unknown;
  #stop: (() => void) | null;
  #keepAlive: NodeJS.Timeout | null = null;

  constructor(fs: FsContext, path: unknown, options: WatchOptions) {
    super();
    this.#fs = fs;
    this.#watched = findWatched(fs, path);
    this.#isRecursive = options.recursive === true;
    this.#encoding = options.encoding;
    const { engine } = fs.caller.namespace;
    this.#stop = engine === null ? () => {} : engine.onCommit((transaction) => this.#onCommit(transaction));
    if (options.persistent !== false) this.#keepAlive = setInterval(() => {}, FOREVER_MS);
    options.signal?.addEventListener('abort', () => this.close(), { once: true });
    if (options.signal?.aborted) process.nextTick(() => this.close());
  }

  close(): void {
    if (this.#stop === null) return;
    this.#stop();
    this.#stop = null;
    if (this.#keepAlive) clearInterval(this.#keepAlive);
    process.nextTick(() => this.emit('close'));
  }

  ref(): this {
    this.#keepAlive?.ref();
    return this;
  }

  unref(): this {
    this.#keepAlive?.unref();
    return this;
  }

  #onCommit(transaction: Transaction): void {
    if (transaction.subject !== this.#watched.subject) return;
    const tree = this.#fs.caller.namespace.mounts.find((mount) => mount.subject === transaction.subject)?.overlay.tree;
    if (tree === undefined) return;
    for (const event of transaction.events) {
      if (!isFileEvent(event)) continue;
      for (const change of changesOf(tree, event)) this.#tell(change, tree);
    }
  }

  #tell(change: Change, tree: Parameters<typeof changesOf>[0]): void {
    const { ino, isDirectory, name } = this.#watched;
    let told: string | null = null;
    if (change.ino === ino && change.name === null) told = isDirectory && change.type === 'change' ? null : name;
    else if (isDirectory && change.parent === ino && change.name !== null) told = change.name;
    else if (isDirectory && this.#isRecursive && change.name !== null && change.parent !== 0) {
      const below = pathBelow(tree, ino, change.parent);
      if (below !== null) told = `${below}/${change.name}`;
    }
    if (told === null) return;
    const filename = encodeResult(told, this.#encoding);
    setImmediate(() => {
      if (this.#stop !== null) this.emit('change', change.type, filename);
    });
  }
}

/** Path from a directory down to another, or null where it is not below. */
function pathBelow(tree: Parameters<typeof changesOf>[0], top: Ino, directory: Ino): string | null {
  let path = '';
  for (let at = directory; at !== top;) {
    const inode = tree.get(at);
    if (inode === undefined || inode.parent === 0 || inode.parent === at) return null;
    path = path === '' ? inode.name : `${inode.name}/${path}`;
    at = inode.parent;
  }
  return path;
}

const found = new Found();

/** inotify_add_watch(2) wants to read. */
function refuseWatching({ caller: { identity } }: FsContext): number {
  return identity === null ? 0 : permit(identity, found.mount.overlay.tree.at(found.ino), MAY_READ);
}

function findWatched(fs: FsContext, path: unknown): Watched {
  const name = parsePath(path, 'filename');
  const error = lookup(fs.caller, fs.cwd, name, true, found) || refuseWatching(fs);
  if (error < 0) throw Object.assign(fsError(error, 'watch', shownPath(name)), { filename: shownPath(name) });
  const { mount, ino } = found;
  const trimmed = name.replace(/\/+$/, '');
  return {
    subject: mount.subject,
    ino,
    name: trimmed.slice(trimmed.lastIndexOf('/') + 1),
    isDirectory: mount.overlay.tree.at(ino).dir !== null,
  };
}

export interface WatchOptions {
  readonly persistent?: unknown;
  readonly recursive?: unknown;
  readonly encoding?: unknown;
  readonly signal?: AbortSignal | undefined;
}

function parseWatchOptions(options: unknown): WatchOptions {
  const parsed = parseOptions(options);
  if (parsed.persistent !== undefined) validateBoolean(parsed.persistent, 'options.persistent');
  if (parsed.recursive !== undefined && parsed.recursive !== null)
    validateBoolean(parsed.recursive, 'options.recursive');
  return parsed;
}

export function watch(fs: FsContext, path: unknown, options?: unknown, listener?: unknown): FSWatcher {
  const watcher = new FSWatcher(fs, path, parseWatchOptions(options));
  const heard = typeof options === 'function' ? options : listener;
  if (heard !== undefined) {
    validateFunction(heard, 'listener');
    watcher.on('change', heard as Listener);
  }
  return watcher;
}

/** `promises.watch`: what happens between two steps of the loop is kept for it. */
export async function* watchChanges(
  fs: FsContext,
  path: unknown,
  options?: unknown,
): AsyncGenerator<{ eventType: WatchEventType; filename: string | Buffer }, void, undefined> {
  const parsed = parseWatchOptions(options);
  const { signal } = parsed;
  if (signal?.aborted) throw abortError(signal);
  const watcher = new FSWatcher(fs, path, parsed);
  const waiting: { eventType: WatchEventType; filename: string | Buffer }[] = [];
  let wake = (): void => {};
  watcher.on('change', (eventType: WatchEventType, filename: string | Buffer) => {
    waiting.push({ eventType, filename });
    wake();
  });
  watcher.on('close', () => wake());
  try {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift() as (typeof waiting)[number];
      if (signal?.aborted) throw abortError(signal);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    watcher.close();
  }
}
