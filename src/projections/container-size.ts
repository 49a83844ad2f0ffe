/**
 * Why a container is as large as it is: what its upper holds, which operation brought it there, and what of it need not be
 * there.
 *
 * A file that was copied up and holds what the image holds takes its whole size for nothing but an attribute, a name, or an open
 * for writing. Nothing but the log knows which call that was.
 */

import type { Cause, SubjectId } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { copyUpAt, type CopyUpLedger } from './copy-up-ledger.ts';
import { blockBytesOf, upperTotals } from './drivers/tree-totals.ts';
import { hasSameContent } from './tree/same-content.ts';
import type { Inode } from './tree/inode.ts';
import type { Tree } from './tree/tree.ts';
import type { World } from './world.ts';

/** How something came into an upper: made there, or copied up and then changed, or copied up and the same as below. */
export type UpperOrigin = 'made' | 'changed' | 'unchanged';

/** Why a file was copied up whose content nobody changed. */
export type AvoidableReason = 'attributes' | 'rename' | 'link' | 'opened for writing';

export interface UpperFile {
  readonly path: string;
  /** st_size: what Docker counts. */
  readonly bytes: number;
  /** Blocks × 512: what containerd counts. */
  readonly allocatedBytes: number;
  readonly origin: UpperOrigin;
  /** Of what was copied up: the layer that it came from, lowest 0; else null. */
  readonly layer: number | null;
  /** The event that made it or copied it up, and the call that said so. */
  readonly seq: number;
  readonly cause: Cause;
  /** Of what is unchanged; else null. */
  readonly reason: AvoidableReason | null;
}

export interface SizeShare {
  readonly files: number;
  readonly bytes: number;
  readonly allocatedBytes: number;
}

export interface ContainerSize {
  readonly container: SubjectId;
  /** Docker's SizeRw. */
  readonly bytes: number;
  /** containerd's: blocks × 512 of all, directories too, once an inode. */
  readonly allocatedBytes: number;
  /** Of that, directories. */
  readonly directoryBytes: number;
  /** By name of the operation that made or copied it up, the largest first. */
  readonly byOperation: readonly (SizeShare & { readonly operation: string; readonly origin: UpperOrigin })[];
  /** By the layer that it was copied up from; null: made in the container. */
  readonly byLayer: readonly (SizeShare & { readonly layer: number | null })[];
  /** Everything that is no directory, the largest first. */
  readonly files: readonly UpperFile[];
  /** What was copied up and is what the image holds, the largest first. */
  readonly avoidable: readonly UpperFile[];
  readonly avoidableBytes: number;
}

/**
 * @param causeOf - The cause of the transaction that holds an event.
 * @throws When there is no such container in the world.
 */
export function containerSize(
  world: World,
  container: SubjectId,
  ledger: CopyUpLedger,
  causeOf: (seq: number) => Cause,
): ContainerSize {
  const overlay = world.overlay(container);
  if (overlay === undefined) throw new Error(`container size: there is no container ${container}`);
  const { tree, lower } = overlay;
  const files = upperFiles(tree, lower ?? world.lowers.empty, ledger, causeOf);
  const totals = upperTotals(tree);
  const avoidable = files.filter(({ origin }) => origin === 'unchanged');
  return {
    container,
    bytes: totals.apparentBytes,
    allocatedBytes: totals.blockBytes + totals.directoryBytes,
    directoryBytes: totals.directoryBytes,
    byOperation: grouped(files, ({ cause, origin }) => ({ operation: cause[0], origin })),
    byLayer: grouped(files, ({ layer }) => ({ layer })),
    files,
    avoidable,
    avoidableBytes: avoidable.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function upperFiles(tree: Tree, lower: Tree, ledger: CopyUpLedger, causeOf: (seq: number) => Cause): UpperFile[] {
  const files: UpperFile[] = [];
  const seen = new Set<number>();
  const visit = (directory: number, at: string): void => {
    tree.at(directory).dir?.entries.forEach((name, ino) => {
      const node = tree.at(ino);
      if (!node.isUpper || seen.has(ino)) return;
      seen.add(ino);
      const path = `${at}/${name}`;
      if (node.dir === null) files.push(upperFile(path, node, lower, ledger, causeOf));
      else visit(ino, path);
    });
  };
  visit(ROOT_INO, '');
  return files.toSorted((a, b) => b.bytes - a.bytes || a.seq - b.seq);
}

function upperFile(
  path: string,
  node: Inode,
  lower: Tree,
  ledger: CopyUpLedger,
  causeOf: (seq: number) => Cause,
): UpperFile {
  const copyUp = node.origin >= 0 ? copyUpAt(ledger, node.seq) : undefined;
  const below = copyUp === undefined ? undefined : nodeAt(lower, copyUp.path);
  const isUnchanged = below !== undefined && below.target === node.target && hasSameContent(node, below);
  const cause = copyUp?.cause ?? causeOf(node.seq);
  return {
    path,
    bytes: node.size,
    allocatedBytes: blockBytesOf(node),
    origin: copyUp === undefined ? 'made' : isUnchanged ? 'unchanged' : 'changed',
    layer: copyUp?.layer ?? null,
    seq: node.seq,
    cause,
    reason: isUnchanged ? reasonOf(cause[0]) : null,
  };
}

function nodeAt(tree: Tree, path: string): Inode | undefined {
  let ino = ROOT_INO;
  for (const name of path.split('/').filter((part) => part !== '')) ino = tree.lookup(ino, name);
  return tree.get(ino);
}

/** Operations have the names of node:fs or, of recorded programs, of system calls. */
function reasonOf(operation: string): AvoidableReason {
  if (/chmod|chown|utime|xattr|acl/i.test(operation)) return 'attributes';
  if (/rename|mv/i.test(operation)) return 'rename';
  return /link/i.test(operation) ? 'link' : 'opened for writing';
}

function grouped<Key extends object>(
  files: readonly UpperFile[],
  keyOf: (file: UpperFile) => Key,
): (SizeShare & Key)[] {
  const groups = new Map<string, SizeShare & Key>();
  for (const file of files) {
    const key = keyOf(file);
    const id = JSON.stringify(key);
    const before = groups.get(id) ?? { ...key, files: 0, bytes: 0, allocatedBytes: 0 };
    groups.set(id, {
      ...before,
      files: before.files + 1,
      bytes: before.bytes + file.bytes,
      allocatedBytes: before.allocatedBytes + file.allocatedBytes,
    });
  }
  return [...groups.values()].sort((a, b) => b.bytes - a.bytes || b.files - a.files);
}
