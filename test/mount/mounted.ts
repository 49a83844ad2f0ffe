/** A container that is mounted for a test, by the command, in a folder of its own. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { isServed, mountRecords } from '../../src/entry/mount.ts';
import { openStore } from '../../src/index.ts';
import { type CommandResult, runCommand, spawnCommand } from '../e2e/command.ts';

/** Why nothing can be mounted here; null: it can. */
export const noMount: string | null = reason();

function reason(): string | null {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  if (!existsSync('/dev/fuse')) return 'no /dev/fuse';
  const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return tried.status === 0 ? null : 'this environment does not allow mounts';
}

export interface Mounted {
  readonly store: string;
  /** The mount point. */
  readonly directory: string;
  /** Runs a verb on the store, in this process. */
  readonly run: (...argv: string[]) => Promise<CommandResult>;
  /** Mounts in a process of its own. */
  readonly mount: (what: string, at: string) => CommandResult;
}

/**
 * Makes a store with a container `web`, over an image made of a directory when one is given, and mounts it by the command in
 * dist/.
 */
export async function mountedContainer(
  options: { image?: string; name?: string; supervise?: boolean; store?: string } = {},
): Promise<Mounted> {
  const { name = 'web' } = options;
  const root = mkdtempSync(join(tmpdir(), 'overlog-mount-'));
  const [store, directory] = [options.store ?? join(root, 'store'), join(root, 'mnt')];
  mkdirSync(directory);
  const run = (...argv: string[]): Promise<CommandResult> => runCommand([...argv, '--store', store]);
  const mount = (what: string, at: string): CommandResult =>
    spawnCommand(root, ['mount', ...(options.supervise === true ? ['--supervise'] : []), what, at], {
      env: { OVERLOG_STORE: store },
    });
  onTestFinished(async () => {
    spawnSync('umount', ['-f', '-l', directory]);
    // The server ends with its mount.
    while (mountRecords(store).some(isServed)) await new Promise<void>((turn) => setTimeout(turn, 20));
    rmSync(root, { recursive: true, force: true });
  });
  const made = await openStore(store);
  if (options.image !== undefined) await made.images.load(options.image, { tag: 'base:1' });
  await made.containers.create({ name, ...(options.image !== undefined && { image: 'base:1' }) });
  await made.close();
  expectFine(mount(name, directory));
  return { store, directory, run, mount };
}

function expectFine({ exitCode, stderr }: CommandResult): void {
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
}
