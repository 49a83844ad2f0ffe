/** Files of the host into a container. */

import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkLink, type CopyCount, type CopyOptions, copyTarget, overwriting } from './copy-rules.ts';
import type { Place } from './place.ts';

const PIECE_BYTES = 2 ** 20;

/** Copies; the caller makes it one transaction. What is made belongs to the source's owner, as with Docker's daemon. */
export function copyIn(source: string, place: Place, options: CopyOptions): CopyCount {
  const { fs } = place;
  const count: CopyCount = { copied: 0, left: [] };
  const top = (options.followLink ? statSync : lstatSync)(source, { bigint: true });
  const target = copyTarget(fs, { path: source, isDirectory: top.isDirectory() }, place.path);
  copy(source, target.path, top);
  return count;

  function link(leadsTo: string, to: string): void {
    checkLink(target, to, leadsTo);
    fs.symlinkSync(leadsTo, to);
  }

  function copy(from: string, to: string, node: BigIntStats): void {
    if (node.isDirectory()) {
      const isTaken = target.takesContent && from === source;
      if (!isTaken && overwriting(fs, to, true) === 'nothing') fs.mkdirSync(to);
      for (const name of readdirSync(from)) {
        const path = join(from, name);
        copy(path, join(to, name), lstatSync(path, { bigint: true }));
      }
      if (isTaken) return void count.copied++;
    } else if (!node.isSymbolicLink() && !node.isFile()) {
      count.left.push(from);
      return;
    } else {
      if (overwriting(fs, to, false) === 'replace') fs.rmSync(to);
      if (node.isFile()) copyFile(fs, from, to);
      else link(readlinkSync(from), to);
    }
    fs.lchownSync(to, Number(node.uid), Number(node.gid));
    if (!node.isSymbolicLink()) fs.chmodSync(to, Number(node.mode) & 0o7777);
    fs.linux.utimensSync(to, node.atimeNs, node.mtimeNs, { follow: false });
    count.copied++;
  }
}

function copyFile(fs: Place['fs'], from: string, to: string): void {
  const input = openSync(from, 'r');
  try {
    const output = fs.openSync(to, 'wx');
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
