/** Files of the host into a container. */

import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Place } from './place.ts';

const PIECE_BYTES = 2 ** 20;

/** Where the source goes, as cp(1) decides it. */
export function targetPath(fs: Pick<Place['fs'], 'statSync'>, source: string, target: string): string {
  const isDirectory = fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isDirectory) return target.length > 1 ? target.replace(/\/+$/, '') : target;
  const name = basename(source);
  return name === '' || name === '.' || name === '..' ? target : join(target, name);
}

/**
 * Copies; the caller makes it one transaction.
 *
 * @param left - Takes the paths that were left out.
 * @returns How many entries were copied.
 */
export function copyIn(source: string, place: Place, left: string[]): number {
  const { fs } = place;
  const copy = (from: string, to: string): number => {
    const node = lstatSync(from, { bigint: true });
    const mode = Number(node.mode) & 0o7777;
    let count = 1;
    if (node.isDirectory()) {
      if (!fs.existsSync(to)) fs.mkdirSync(to);
      for (const name of readdirSync(from)) count += copy(join(from, name), join(to, name));
    } else if (node.isSymbolicLink()) {
      fs.rmSync(to, { force: true });
      fs.symlinkSync(readlinkSync(from), to);
      return count;
    } else if (node.isFile()) {
      copyFile(fs, from, to);
    } else {
      left.push(from);
      return 0;
    }
    fs.chmodSync(to, mode);
    fs.linux.utimensSync(to, node.atimeNs, node.mtimeNs);
    return count;
  };
  return copy(source, targetPath(fs, source, place.path));
}

function copyFile(fs: Place['fs'], from: string, to: string): void {
  const input = openSync(from, 'r');
  try {
    const output = fs.openSync(to, 'w');
    try {
      const buffer = Buffer.alloc(PIECE_BYTES);
      for (let count = readSync(input, buffer); count > 0; count = readSync(input, buffer)) {
        fs.writeSync(output, buffer, 0, count);
      }
    } finally {
      fs.closeSync(output);
    }
  } finally {
    closeSync(input);
  }
}
