/**
 * A container's changes, written back onto the directory that its image was loaded from.
 *
 * Each path is judged alone: it is changed only where the host still has what the image has there. What somebody else has
 * changed meanwhile is left as it is, and named.
 */

import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import { decodeName, encodeName, printableName } from '../../events/name.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { TreeChange } from '../../replay/diff.ts';
import { differenceOnHost, hasTimeOnHost, statusOf } from './host-node.ts';
import { setTimes, whyUnwritable, writeNode } from './write-node.ts';

export interface ApplyOptions {
  /** Say what would be done, and do nothing. */
  readonly dryRun?: boolean;
}

export interface AppliedChange {
  readonly change: 'Added' | 'Modified' | 'Removed';
  readonly path: string;
}

export interface ApplyResult {
  /** Done, or with `dryRun` what would be. What the host has as the container has it is not among them. */
  readonly applied: readonly AppliedChange[];
  /** Left as it is on the host, with the reason. */
  readonly refused: readonly RefusedChange[];
}

export interface RefusedChange extends AppliedChange {
  readonly reason: string;
}

/** What all steps share. */
interface Parts {
  readonly tree: Tree;
  readonly chunks: ChunkReader;
  /** Files with several names, by the first one that was written. */
  readonly written: Map<Ino, Buffer>;
}

/**
 * @param changes - Of the container against its image.
 * @throws `ERR_INVALID_ARGUMENT` when the directory is not one.
 */
export function applyChanges(
  tree: Tree,
  lower: Tree,
  changes: readonly TreeChange[],
  directory: string,
  chunks: ChunkReader,
  { dryRun = false }: ApplyOptions = {},
): ApplyResult {
  const root = resolve(directory);
  if (lstatSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw storeError('ERR_INVALID_ARGUMENT', `${directory} is not a directory that could be changed`);
  }
  const parts: Parts = { tree, chunks, written: new Map() };
  const applied: AppliedChange[] = [];
  const refused: RefusedChange[] = [];
  const touched = new Set<string>();
  for (const step of inOrder(changes)) {
    const path = hostPath(root, step.path);
    const before = lower.get(inoAt(lower, step.path));
    const after = tree.get(inoAt(tree, step.path));
    if (step.path === '/' && isRootAsMade(tree)) continue;
    if (isOnHost(path, after, chunks)) continue;
    const reason =
      refusal(path, before, after, chunks) ??
      blockedBy(step.path, refused) ??
      leftInside(path, step.path, after, applied) ??
      (dryRun ? null : attempt(() => perform(path, step, parts)));
    if (reason !== null) refused.push({ ...step, reason });
    else {
      applied.push(step);
      touched.add(parentOf(step.path));
    }
  }
  if (!dryRun) restoreDirectories(root, tree, touched);
  return { applied, refused };
}

function attempt(step: () => void): string | null {
  try {
    step();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Removals from the bottom up, then the rest from the top down; a rename is a name less and a name more. */
function inOrder(changes: readonly TreeChange[]): AppliedChange[] {
  const removed: AppliedChange[] = [];
  const made: AppliedChange[] = [];
  for (const { change, path, from } of changes) {
    if (change === 'Removed') removed.push({ change, path });
    else if (change === 'Renamed') {
      if (from !== null) removed.push({ change: 'Removed', path: from });
      made.push({ change: 'Added', path });
    } else made.push({ change, path });
  }
  const byPath = (a: AppliedChange, b: AppliedChange): number => (a.path < b.path ? -1 : 1);
  return [...removed.toSorted((a, b) => byPath(b, a)), ...made.toSorted(byPath)];
}

/** A container has a root directory of its own (SEM-L6), which says nothing of the directory that its image comes from. */
function isRootAsMade(tree: Tree): boolean {
  const { mode, uid, gid } = tree.at(ROOT_INO);
  return (mode & PERMISSION_BITS) === 0o755 && uid === 0 && gid === 0;
}

/** The host is as the container is. Times of directories change as their entries do, so they are not asked for. */
function isOnHost(path: Buffer, after: Inode | undefined, chunks: ChunkReader): boolean {
  if (differenceOnHost(path, after, chunks) !== null) return false;
  if (after === undefined) return true;
  return after.xattrs.length === 0 && (after.dir !== null || hasTimeOnHost(path, after));
}

/** Null where the host has what the image has, or the container but for its time, and can be given the rest. */
function refusal(
  path: Buffer,
  before: Inode | undefined,
  after: Inode | undefined,
  chunks: ChunkReader,
): string | null {
  const drift = differenceOnHost(path, before, chunks);
  if (drift !== null && differenceOnHost(path, after, chunks) !== null) return drift;
  return after === undefined ? null : whyUnwritable(after);
}

/** A directory goes only when all in it does: what somebody else has put there is not thrown away. */
function leftInside(
  path: Buffer,
  name: string,
  after: Inode | undefined,
  applied: readonly AppliedChange[],
): string | null {
  if (statusOf(path)?.isDirectory() !== true || (after !== undefined && after.dir !== null)) return null;
  const gone = new Set(applied.filter(({ change }) => change === 'Removed').map((other) => other.path));
  const left = readdirSync(path, 'buffer')
    .map(decodeName)
    .find((inside) => !gone.has(`${name}/${inside}`));
  return left === undefined ? null : `holds ${printableName(left)}, which stays`;
}

/** Nothing can be made below what was refused. */
function blockedBy(path: string, refused: readonly AppliedChange[]): string | null {
  const above = refused.find((other) => other.change !== 'Removed' && path.startsWith(`${other.path}/`));
  return above === undefined ? null : `${above.path} was refused`;
}

function perform(path: Buffer, { change, path: name }: AppliedChange, { tree, chunks, written }: Parts): void {
  const ino = inoAt(tree, name);
  const inode = tree.get(ino);
  const status = statusOf(path);
  const isGone = change === 'Removed' || inode === undefined;
  if (status !== undefined && (isGone || status.isDirectory() !== (inode.dir !== null))) {
    if (status.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  }
  if (isGone) return;
  writeNode(path, inode, chunks, written.get(ino) ?? null);
  if (inode.nlink > 1 && inode.dir === null) written.set(ino, path);
}

/** Times of directories change as their entries do. */
function restoreDirectories(root: string, tree: Tree, touched: ReadonlySet<string>): void {
  for (const path of touched) {
    const inode = tree.get(inoAt(tree, path));
    const place = hostPath(root, path);
    if (inode?.dir && statusOf(place)?.isDirectory() === true) setTimes(place, inode);
  }
}

function inoAt(tree: Tree, path: string): Ino {
  let ino: Ino = ROOT_INO;
  for (const name of path.split('/')) if (name !== '' && ino !== 0) ino = tree.lookup(ino, name);
  return ino;
}

const hostPath = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(root), encodeName(path === '/' ? '' : path)]);

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
