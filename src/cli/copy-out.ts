/** Files of a container onto the host. */

import * as host from 'node:fs';
import { chmod, lchown, lutimes, mkdir, open, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkLink, type CopyCount, type CopyOptions, copyTarget, overwriting } from './copy-rules.ts';
import type { Place } from './place.ts';

const PIECE_BYTES = 2 ** 20;

/** Copies. What is made is the caller's, unless the source's owner is asked for. Names that the host can't hold are left out. */
export async function copyOut(place: Place, target: string, options: CopyOptions): Promise<CopyCount> {
  const { fs } = place;
  const count: CopyCount = { copied: 0, left: [] };
  const source = options.followLink ? fs.realpathSync(place.path) : place.path;
  const isDirectory = fs.lstatSync(source).isDirectory();
  // The root has no name of its own: it is called as its container.
  const path = basename(place.path) === '' ? place.name : place.path;
  const to = copyTarget(host, { path, isDirectory }, target);
  await copy(source, to.path);
  return count;

  function link(leadsTo: string, at: string): Promise<void> {
    checkLink(to, at, leadsTo);
    return symlink(leadsTo, at);
  }

  async function copy(from: string, at: string): Promise<void> {
    const node = fs.lstatSync(from, { bigint: true });
    if (node.isDirectory()) {
      const isTaken = to.takesContent && from === source;
      if (!isTaken && overwriting(host, at, true) === 'nothing') await mkdir(at);
      for (const name of fs.readdirSync(from)) {
        if (name.isWellFormed()) await copy(join(from, name), join(at, name));
        else count.left.push(join(from, name));
      }
      if (isTaken) return void count.copied++;
    } else if (!node.isSymbolicLink() && !node.isFile()) {
      count.left.push(from);
      return;
    } else {
      if (overwriting(host, at, false) === 'replace') await rm(at);
      if (node.isFile()) await copyFile(fs, from, at);
      else await link(fs.readlinkSync(from), at);
    }
    if (options.archive) await lchown(at, Number(node.uid), Number(node.gid));
    if (!node.isSymbolicLink()) await chmod(at, Number(node.mode) & 0o7777);
    await lutimes(at, Number(node.atimeNs) / 1e9, Number(node.mtimeNs) / 1e9);
    count.copied++;
  }
}

async function copyFile(fs: Place['fs'], from: string, to: string): Promise<void> {
  const input = fs.openSync(from, 'r');
  const output = await open(to, 'wx');
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
