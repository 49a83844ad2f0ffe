import type { LogWriter } from './log-writer.ts';

/**
 * Flushes and syncs shared by concurrent callers, and the sync in the background.
 *
 * A flush runs in a microtask: all calls of one turn share one write, and none waits for a timer. A sync that is asked
 * for while another one runs starts after it, and is shared by all who ask meanwhile: what they appended may have missed
 * the running one.
 */
export class GroupCommit {
  readonly #writer: LogWriter;
  readonly #intervalMs: number;
  #flush: Promise<void> | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param intervalMs - At most so long unsynced data stays off the disk; 0: no sync without being asked. */
  constructor(writer: LogWriter, intervalMs: number) {
    this.#writer = writer;
    this.#intervalMs = intervalMs;
  }

  /** Something was appended. */
  touch(): void {
    if (this.#timer !== null || this.#intervalMs === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // A failure closes the log for writing, so the next call of its user reports it.
      this.sync().catch(() => {});
    }, this.#intervalMs);
    this.#timer.unref();
  }

  flush(): Promise<void> {
    this.#flush ??= Promise.resolve().then(() => {
      this.#flush = null;
      // A sync that waits for its turn would write a commit frame of its own behind it.
      if (this.#next === null) this.#writer.write();
      else this.#writer.writeCommitted();
    });
    return this.#flush;
  }

  sync(): Promise<void> {
    if (this.#next !== null) return this.#next;
    const { promise, resolve, reject } = withResolvers();
    this.#next = promise;
    const start = (): void => {
      this.#next = null;
      this.#running = promise;
      this.#start(resolve, reject);
    };
    if (this.#running === null) queueMicrotask(start);
    else this.#running.then(start, start);
    return promise;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #start(resolve: () => void, reject: (error: unknown) => void): void {
    try {
      this.#writer.writeCommitted();
      if (this.#writer.isSynced) {
        this.#running = null;
        resolve();
        return;
      }
      this.#writer.startSync((failure) => {
        this.#running = null;
        if (failure === null) resolve();
        else reject(failure);
      });
    } catch (error) {
      this.#running = null;
      reject(error);
    }
  }
}

/** As `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
