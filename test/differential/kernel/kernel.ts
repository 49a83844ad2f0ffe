import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Reply {
  readonly value?: unknown;
  readonly error?: string;
}

/** Why the kernel can't be asked here, or null. */
export function kernelMissing(): string | null {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'mounting an overlay needs root';
  try {
    execFileSync('python3', ['-c', 'import ctypes, os; os.setxattr']);
  } catch {
    return 'python3 is not installed';
  }
  try {
    if (!execFileSync('cat', ['/proc/filesystems'], { encoding: 'utf8' }).includes('\toverlay\n'))
      return 'no overlayfs';
  } catch {
    return 'no /proc/filesystems';
  }
  return null;
}

/** A real overlay mount in a folder of its own, driven call by call. */
export class Kernel {
  readonly #folder = mkdtempSync(join(tmpdir(), 'overlog-kernel-'));
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: ((reply: Reply) => void)[] = [];

  constructor() {
    const script = fileURLToPath(new URL('oracle.py', import.meta.url));
    this.#child = spawn('python3', [script, join(this.#folder, 'fs')], { stdio: 'pipe' });
    this.#child.stderr.on('data', (bytes: Buffer) => process.stderr.write(bytes));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as Reply);
    });
    this.#child.on('exit', () => {
      for (const waiting of this.#waiting.splice(0)) waiting({ error: 'the oracle died' });
    });
  }

  ask(request: object): Promise<Reply> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Sends many requests at once; answers in order. */
  askAll(requests: readonly object[]): Promise<Reply[]> {
    return Promise.all(requests.map((request) => this.ask(request)));
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.on('exit', resolve));
    this.#child.stdin.end();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
