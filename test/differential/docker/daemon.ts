/**
 * A Docker daemon of the test's own, from Debian's packages that `scripts/docker-oracle.sh` unpacked. Its data, its socket and
 * its processes' files lie in a fresh folder, it has no network, and it goes with the test.
 */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const UNPACKED = fileURLToPath(new URL('../../../.overlog-docker/root', import.meta.url));

/** Debian's static busybox: what containers run. */
export const BUSYBOX = join(UNPACKED, 'bin/busybox');

const START_MS = 30_000;

/** Why no daemon can be started here, for the title of what is skipped; null where one can. */
export function dockerMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  if (!existsSync(join(UNPACKED, 'usr/sbin/dockerd')) || !existsSync(BUSYBOX)) {
    return 'no daemon: scripts/docker-oracle.sh unpacks one';
  }
  if (!existsSync('/sys/fs/cgroup')) return 'no control groups';
  return null;
}

export interface DockerResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export class Daemon {
  readonly folder: string;
  readonly #socket: string;
  readonly #environment: NodeJS.ProcessEnv;
  #pid = 0;

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'overlog-docker-'));
    this.#socket = join(this.folder, 'docker.sock');
    const path = ['usr/bin', 'usr/sbin'].map((each) => join(UNPACKED, each)).join(':');
    this.#environment = {
      PATH: `${path}:${process.env['PATH'] ?? ''}`,
      HOME: this.folder,
      DOCKER_HOST: `unix://${this.#socket}`,
      DOCKER_BUILDKIT: '0',
    };
  }

  /** Starts a daemon and waits until it answers. */
  static async start(): Promise<Daemon> {
    const daemon = new Daemon();
    try {
      await daemon.#start();
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const inside = (name: string): string => join(this.folder, name);
    mkdirSync(inside('data'));
    const log = openSync(inside('dockerd.log'), 'w');
    const child = spawn(
      join(UNPACKED, 'usr/sbin/dockerd'),
      [
        `--data-root=${inside('data')}`,
        `--exec-root=${inside('exec')}`,
        `--pidfile=${inside('docker.pid')}`,
        `--host=unix://${this.#socket}`,
        '--storage-driver=overlay2',
        '--bridge=none',
        '--iptables=false',
        '--ip6tables=false',
        '--ip-forward=false',
        '--ip-masq=false',
        '--userland-proxy=false',
      ],
      { env: this.#environment, stdio: ['ignore', log, log] },
    );
    closeSync(log);
    this.#pid = child.pid ?? 0;
    const ended = new AbortController();
    child.on('error', ({ message }) => ended.abort(message));
    child.on('exit', () => ended.abort('it ended'));
    for (const end = Date.now() + START_MS; Date.now() < end && !ended.signal.aborted;) {
      if (existsSync(this.#socket) && this.try('version').exitCode === 0) return;
      await sleep(100);
    }
    const told = readFileSync(inside('dockerd.log'), 'utf8').split('\n').slice(-8).join('\n');
    throw new Error(`dockerd did not start: ${String(ended.signal.reason ?? 'no answer')}\n${told}`);
  }

  /** Runs the command; the result says how it went. */
  try(...args: readonly string[]): DockerResult {
    const { stdout, ...rest } = this.pipe(args);
    return { stdout: stdout.toString(), ...rest };
  }

  /** The same with bytes on stdin, and stdout as bytes. */
  pipe(
    args: readonly string[],
    input: Uint8Array = Buffer.alloc(0),
  ): Omit<DockerResult, 'stdout'> & { readonly stdout: Buffer } {
    const { stdout, stderr, status } = spawnSync('docker', args, {
      env: this.#environment,
      input,
      maxBuffer: 2 ** 28,
      timeout: 120_000,
    });
    return { stdout, stderr: stderr.toString(), exitCode: status ?? -1 };
  }

  /** Runs the command, which must succeed; gives its stdout without the last line feed. */
  run(...args: readonly string[]): string {
    const { stdout, stderr, exitCode } = this.try(...args);
    if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr.trim()}`);
    return stdout.replace(/\n$/, '');
  }

  /** What the API answers to a GET, parsed. */
  get<T>(path: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#socket, path: `/v1.41${path}` }, (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          const text = Buffer.concat(pieces).toString();
          if (response.statusCode === 200) resolve(JSON.parse(text) as T);
          else reject(new Error(`GET ${path}: ${response.statusCode} ${text}`));
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** Stops the daemon and all that it started, and takes its folder away. */
  async stop(): Promise<void> {
    if (this.#pid !== 0) {
      for (const id of this.try('ps', '-q').stdout.split('\n').filter(Boolean)) this.try('rm', '-f', id);
      const isThere = (): boolean => existsSync(`/proc/${this.#pid}/exe`);
      if (isThere()) process.kill(this.#pid, 'SIGTERM');
      for (const end = Date.now() + START_MS; isThere() && Date.now() < end;) await sleep(50);
      if (isThere()) process.kill(this.#pid, 'SIGKILL');
    }
    unmountBelow(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A daemon that was killed leaves its mounts behind. */
function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const below = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${folder}/`));
  for (const path of below.toReversed()) execFileSync('umount', ['--lazy', path]);
}
