/** A mounted overlay over plain directories, seen from the main thread of the process that serves it. */

import { realpathSync, write } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import {
  abortConnection,
  closeDevice,
  mountDevice,
  openDevice,
  type OverlayOptions,
  overlogMountAt,
  unmount,
  type UnmountHow,
} from '../../entry/mount.ts';
import { type FromOverlay, GIVE_UP, GO } from './overlay-messages.ts';
import { startOverlay } from './worker-source.ts';

export interface OverlayPlan {
  readonly options: OverlayOptions;
  /** What the mount table shows as source. */
  readonly source: string;
  /** The mount point. */
  readonly directory: string;
}

export class ServedOverlay {
  readonly directory: string;
  /** Resolves when it is unmounted and the upper is complete: with null, or what went wrong. */
  readonly ended: Promise<string | null>;
  readonly #device: number;
  readonly #connection: string;
  #notices: Promise<void> = Promise.resolve();

  private constructor(directory: string, device: number, worker: Worker) {
    this.directory = directory;
    this.#device = device;
    this.#connection = overlogMountAt(directory)?.device ?? '';
    // An error of its own: the serving thread would keep the process from ending, and a dead mount would stay.
    const leave = (): void => this.abort();
    process.on('exit', leave);
    this.ended = new Promise((resolve) => {
      worker.on('message', (message: FromOverlay) => this.#receive(message, resolve));
      worker.once('error', (error) => resolve(error.message));
    });
    void this.ended.then(() => process.off('exit', leave));
  }

  /**
   * Reads the directories in a thread of its own, and mounts.
   *
   * @throws What keeps it from being mounted, as one sentence; nothing is mounted then.
   */
  static async start({ options, source, directory }: OverlayPlan): Promise<ServedOverlay> {
    const real = realpathSync(directory);
    // Modes come as programs want them; the kernel has applied their umask.
    process.umask(0);
    const device = openDevice();
    const mounted = new Int32Array(new SharedArrayBuffer(4));
    const worker = startOverlay({ options, device, mounted: mounted.buffer });
    try {
      await opened(worker);
      mountDevice(device, real, { source, readOnly: options.readOnly, generic: options.generic });
      const served = new ServedOverlay(real, device, worker);
      tell(mounted, GO);
      return served;
    } catch (error) {
      const ended = new Promise<void>((done) => worker.once('exit', () => done()));
      tell(mounted, GIVE_UP);
      await ended;
      closeDevice(device);
      throw error;
    }
  }

  /** @returns null, or what umount(8) said. */
  unmount(how: UnmountHow = 'plain'): string | null {
    return unmount(this.directory, how);
  }

  /** Ends it whoever is in it: their calls fail from here on. */
  abort(): void {
    if (unmount(this.directory, 'force') !== null) abortConnection(this.#connection);
  }

  #receive(message: FromOverlay, end: (error: string | null) => void): void {
    if (message.type === 'notify') this.#notices = this.#notices.then(() => this.#tellKernel(message.notices));
    else if (message.type === 'closed') {
      closeDevice(this.#device);
      end(message.error);
    }
  }

  async #tellKernel(notices: readonly Uint8Array[]): Promise<void> {
    // ENOENT: the kernel knows nothing of that node.
    for (const notice of notices) await new Promise<void>((done) => write(this.#device, notice, () => done()));
  }
}

function tell(mounted: Int32Array, what: number): void {
  Atomics.store(mounted, 0, what);
  Atomics.notify(mounted, 0);
}

function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', (message: FromOverlay) => {
      if (message.type === 'opened') resolve();
      else if (message.type === 'refused')
        reject(Object.assign(new Error(message.message), { exitCode: message.exitCode }));
    });
    worker.once('error', reject);
  });
}
