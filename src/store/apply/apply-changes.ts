/**
 * A container's changes, written back onto the directory that its image was loaded from.
 *
 * Each path is judged alone: it is changed only where the host still has what the image has there. What somebody else has
 * changed meanwhile is left as it is, and named.
 */

import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import { encodeName } from '../../events/name.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { TreeChange } from '../../replay/diff.ts';
import { differenceOnHost } from './host-node.ts';
import { setAttributes, writeNode } from './write-node.ts';

export interface ApplyOptions {
  /** Say what would be done, and do nothing. */
  readonly dryRun?: boolean;
}

export interface AppliedChange {
  readonly change: 'Added' | 'Modified' | 'Removed';
  readonly path: string;
}

export interface ApplyResult {
  /** Done, or with `dryRun` what would be. */
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
    const reason =
      refusal(path, before, after, chunks) ??
      blockedBy(step.path, refused) ??
      (dryRun ? null : attempt(() => perform(path, step, parts)));
    if (reason === null) applied.push(step);
    else refused.push({ ...step, reason });
    touched.add(parentOf(step.path));
  }
  if (!dryRun) restoreDirectories(root, tree, touched);
  return { applied, refused };
}

function attempt(step: () => string | null): string | null {
  try {
    return step();
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

/** Null where the host has what the image has, or what the container has already. */
function refusal(
  path: Buffer,
  before: Inode | undefined,
  after: Inode | undefined,
  chunks: ChunkReader,
): string | null {
  const drift = differenceOnHost(path, before, chunks);
  return drift === null || differenceOnHost(path, after, chunks) === null ? null : drift;
}

/** Nothing can be made below what was refused. */
function blockedBy(path: string, refused: readonly AppliedChange[]): string | null {
  const above = refused.find((other) => other.change !== 'Removed' && path.startsWith(`${other.path}/`));
  return above === undefined ? null : `${above.path} was refused`;
}

function perform(path: Buffer, { change, path: name }: AppliedChange, { tree, chunks, written }: Parts): string | null {
  const ino = inoAt(tree, name);
  const inode = tree.get(ino);
  const status = lstatSync(path, { throwIfNoEntry: false });
  const isGone = change === 'Removed' || inode === undefined;
  if (status !== undefined && (isGone || status.isDirectory() !== (inode.dir !== null))) {
    if (status.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  }
  if (isGone) return null;
  if (inode.xattrs.length > 0) return 'has extended attributes, which are not written';
  const left = writeNode(path, inode, chunks, written.get(ino) ?? null);
  if (left === null && inode.nlink > 1 && inode.dir === null) written.set(ino, path);
  return left;
}

/** Times of directories change as their entries do. */
function restoreDirectories(root: string, tree: Tree, touched: ReadonlySet<string>): void {
  for (const path of touched) {
    const inode = tree.get(inoAt(tree, path));
    const place = hostPath(root, path);
    if (inode?.dir && lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true) setAttributes(place, inode);
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
