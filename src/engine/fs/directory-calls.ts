/** readdir and its recursive forms. */

import { posix } from 'node:path';
import { isDirectoryMode, S_IFDIR, S_IFLNK, S_IFMT } from '../../events/mode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { lookup, stat } from '../calls/stat.ts';
import { EACCES, ENOTDIR } from '../errno.ts';
import { MAY_READ, permit } from '../identity.ts';
import { Found } from '../lookup.ts';
import { encodeResult, parseOptions, parsePath, validateBoolean } from './arguments.ts';
import { type FsContext, refusal } from './context.ts';
import { Dirent } from './dirent.ts';

const found = new Found();

type Listing = (string | Buffer | Dirent)[];

export function readdirSync(fs: FsContext, path: unknown, options?: unknown): Listing {
  const { encoding, withFileTypes, recursive } = parseOptions(options);
  const directory = parsePath(path);
  if (recursive !== undefined && recursive !== null) validateBoolean(recursive, 'options.recursive');
  if (recursive === true) return readRecursively(fs, directory, encoding, Boolean(withFileTypes), 'breadth');
  const names = readNames(fs, directory);
  if (withFileTypes) return direntsOf(names, shownParent(path, directory), encoding);
  return encoding === undefined || encoding === null || encoding === 'utf8'
    ? names
    : names.map((name) => encodeResult(name, encoding));
}

/** `promises.readdir`, whose recursive form goes on with the directory that it found last. */
export function readdirForPromise(fs: FsContext, path: unknown, options?: unknown): Listing {
  const { encoding, withFileTypes, recursive } = parseOptions(options);
  if (!recursive) return readdirSync(fs, path, options);
  return readRecursively(fs, parsePath(path), encoding, Boolean(withFileTypes), 'depth');
}

/** Names in a directory, in the order of the tree; `found` stays at the directory. */
export function readNames(fs: FsContext, path: string): string[] {
  const error = lookup(fs.caller, fs.caller.cwd, path, true, found);
  if (error !== 0) throw refusal(error, 'scandir', path);
  const inode = found.mount.overlay.tree.at(found.ino);
  if (inode.dir === null) throw refusal(ENOTDIR, 'scandir', path);
  const { identity } = fs.caller;
  if (identity !== null && permit(identity, inode, MAY_READ) !== 0) throw refusal(EACCES, 'scandir', path);
  return inode.dir.entries.names();
}

const formatIn = (tree: Tree, directory: number, name: string): number =>
  tree.at(tree.lookup(directory, name)).mode & S_IFMT;

/** Of the directory that {@link readNames} has just read. */
function direntsOf(names: readonly string[], parent: string | Buffer, encoding: unknown): Dirent[] {
  const { tree } = found.mount.overlay;
  const dirents: Dirent[] = [];
  for (const name of names) {
    dirents.push(new Dirent(encodeResult(name, encoding), parent, formatIn(tree, found.ino, name)));
  }
  return dirents;
}

/** The directory as the caller gave it: a Buffer stays one. */
const shownParent = (path: unknown, directory: string): string | Buffer =>
  path instanceof Uint8Array ? Buffer.from(path) : directory;

/** Node joins by normalising; without file types it looks through symbolic links for directories, with them it does not. */
function readRecursively(
  fs: FsContext,
  top: string,
  encoding: unknown,
  withFileTypes: boolean,
  order: 'breadth' | 'depth',
): Listing {
  const listing: Listing = [];
  const waiting = [{ path: top, relative: '' }];
  let next = 0;
  while (next < waiting.length) {
    const directory = order === 'breadth' ? waiting[next++] : (waiting.pop() as { path: string; relative: string });
    const names = readNames(fs, directory.path);
    const { mount, ino } = found;
    for (const name of names) {
      const format = formatIn(mount.overlay.tree, ino, name);
      const path = posix.join(directory.path, name);
      const relative = directory.relative === '' ? name : `${directory.relative}/${name}`;
      let isDirectory = format === S_IFDIR;
      if (withFileTypes) listing.push(new Dirent(encodeResult(name, encoding), directory.path, format));
      else {
        listing.push(encodeResult(relative, encoding));
        if (format === S_IFLNK) isDirectory = isDirectoryBehind(fs, path);
      }
      if (isDirectory) waiting.push({ path, relative });
    }
  }
  return listing;
}

function isDirectoryBehind(fs: FsContext, path: string): boolean {
  return stat(fs.caller, fs.cwd, path, true, fs.stat) === 0 && isDirectoryMode(fs.stat.mode);
}

export const joinPath = (directory: string, name: string): string =>
  directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
