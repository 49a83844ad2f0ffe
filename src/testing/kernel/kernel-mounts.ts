import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { storeError } from '../../events/log-error.ts';
import type { KernelCall, Reply, Trees } from './kernel-call.ts';

/** Why the kernel can't be asked here, in words, or null when it can. */
export function kernelMissing(): string | null {
  if (process.platform !== 'linux') return 'overlayfs is a part of Linux';
  if (process.getuid?.() !== 0) return 'mounting an overlay needs root';
  if (!knowsOverlay()) return 'this kernel has no overlayfs (see /proc/filesystems)';
  try {
    execFileSync('python3', ['-c', 'import ctypes, os; os.setxattr; ctypes.CDLL(None).unshare']);
  } catch {
    return 'python3 is not installed, or without ctypes';
  }
  return null;
}

function knowsOverlay(): boolean {
  try {
    return readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n');
  } catch {
    return false;
  }
}

/** A call's answer, and with `look` those trees of its container that it changed. */
export type CallReply = Reply & Partial<Trees>;

/** What a stage of a sequence gave: an answer for each call, and each container's trees when it had ended. */
export interface StageReply {
  readonly replies: readonly CallReply[];
  readonly trees: readonly Partial<Trees>[];
}

/**
 * Real overlay mounts, driven call by call through a process of their own (oracle.py).
 *
 * The process keeps to a fresh folder below `folder` and to a mount namespace of its own: nobody else sees its mounts, and
 * they end with it. It cleans up when this process ends, however that happens.
 */
export class KernelMounts {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #talk = '';
  /** The folder; null until it has been made. */
  #base: string | null = null;

  /** @throws `ERR_UNSUPPORTED` with what is missing. */
  constructor(folder = tmpdir()) {
    const missing = kernelMissing();
    if (missing !== null) throw storeError('ERR_UNSUPPORTED', `the kernel cannot be asked: ${missing}`);
    const script = fileURLToPath(new URL('oracle.py', import.meta.url));
    this.#child = spawn('python3', ['-B', script, folder], { stdio: 'pipe' });
    this.#child.stdin.on('error', () => {}); // it died; the exit says so
    this.#child.stderr.on('data', (bytes: Buffer) => {
      this.#talk += bytes.toString();
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (this.#base === null) this.#base = JSON.parse(line) as string;
      else this.#waiting.shift()?.(JSON.parse(line) as Reply);
    });
    this.#child.on('close', () => {
      for (const waiting of this.#waiting.splice(0)) waiting({ error: `the oracle died: ${this.#talk}` });
      // Only where it was killed is something left. Its mounts are gone with it, so that this removes no more.
      if (this.#base !== null) rmSync(this.#base, { recursive: true, force: true });
    });
  }

  /**
   * Mounts an overlay for a container.
   *
   * @param lowers - Names of folders, top first; made where they are missing.
   * @param options - As for mount(8), such as `redirect_dir=off,index=off`; null: no overlay, but the upper alone.
   * @param server - A command that mounts it as fuse-overlayfs(1) does; a remount then gives it to the kernel, the next one
   *   back. Default: the kernel.
   */
  async mount(
    container: number,
    mount: { lowers: readonly string[]; options: string | null; server?: readonly string[] },
  ): Promise<void> {
    await this.#done({ do: 'mount', in: container, upper: `upper${container}`, ...mount });
  }

  /** Where an upper lies that {@link keep} has kept. */
  folder(name: string): string {
    if (this.#base === null) throw new Error('nothing has been asked yet');
    return join(this.#base, name);
  }

  /** Unmounts a container; its upper becomes the folder `as`, with old times, or goes. */
  async keep(container: number, as: string | null, timeNs: number): Promise<void> {
    await this.#done({ do: 'keep', in: container, as, timeNs });
  }

  async drop(folders: readonly string[]): Promise<void> {
    await this.#done({ do: 'drop', folders });
  }

  /** Runs calls one after another. */
  async calls(calls: readonly KernelCall[], look: boolean): Promise<readonly CallReply[]> {
    return (await this.#done({ do: 'calls', calls, look })) as readonly CallReply[];
  }

  /** The trees of a container, each only where it is not what was listed before. */
  async trees(container: number): Promise<Partial<Trees>> {
    return (await this.#done({ do: 'trees', in: container })) as Partial<Trees>;
  }

  /**
   * Runs stages of calls, each on fresh uppers over those that container 0 left in the stages before, and takes all away
   * again. That is one request, whose cost is the kernel's alone, and a next one can be made while it runs.
   *
   * @param stages - Of calls; a stage has a container 1 where one of its calls is of it.
   * @param how.timeNs - Of nodes in uppers that became lowers.
   * @param how.endsReadOnly - The last stage has no upper.
   */
  async sequence(
    stages: readonly (readonly KernelCall[])[],
    how: {
      readonly options: string;
      readonly timeNs: number;
      readonly endsReadOnly: boolean;
    },
  ): Promise<readonly StageReply[]> {
    return (await this.#done({ do: 'sequence', stages, ...how })) as readonly StageReply[];
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    await ended;
  }

  async #done(request: object): Promise<unknown> {
    const reply = await new Promise<Reply>((resolve) => {
      if (this.#child.exitCode !== null) return resolve({ error: `the oracle died: ${this.#talk}` });
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (reply.error !== undefined) throw storeError('ERR_UNSUPPORTED', `the kernel refused: ${reply.error}`);
    return reply.value;
  }
}
