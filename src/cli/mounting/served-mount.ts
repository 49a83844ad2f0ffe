/**
 * A mount, seen from the main thread of the process that serves it: it opens the device, mounts, listens for commands and
 * signals, and tells the kernel what the serving thread wants told.
 */

import { realpathSync, write, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import {
  abortConnection,
  checkMountPoint,
  clearDeadMounts,
  closeDevice,
  type ControlServer,
  listenForCommands,
  mountDevice,
  type MountRecord,
  openDevice,
  overlogMountAt,
  isServed,
  journalStem,
  mountRecords,
  removeMountRecord,
  removeServeJournal,
  resend,
  startOfProcess,
  unmount,
  type UnmountHow,
  writeMountRecord,
} from '../../entry/mount.ts';
import {
  type CommandResult,
  type FromServer,
  type OpenedMessage,
  type RunEnd,
  type ServeRequest,
  type ToServer,
  UNSYNCED,
  WANTED,
} from './messages.ts';
import { startServer } from './worker-source.ts';

export interface ServeOptions {
  readonly store: string;
  readonly what: ServeRequest['what'];
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Told of mounts of killed servers that were taken away, and of what a bind could not do. */
  readonly say: (text: string) => void;
  /** Options of any mount, for mount(8). */
  readonly generic?: readonly string[];
  /** Set in a process that a supervisor has started. */
  readonly supervised?: Supervised;
  /** Cuts the opening of the store off; its reason is the exit code. Once that is done, it does nothing. */
  readonly cutOff?: AbortSignal;
}

/** What a supervised server gets from its supervisor, and leaves to the one that comes after it. */
export interface Supervised {
  /** An open descriptor of /dev/fuse. */
  readonly device: number;
  /** The supervisor. */
  readonly pid: number;
  /** It is mounted already, and the server before this one is dead. */
  readonly goesOn: boolean;
}

/** How often it is looked whether something waits for the disk. */
const SYNC_CHECK_MS = 250;

export class ServedMount {
  readonly directory: string;
  readonly opened: OpenedMessage;
  /** Resolves when it is unmounted and the store is closed: with null, or what went wrong. */
  readonly ended: Promise<string | null>;
  readonly #parts: Parts;
  readonly #control: ControlServer | null;
  /** The kernel's number of the device that the mount is. */
  readonly #connection: string;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Map<number, (result: CommandResult) => void>();
  #record: MountRecord;
  #nextCommand = 1;
  #notices: Promise<void> = Promise.resolve();

  private constructor(parts: Parts, opened: OpenedMessage, control: ControlServer | null) {
    this.#parts = parts;
    this.directory = parts.directory;
    this.opened = opened;
    this.#control = control;
    this.#record = recordOf(parts, opened);
    this.#connection = overlogMountAt(parts.directory)?.device ?? '';
    this.#timer = setInterval(() => {
      if (Atomics.load(parts.flags, UNSYNCED) !== 0) this.#wake();
    }, SYNC_CHECK_MS);
    this.#timer.unref();
    if (parts.options.supervised === undefined) process.on('exit', this.#leave);
    this.ended = new Promise((resolve) => {
      parts.worker.on('message', (message: FromServer) => this.#receive(message, resolve));
      parts.worker.once('error', (error) => resolve(error.message));
    });
  }

  /**
   * Opens the store in a thread of its own, and mounts.
   *
   * @throws What keeps it from being mounted, as one sentence; nothing is mounted then, and the store is closed.
   */
  static async start(options: ServeOptions): Promise<ServedMount> {
    const { supervised } = options;
    // A mount whose server is dead can't be looked at: it waits for this one.
    if (supervised?.goesOn !== true) prepareMount(options.store, options.directory, options.say);
    const directory = supervised?.goesOn === true ? options.directory : realpathSync(options.directory);
    const device = supervised?.device ?? openDevice();
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const { store, what } = options;
    const env = { ...options.env } as Record<string, string>;
    const journal = supervised && { stem: journalStem(store, supervised.pid), goesOn: supervised.goesOn };
    const worker = startServer({ store, what, device, flags: flags.buffer, env, ...(journal && { journal }) });
    const parts: Parts = { options, directory, device, flags, worker };
    try {
      const opened = await firstMessage(worker, options);
      return await mountOpened(parts, opened, (made, control) => new ServedMount(made, opened, control));
    } catch (error) {
      await worker.terminate();
      closeDevice(device);
      throw error;
    }
  }

  /** Runs a verb on the open store. */
  command(argv: readonly string[]): Promise<CommandResult> {
    const id = this.#nextCommand++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#post({ type: 'command', id, argv });
      this.#wake();
    });
  }

  /**
   * A program runs in the container: `overlog exec` joins it.
   *
   * @param over - The directory that it sees the container at; null: as its root directory.
   */
  programStarted(pid: number, over: string | null): void {
    this.#changeRecord({ program: pid, over });
  }

  #changeRecord(change: Partial<MountRecord>): void {
    this.#record = { ...this.#record, ...change };
    writeMountRecord(this.#parts.options.store, this.#record);
  }

  /** Says what becomes of the container once it is unmounted. */
  endRun(end: RunEnd): void {
    this.#post({ type: 'ended', end });
  }

  /** @returns null, or what umount(8) said. */
  unmount(how: UnmountHow = 'plain'): string | null {
    return unmount(this.directory, how);
  }

  /** Ends it whoever is in it: their calls fail from here on. */
  abort(): void {
    // Out of sight already, it can only be reached by its number.
    if (unmount(this.directory, 'force') !== null) abortConnection(this.#connection);
  }

  #post(message: ToServer): void {
    this.#parts.worker.postMessage(message);
  }

  /** The serving thread waits in the kernel; a request of our own makes it look up. */
  #wake(): void {
    Atomics.store(this.#parts.flags, WANTED, 1);
    statfs(this.directory).catch(() => {}); // unmounted meanwhile: it looks up by itself
  }

  #receive(message: FromServer, end: (error: string | null) => void): void {
    switch (message.type) {
      case 'said':
        return this.#parts.options.say(message.text);
      case 'notify':
        this.#notices = this.#notices.then(() => this.#tellKernel(message.notices));
        return;
      case 'result':
        // Others find the mount by the container's name.
        if (message.container !== null && message.container !== this.#record.container) {
          this.#changeRecord({ container: message.container });
        }
        // Whoever gave the command finds the kernel informed.
        void this.#notices.then(() => this.#waiting.get(message.id)?.(message.result));
        return;
      case 'closed':
        this.#close();
        end(message.error);
        return;
      case 'opened':
      case 'refused':
        return; // came before this object was made
    }
  }

  async #tellKernel(notices: readonly Uint8Array[]): Promise<void> {
    for (const notice of notices) {
      // ENOENT: the kernel knows nothing of that node.
      await new Promise<void>((done) => write(this.#parts.device, notice, () => done()));
    }
  }

  /**
   * This process ends although it serves, by an error of its own: the kernel lets the serving thread go, which would keep it from
   * ending else, and nothing dead stays mounted.
   */
  readonly #leave = (): void => {
    this.abort();
    removeMountRecord(this.#parts.options.store, process.pid);
  };

  #close(): void {
    process.off('exit', this.#leave);
    clearInterval(this.#timer);
    this.#control?.close();
    const gone = { exitCode: 1, stdout: '', stderr: 'overlog: the store was unmounted meanwhile\n' };
    for (const resolve of this.#waiting.values()) resolve(gone);
    const { options } = this.#parts;
    removeMountRecord(options.store, mountPid(options));
    if (options.supervised !== undefined) removeServeJournal(journalStem(options.store, options.supervised.pid));
    closeDevice(this.#parts.device);
  }
}

interface Parts {
  readonly options: ServeOptions;
  readonly directory: string;
  readonly device: number;
  readonly flags: Int32Array<SharedArrayBuffer>;
  readonly worker: Worker;
}

/**
 * Clears away what killed servers left, and looks at the mount point.
 *
 * @throws `ERR_INVALID_ARGUMENT` when nothing can be mounted there.
 */
export function prepareMount(store: string, directory: string, say: (text: string) => void): void {
  for (const dead of clearDeadMounts(store)) {
    say(`took away the mount of a server that was killed: ${dead.container} at ${dead.directory}`);
  }
  checkMountPoint(directory);
}

/**
 * Looks whether somebody has mounted a container of the store for writing.
 *
 * @throws `ERR_LOG_LOCKED` with what to do.
 */
export function refuseSecondWriter(store: string): void {
  const writer = mountRecords(store).find((record) => !record.readOnly && isServed(record));
  if (writer === undefined) return;
  const { container, directory, pid } = writer;
  const message =
    `the store is locked: ${container} is mounted at ${directory} (process ${pid}), and one container at a time is mounted ` +
    'for writing; overlog umount that first, or mount NAME@now to read';
  throw Object.assign(new Error(message), { code: 'ERR_LOG_LOCKED' });
}

async function mountOpened(
  parts: Parts,
  opened: OpenedMessage,
  make: (parts: Parts, control: ControlServer | null) => ServedMount,
): Promise<ServedMount> {
  const { options, directory, device, worker } = parts;
  const { container, at, readOnly } = opened;
  let control: ControlServer | null = null;
  try {
    const name = at === null ? container : `${container}@${at}`;
    if (options.supervised?.goesOn !== true) {
      const { generic = [] } = options;
      mountDevice(device, directory, { source: `overlog-${mountPid(options)}:${name}`, readOnly, generic });
    }
    writeMountRecord(options.store, recordOf(parts, opened));
    let served: ServedMount | null = null;
    if (at === null) {
      control = await listenForCommands(options.store, (argv) => served!.command(argv as string[]));
    }
    served = make(parts, control);
    // First of all what the server before this one has read and not answered: only of the last such request is known whether it
    // was carried out.
    if (options.supervised?.goesOn === true) writeSync(device, resend());
    worker.postMessage({ type: 'serve' } satisfies ToServer);
    return served;
  } catch (error) {
    control?.close();
    unmount(directory, 'lazy');
    removeMountRecord(options.store, mountPid(options));
    worker.postMessage({ type: 'abandon' } satisfies ToServer);
    await new Promise<void>((done) => worker.once('exit', () => done()));
    throw error;
  }
}

function recordOf({ directory, options }: Parts, opened: OpenedMessage): MountRecord {
  const { container, at, readOnly } = opened;
  const pid = mountPid(options);
  const start = startOfProcess(pid);
  return { pid, start, server: process.pid, directory, container, at, readOnly, program: null, over: null };
}

/** The process that the mount lives as long as. */
const mountPid = ({ supervised }: ServeOptions): number => supervised?.pid ?? process.pid;

function firstMessage(worker: Worker, { say, cutOff }: ServeOptions): Promise<OpenedMessage> {
  return new Promise((resolve, reject) => {
    const cut = (): void => reject(Object.assign(new Error('interrupted'), { exitCode: Number(cutOff?.reason) }));
    if (cutOff?.aborted === true) return cut();
    cutOff?.addEventListener('abort', cut, { once: true });
    const listen = (message: FromServer): void => {
      if (message.type === 'said') return say(message.text);
      worker.off('message', listen);
      if (message.type === 'opened') resolve(message);
      else if (message.type === 'refused') {
        reject(Object.assign(new Error(message.message), { exitCode: message.exitCode }));
      }
    };
    worker.on('message', listen);
    worker.once('error', reject);
  });
}
