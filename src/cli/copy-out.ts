/** Files of a container onto the host. */

import * as host from 'node:fs';
import { chmod, lstat, mkdir, open, rm, symlink, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { targetPath } from './copy-in.ts';
import type { Place } from './place.ts';

const PIECE_BYTES = 2 ** 20;

/**
 * Copies.
 *
 * @param left - Takes the paths that were left out: devices, sockets, and names that the host could not hold.
 * @returns How many entries were copied.
 */
export async function copyOut(place: Place, target: string, left: string[]): Promise<number> {
  const { fs } = place;
  const copy = async (from: string, to: string): Promise<number> => {
    const node = fs.lstatSync(from, { bigint: true });
    let count = 1;
    if (node.isDirectory()) {
      await mkdir(to, { recursive: true });
      for (const name of fs.readdirSync(from)) {
        if (name.isWellFormed()) count += await copy(join(from, name), join(to, name));
        else left.push(join(from, name));
      }
    } else if (node.isSymbolicLink()) {
      await rm(to, { force: true });
      await symlink(fs.readlinkSync(from), to);
      return count;
    } else if (node.isFile()) {
      await copyFile(fs, from, to);
    } else {
      left.push(from);
      return 0;
    }
    await chmod(to, Number(node.mode) & 0o7777);
    await utimes(to, Number(node.atimeNs) / 1e9, Number(node.mtimeNs) / 1e9);
    return count;
  };
  return copy(place.path, targetPath(host, basename(place.path) === '' ? place.name : place.path, target));
}

async function copyFile(fs: Place['fs'], from: string, to: string): Promise<void> {
  const status = await lstat(to).catch(() => null);
  // Not through a link that happens to stand there.
  if (status?.isSymbolicLink()) await rm(to);
  const input = fs.openSync(from, 'r');
  const output = await open(to, 'w');
  try {
    const buffer = Buffer.alloc(PIECE_BYTES);
    for (let count = fs.readSync(input, buffer); count > 0; count = fs.readSync(input, buffer)) {
      await output.write(buffer, 0, count);
    }
  } finally {
    await output.close();
    fs.closeSync(input);
  }
}
