/** File systems on loop devices, in a temporary folder: what storage drivers lie on. Root only. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type FileSystemKind = 'ext4' | 'xfs' | 'btrfs';

const MAKE: Readonly<Record<FileSystemKind, readonly string[]>> = {
  ext4: ['mke2fs', '-q', '-F', '-t', 'ext4'],
  xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'],
  btrfs: ['mkfs.btrfs', '-q'],
};

/** xfs of today refuses less than 300 MB. */
const IMAGE_BYTES = 512 * 2 ** 20;

/** Why a file system of that kind cannot be mounted here; null: it can. */
export function missingFor(kind: FileSystemKind, ...tools: readonly string[]): string | null {
  if (process.getuid?.() !== 0) return 'not root';
  if (!existsSync('/dev/loop-control')) return 'no loop devices';
  for (const tool of [MAKE[kind][0], 'mount', 'filefrag', ...tools]) {
    if (!hasTool(tool)) return `no ${tool}`;
  }
  try {
    run('modprobe', kind);
  } catch {
    // Built in, or not there: the next line tells.
  }
  if (!readFileSync('/proc/filesystems', 'utf8').split(/\s+/).includes(kind)) return `no ${kind} in this kernel`;
  try {
    new LoopFileSystem(kind).close();
  } catch (error) {
    return `mounting fails: ${(error as Error).message.split('\n')[0]}`;
  }
  return null;
}

export const hasTool = (tool: string): boolean =>
  [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, tool)));

export const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });

export type OverlayKind = 'overlay' | 'fuse-overlayfs';

export class LoopFileSystem {
  /** Where it is mounted. */
  readonly root: string;
  readonly #folder: string;
  /** Mounted, the last one last. */
  readonly #mounts: string[] = [];

  constructor(kind: FileSystemKind) {
    this.#folder = mkdtempSync(join(tmpdir(), `overlog-${kind}-`));
    this.root = join(this.#folder, 'root');
    try {
      const image = join(this.#folder, 'image');
      writeFileSync(image, '');
      truncateSync(image, IMAGE_BYTES);
      const [tool, ...options] = MAKE[kind];
      run(tool, ...options, image);
      mkdirSync(this.root);
      this.#mount('-o', 'loop', image, this.root);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A fresh overlay above a directory of this file system, with options as Docker has them. */
  mountOverlay(
    lower: string,
    kind: OverlayKind = 'overlay',
  ): { readonly upper: string; readonly merged: string; readonly unmount: () => void } {
    const place = mkdtempSync(join(this.root, 'overlay-'));
    const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(place, name));
    for (const directory of [upper, work, merged]) mkdirSync(directory);
    const directories = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    const options = `${directories},index=off,metacopy=off,redirect_dir=off`;
    if (kind === 'overlay') this.#mount('-t', 'overlay', 'overlay', '-o', options, merged);
    else {
      run('fuse-overlayfs', '-o', directories, merged);
      this.#mounts.push(merged);
    }
    const unmount = (): void => {
      run('umount', merged);
      this.#mounts.splice(this.#mounts.indexOf(merged), 1);
      rmSync(place, { recursive: true });
    };
    return { upper, merged, unmount };
  }

  /** Everything written is where it stays. */
  sync(): void {
    run('sync', '-f', this.root);
  }

  close(): void {
    for (const mounted of this.#mounts.splice(0).reverse()) run('umount', mounted);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #mount(...args: readonly string[]): void {
    run('mount', ...args);
    this.#mounts.push(args[args.length - 1]);
  }
}
