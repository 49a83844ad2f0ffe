/** Counts of trees: what is in an upper, in a layer, in a merged view, and how much room ext4 takes for it. */

import { ROOT_INO } from '../../events/event.ts';
import { S_IFMT, S_IFREG } from '../../events/mode.ts';
import { nameBytes } from '../../events/name.ts';
import { BLOCK_BYTES } from '../tree/page.ts';
import type { Directory, Inode } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';

export interface TreeTotals {
  readonly files: number;
  readonly directories: number;
  readonly others: number;
  readonly whiteouts: number;
  /** st_size over non-directories, once an inode. */
  readonly apparentBytes: number;
  /** Blocks of files and of long symbolic links. */
  readonly blockBytes: number;
  /** Of these, what long symbolic links take. */
  readonly linkBytes: number;
  /** The same if no file had a hole: what a copy takes that writes holes out. */
  readonly denseBytes: number;
  /** Blocks of directories. */
  readonly directoryBytes: number;
}

/** Longest target that ext4 keeps in the inode itself (fs/ext4/namei.c, EXT4_N_BLOCKS × 4 less the final zero). */
const FAST_SYMLINK_BYTES_MAX = 59;

/** Blocks of a node that is no directory, × 512; of an upper node whose data stayed below, none. */
export function blockBytesOf(node: Inode): number {
  if (node.target !== '') return node.size > FAST_SYMLINK_BYTES_MAX ? BLOCK_BYTES : 0;
  return node.isMetacopy ? 0 : (node.content?.allocatedBytes ?? 0);
}

/** As {@link blockBytesOf}, wherever the data lies. */
const seenBlockBytesOf = (node: Inode): number =>
  node.isMetacopy ? (node.content?.allocatedBytes ?? 0) : blockBytesOf(node);

/** Bytes of the blocks that so many bytes without holes take. */
export const wholeBlocks = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;

/** Adds nodes up; every node is to be given once. */
export class TotalsCounter {
  files = 0;
  directories = 0;
  others = 0;
  whiteouts = 0;
  apparentBytes = 0;
  blockBytes = 0;
  linkBytes = 0;
  denseBytes = 0;
  directoryBytes = 0;

  add(node: Inode, blockBytes = blockBytesOf(node)): void {
    if (node.dir !== null) {
      this.directories++;
      return;
    }
    if ((node.mode & S_IFMT) === S_IFREG) this.files++;
    else this.others++;
    const isFile = (node.mode & S_IFMT) === S_IFREG;
    this.apparentBytes += node.size;
    this.blockBytes += blockBytes;
    this.linkBytes += isFile ? 0 : blockBytes;
    this.denseBytes += isFile ? wholeBlocks(node.size) : blockBytes;
  }
}

/**
 * Blocks of a directory in ext4: entries of 8 bytes and the name, rounded up to 4, in blocks (fs/ext4/ext4.h
 * EXT4_DIR_REC_LEN); `.` and `..` take 24 bytes, a checksum 12. Large directories are trees of blocks that are partly empty,
 * which is not counted.
 */
export function directoryBlockBytes(names: Iterable<string>): number {
  const room = BLOCK_BYTES - 12;
  let used = 24;
  let blocks = 1;
  for (const name of names) {
    const entry = 8 + Math.ceil(nameBytes(name) / 4) * 4;
    if (used + entry > room) {
      blocks++;
      used = 0;
    }
    used += entry;
  }
  return blocks * BLOCK_BYTES;
}

/** Of an upper: what it holds itself. */
export function upperTotals(tree: Tree): TreeTotals {
  const counter = new TotalsCounter();
  const seen = new Set<number>();
  const visit = (ino: number): void => {
    const node = tree.at(ino);
    if (!node.isUpper || seen.has(ino)) return;
    seen.add(ino);
    counter.add(node);
    if (node.dir === null) return;
    counter.whiteouts += node.dir.whiteouts?.size ?? 0;
    counter.directoryBytes += directoryBlockBytes(upperNames(tree, node.dir));
    node.dir.entries.forEach((_, child) => visit(child));
  };
  visit(ROOT_INO);
  return counter;
}

function* upperNames(tree: Tree, directory: Directory): Generator<string, void> {
  for (const name of directory.entries.names()) {
    if (tree.at(directory.entries.get(name) as number).isUpper) yield name;
  }
  yield* directory.whiteouts?.names() ?? [];
}

/** Of everything that is seen. */
export function mergedTotals(tree: Tree): TreeTotals {
  const counter = new TotalsCounter();
  const seen = new Set<number>();
  const visit = (ino: number): void => {
    if (seen.has(ino)) return;
    seen.add(ino);
    const node = tree.at(ino);
    counter.add(node, seenBlockBytesOf(node));
    if (node.dir === null) return;
    counter.directoryBytes += directoryBlockBytes(node.dir.entries.names());
    node.dir.entries.forEach((_, child) => visit(child));
  };
  visit(ROOT_INO);
  return counter;
}
