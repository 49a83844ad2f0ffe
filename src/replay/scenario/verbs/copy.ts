/** Copying inside of a container: `cp`, and the half of `mv` that comes after EXDEV. */

import { isDirectoryMode, isFileMode, isSymlinkMode, PERMISSION_BITS } from '../../../events/mode.ts';
import { getxattr, listxattr, setxattr } from '../../../engine/calls/xattrs.ts';
import { EISDIR } from '../../../engine/errno.ts';
import { parseOptions } from './options.ts';
import { joinPath, type Shell } from './shell.ts';
import { forEachTarget } from './targets.ts';

export interface CopyOptions {
  /** Mode, owner, times and extended attributes too; symbolic links as links. */
  readonly preserve: boolean;
  readonly recursive: boolean;
}

export function cp(shell: Shell, args: readonly string[]): void {
  const form = 'cp [-r] [-a] [-p] FROM… TO';
  const { flags, rest } = parseOptions(args, 'rRap', form);
  const recursive = flags.has('r') || flags.has('R') || flags.has('a');
  const preserve = flags.has('a') || flags.has('p');
  forEachTarget(shell, rest, form, (from, to) => copyTree(shell, from, to, { preserve, recursive }));
}

/** Copies a node, with `recursive` a directory with everything in it. */
export function copyTree(shell: Shell, from: string, to: string, options: CopyOptions): void {
  const node = shell.stat(from, !options.recursive);
  const mode = node.mode & PERMISSION_BITS;
  if (isDirectoryMode(node.mode)) {
    if (!options.recursive) shell.expect(EISDIR, from);
    const existing = shell.tryStat(to);
    if (typeof existing === 'number' || !isDirectoryMode(existing.mode)) shell.mkdir(to, mode | 0o700);
    for (const { name } of shell.list(from)) copyTree(shell, joinPath(from, name), joinPath(to, name), options);
  } else if (isSymlinkMode(node.mode)) {
    shell.symlink(shell.readlink(from), to);
  } else if (isFileMode(node.mode)) {
    shell.copyContent(from, to, mode);
  } else {
    shell.mknod(to, node.mode, node.rdev);
  }
  if (options.preserve) copyAttributes(shell, from, to, node);
}

function copyAttributes(shell: Shell, from: string, to: string, node: ReturnType<Shell['stat']>): void {
  const { caller } = shell;
  shell.chown(to, node.uid, node.gid, false);
  const names = listxattr(caller, caller.cwd, from, false);
  for (const name of typeof names === 'number' ? [] : names) {
    const value = getxattr(caller, caller.cwd, from, name, false);
    if (typeof value !== 'number') shell.expect(setxattr(caller, caller.cwd, to, name, value, 0, false), to);
  }
  if (!isSymlinkMode(node.mode)) shell.chmod(to, node.mode & PERMISSION_BITS);
  shell.setTimes(to, node.atimeNs, node.mtimeNs, false);
}
