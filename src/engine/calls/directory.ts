/** readdir(3) on an open directory. */

import { S_IFMT } from '../../events/mode.ts';
import { EBADF, ENOTDIR } from '../errno.ts';
import { isAttached } from '../lookup.ts';
import { O_PATH, type DirectoryEntry, type OpenFile } from '../open-files.ts';

const NO_ENTRIES: readonly DirectoryEntry[] = [];

/**
 * The entries of an open directory, without `.` and `..`.
 *
 * The merged list is kept in the handle, as in the kernel: names made later do not appear and removed ones still do,
 * until a seek to 0 (data.ts) drops the list. A removed directory is empty (O7), also for a handle that has read it:
 * `iterate_dir` looks at `IS_DEADDIR` before it asks the file system.
 */
export function readdir(file: OpenFile): readonly DirectoryEntry[] | number {
  if (file.flags & O_PATH) return EBADF;
  const { tree } = file.mount.overlay;
  const inode = tree.get(file.ino);
  if (inode === undefined) return NO_ENTRIES;
  if (inode.dir === null) return ENOTDIR;
  if (!isAttached(file.mount, file.ino)) return NO_ENTRIES;
  if (file.entries !== null) return file.entries;
  const entries: DirectoryEntry[] = [];
  inode.dir.entries.forEach((name, ino) => {
    entries.push({ name, ino, format: tree.at(ino).mode & S_IFMT });
  });
  file.entries = entries;
  return entries;
}
