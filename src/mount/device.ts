/** Mounting and unmounting: the kernel's door /dev/fuse, and the tools mount(8) and umount(8) of util-linux. */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeError } from '../events/log-error.ts';
import { isMounted, type MountEntry, mountsOf } from './mount-table.ts';

const DEVICE = '/dev/fuse';
/** What the kernel's mount table shows as type. */
export const FS_TYPE = 'fuse.overlog';

export interface MountOptions {
  /** What the mount table shows as source. */
  readonly source: string;
  readonly readOnly: boolean;
  /** Options of any mount beside them, as mount(8) takes them: `noatime`, `nodev`. */
  readonly generic?: readonly string[];
}

/**
 * Opens the kernel's door; the descriptor lives as long as the mount does.
 *
 * @throws `ERR_UNSUPPORTED` when there is none, or this user may not use it.
 */
export function openDevice(): number {
  try {
    return openSync(DEVICE, constants.O_RDWR);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no /dev/fuse' : `/dev/fuse can't be opened (${code})`;
    const how =
      code === 'ENOENT'
        ? 'load the kernel module (modprobe fuse), or give the container that device'
        : 'mounting takes root, or a user who may open it';
    throw storeError('ERR_UNSUPPORTED', `${why}: ${how}`, { cause: error });
  }
}

/**
 * Looks at a mount point before anything is done.
 *
 * @throws `ERR_INVALID_ARGUMENT` when it is missing, no directory, not empty, or has something mounted on it.
 */
export function checkMountPoint(directory: string): void {
  const refuse = (why: string): Error => storeError('ERR_INVALID_ARGUMENT', `${directory} ${why}`);
  if (!existsSync(directory)) throw refuse('is not there: make that directory first');
  if (!statSync(directory).isDirectory()) throw refuse('is not a directory: a mount point is one');
  if (isMounted(realpathSync(directory)))
    throw refuse('has something mounted on it: unmount that first, or take another directory');
  if (readdirSync(directory).length > 0)
    throw refuse('is not empty: a mount would hide what is in it; take an empty one');
}

/**
 * Mounts what will be served through the device. The kernel waits for the server with the first call.
 *
 * @throws `ERR_UNSUPPORTED` with what mount(8) said.
 */
export function mountDevice(device: number, directory: string, { source, readOnly, generic = [] }: MountOptions): void {
  const options = [
    'fd=3',
    'rootmode=40000',
    'user_id=0',
    'group_id=0',
    'default_permissions',
    'allow_other',
    readOnly ? 'ro' : 'rw',
    'dev',
    'suid',
    ...generic,
  ];
  // -i: mount(8) would look for a helper called mount.fuse.overlog.
  const mounted = spawnSync(...apart('mount', '-i', '-t', FS_TYPE, '-o', options.join(','), source, directory), {
    stdio: ['ignore', 'ignore', 'pipe', device],
    encoding: 'utf8',
  });
  if (mounted.error === undefined && mounted.status === 0) return;
  const said = mounted.error?.message ?? mounted.stderr.trim().replaceAll('\n', ' ');
  const how =
    process.getuid?.() === 0
      ? ''
      : '; mounting takes root, or a user namespace: unshare --user --map-root-user --mount';
  throw storeError('ERR_UNSUPPORTED', `${directory} could not be mounted: ${said}${how}`);
}

export const closeDevice = (device: number): void => closeSync(device);

/** A command line in a session of its own: what is typed at the terminal (Ctrl-C) would end mount(8) half way. */
const apart = (...command: string[]): [string, string[]] => ['setsid', command];

/** `lazy`: out of sight at once, gone when the last program has left. `force`: programs in it get errors. */
export type UnmountHow = 'plain' | 'lazy' | 'force';

/** @returns null, or what umount(8) said. */
export function unmount(directory: string, how: UnmountHow = 'plain'): string | null {
  const flags = how === 'plain' ? [] : how === 'lazy' ? ['-l'] : ['-f', '-l'];
  // -i: no helper; -n: nothing but the kernel's own table.
  const { status, stderr, error } = spawnSync(...apart('umount', '-i', ...flags, directory), {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (error === undefined && status === 0) return null;
  return error?.message ?? stderr.trim().replaceAll('\n', ' ');
}

/** The mount of overlog that stands on a directory, or null. */
export function overlogMountAt(directory: string): MountEntry | null {
  return mountsOf(FS_TYPE).findLast((mount) => mount.directory === directory) ?? null;
}

/**
 * Ends a connection whose mount is out of sight: calls in it fail from here on.
 *
 * @param device - As the mount table had it, `0:52`.
 */
export function abortConnection(device: string): void {
  const control = mkdtempSync(join(tmpdir(), 'overlog-fusectl-'));
  try {
    // Not every system has it mounted at /sys/fs/fuse/connections.
    if (spawnSync('mount', ['-i', '-t', 'fusectl', 'fusectl', control]).status !== 0) return;
    writeFileSync(join(control, device.split(':')[1], 'abort'), '1');
  } catch {
    // It has ended meanwhile.
  } finally {
    spawnSync('umount', ['-i', '-l', control]);
    rmdirSync(control);
  }
}
