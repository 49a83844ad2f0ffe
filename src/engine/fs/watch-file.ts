/** watchFile and unwatchFile: tell when what stat says of a path has changed. Fed by commits; nothing is polled. */

import { EventEmitter } from 'node:events';
import { posix } from 'node:path';
import { NodeStat, stat } from '../calls/stat.ts';
import { parsePath, validateFunction, validateUint32 } from './arguments.ts';
import type { FsContext } from './context.ts';
import { BigIntStats, Stats } from './stats.ts';

type StatListener = (now: Stats | BigIntStats, before: Stats | BigIntStats) => void;

const FOREVER_MS = 2 ** 31 - 1;

export class StatWatcher extends EventEmitter {
  readonly #fs: FsContext;
  readonly #path: string;
  readonly #isBigint: boolean;
  /** As it was last seen; while it is gone, what it was before (as uv_fs_poll keeps it). */
  #before: NodeStat;
  #isGone: boolean;
  #stop: (() => void) | null;
  #keepAlive: NodeJS.Timeout;
  #isPending = false;

  constructor(fs: FsContext, path: string, isBigint: boolean, isPersistent: boolean) {
    super();
    this.#fs = fs;
    this.#path = path;
    this.#isBigint = isBigint;
    this.#before = this.#look();
    this.#isGone = this.#before.ino === 0;
    const { engine } = fs.caller.namespace;
    this.#stop = engine === null ? () => {} : engine.onCommit(() => this.#lookLater());
    this.#keepAlive = setInterval(() => {}, FOREVER_MS);
    if (!isPersistent) this.#keepAlive.unref();
    // As Node: a path that is not there is told once, with all fields 0.
    if (this.#isGone) setImmediate(() => this.#tell(this.#before, this.#before));
  }

  stop(): void {
    if (this.#stop === null) return;
    this.#stop();
    this.#stop = null;
    clearInterval(this.#keepAlive);
    process.nextTick(() => this.emit('stop'));
  }

  ref(): this {
    this.#keepAlive.ref();
    return this;
  }

  unref(): this {
    this.#keepAlive.unref();
    return this;
  }

  /** What one turn did is told as one change. */
  #lookLater(): void {
    if (this.#isPending) return;
    this.#isPending = true;
    setImmediate(() => {
      this.#isPending = false;
      const now = this.#look();
      const before = this.#before;
      const wasGone = this.#isGone;
      this.#isGone = now.ino === 0;
      if (this.#isGone) {
        if (!wasGone) this.#tell(now, before);
        return;
      }
      this.#before = now;
      if (wasGone || !isSame(before, now)) this.#tell(now, before);
    });
  }

  #tell(now: NodeStat, before: NodeStat): void {
    if (this.#stop === null) return;
    const make = (from: NodeStat): Stats | BigIntStats => (this.#isBigint ? new BigIntStats(from) : new Stats(from));
    this.emit('change', make(now), make(before));
  }

  #look(): NodeStat {
    const out = new NodeStat();
    if (stat(this.#fs.caller, this.#fs.cwd, this.#path, true, out) === 0) return out;
    return Object.assign(new NodeStat(), { blksize: 0 });
  }
}

function isSame(one: NodeStat, other: NodeStat): boolean {
  return (
    one.ctimeNs === other.ctimeNs &&
    one.mtimeNs === other.mtimeNs &&
    one.size === other.size &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.ino === other.ino &&
    one.dev === other.dev
  );
}

/** The watchers of one façade, by absolute path. */
export class StatWatchers {
  readonly #fs: FsContext;
  readonly #watchers = new Map<string, StatWatcher>();

  constructor(fs: FsContext) {
    this.#fs = fs;
  }

  watch(path: unknown, optionsOrListener: unknown, listener?: unknown): StatWatcher {
    const name = posix.resolve(this.#fs.cwdPath(), parsePath(path));
    const hasOptions = typeof optionsOrListener === 'object' && optionsOrListener !== null;
    const heard = hasOptions ? listener : optionsOrListener;
    const options = { interval: 5007, persistent: true, bigint: false, ...(hasOptions ? optionsOrListener : {}) };
    validateFunction(heard, 'listener');
    validateUint32(options.interval, 'interval');
    let watcher = this.#watchers.get(name);
    if (watcher === undefined) {
      watcher = new StatWatcher(this.#fs, name, options.bigint, options.persistent);
      this.#watchers.set(name, watcher);
    }
    watcher.on('change', heard as StatListener);
    return watcher;
  }

  unwatch(path: unknown, listener?: unknown): void {
    const name = posix.resolve(this.#fs.cwdPath(), parsePath(path));
    const watcher = this.#watchers.get(name);
    if (watcher === undefined) return;
    if (typeof listener === 'function') watcher.removeListener('change', listener as () => void);
    else watcher.removeAllListeners('change');
    if (watcher.listenerCount('change') > 0) return;
    watcher.stop();
    this.#watchers.delete(name);
  }
}
