/** An overlay of plain directories that is mounted for a test, by the command as it is built. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { kernelMissing } from '../../src/testing/kernel/kernel-mounts.ts';
import { type CommandResult, repositoryFile } from '../e2e/command.ts';
import { noMount } from './mounted.ts';

const main = repositoryFile('dist/cli/main.js');

/** The command and its first arguments. */
export const builtCommand: readonly string[] = [process.execPath, main];

/** Why nothing can be compared with the kernel here; null: it can. */
export const noOverlay: string | null =
  noMount ?? kernelMissing() ?? (existsSync(main) ? null : 'there is no build: npm run build');

export interface Directories {
  readonly root: string;
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
  /** The mount point. */
  readonly merged: string;
  /** As for mount(8). */
  readonly options: string;
}

/** Fresh directories in a folder that goes with the test, whatever is mounted there. */
export function overlayDirectories(folder = tmpdir()): Directories {
  const root = mkdtempSync(join(folder, 'overlog-overlay-'));
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(root, name));
  for (const directory of [lower, upper, work, merged]) mkdirSync(directory);
  onTestFinished(async () => {
    spawnSync('umount', ['-f', '-l', merged]);
    // A server that is ending writes into them.
    for (let tries = 0; isServed(root) && tries < 500; tries++) await new Promise<void>((turn) => setTimeout(turn, 10));
    rmSync(root, { recursive: true, force: true });
  });
  return { root, lower, upper, work, merged, options: `lowerdir=${lower},upperdir=${upper},workdir=${work}` };
}

/** Calls the command as fuse-overlayfs is called. */
export function overlay(options: string, directory: string): CommandResult {
  const [node, ...first] = builtCommand;
  const { stdout, stderr, status } = spawnSync(node, [...first, '-o', options, directory], { encoding: 'utf8' });
  return { stdout, stderr, exitCode: status ?? -1 };
}

/** The process that serves an overlay whose options name a folder; 0: there is none. */
export function serverOf(root: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      if (command.includes('--foreground') && command.includes(root)) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return 0;
}

const isServed = (root: string): boolean => serverOf(root) !== 0;

/** Takes it away and waits until the upper is as it stays. */
export async function unmounted({ root, merged }: Directories): Promise<void> {
  execFileSync('umount', [merged]);
  while (isServed(root)) await new Promise<void>((turn) => setTimeout(turn, 10));
}

/** Mounts the same directories with the kernel's overlayfs, looks, and unmounts. */
export function withKernel<T>({ merged, options }: Directories, more: string, look: () => T): T {
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options + more, merged]);
  try {
    return look();
  } finally {
    execFileSync('umount', [merged]);
  }
}

/** Everything below a directory, as `find` and checksums tell it. */
export function listing(directory: string): string {
  // What a directory has for a size is its file system's own.
  const script = `find . -type d -printf '%P %M %U:%G\\n' -o -printf '%P %M %U:%G %s %l\\n' | sort;
    find . -type f -exec sha256sum {} + | sort -k2`;
  return execFileSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' });
}
