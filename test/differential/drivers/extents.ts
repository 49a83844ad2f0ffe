/** What a file system says of a file's blocks (FIEMAP), by filefrag(8). */

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './loop-file-system.ts';

export interface FileBlocks {
  /** Blocks that hold data, × their size. */
  readonly dataBytes: number;
  /** Of these, the ones that no other file or snapshot has. */
  readonly ownBytes: number;
}

const BLOCK_BYTES = 4096;

/** The file system must be synced, so that everything has its place. Data in the metadata (inline) is not counted. */
export function blocksOf(path: string): FileBlocks {
  let dataBytes = 0;
  let ownBytes = 0;
  for (const line of run('filefrag', '-b4096', '-v', path).split('\n')) {
    // "   0:        0..    1219:      15616..     16835:   1220:             shared"
    const match = /^\s*\d+:\s*\d+\.\.\s*\d+:\s*\d+\.\.\s*\d+:\s*(\d+):(.*)$/.exec(line);
    if (match === null || /\b(inline|unwritten)\b/.test(match[2])) continue;
    const bytes = Number(match[1]) * BLOCK_BYTES;
    dataBytes += bytes;
    if (!/\bshared\b/.test(match[2])) ownBytes += bytes;
  }
  return { dataBytes, ownBytes };
}

/** All files below a directory, each inode once. */
export function blocksBelow(directory: string): FileBlocks {
  const seen = new Set<number>();
  const sum = { dataBytes: 0, ownBytes: 0 };
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (stat.isDirectory()) visit(path);
      if (!stat.isFile() || seen.has(stat.ino)) continue;
      seen.add(stat.ino);
      const { dataBytes, ownBytes } = blocksOf(path);
      sum.dataBytes += dataBytes;
      sum.ownBytes += ownBytes;
    }
  };
  visit(directory);
  return sum;
}
