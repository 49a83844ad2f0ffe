/** The trees of a recording: listed entry by entry, and packed where their content is needed. */

import { spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { type ListingEntry, listDirectory } from '../index.ts';

const TAR_FLAGS = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--format=pax', '--sort=name'];

/** Packs a whole tree, times and attributes and all. */
export function packTree(root: string, file: string): void {
  pack(root, file, ['.']);
}

/** Packs the files whose content is not what it was before. */
export function packChanged(
  root: string,
  file: string,
  before: readonly ListingEntry[],
  after: readonly ListingEntry[],
): void {
  const digests = new Map(before.map((entry) => [keyOf(entry), entry.sha256]));
  const changed = after.filter((entry) => entry.sha256 !== undefined && digests.get(keyOf(entry)) !== entry.sha256);
  const names = changed.map((entry) => Buffer.concat([Buffer.from('.'), bytesOf(entry), Buffer.from('\0')]));
  pack(root, file, ['--no-recursion', '--null', '--verbatim-files-from', '--files-from', '-'], Buffer.concat(names));
}

function pack(root: string, file: string, what: readonly string[], input = Buffer.alloc(0)): void {
  const tar = spawnSync('tar', [...TAR_FLAGS, '-C', root, '-czf', file, ...what], { input });
  if (tar.status !== 0) throw new Error(`tar could not pack ${root}: ${tar.stderr?.toString() || String(tar.error)}`);
}

/** Writes the listing of a tree. @returns Its entries. */
export async function writeListing(directory: string, file: string): Promise<ListingEntry[]> {
  const stream = createWriteStream(file);
  const entries: ListingEntry[] = [];
  for await (const entry of listDirectory(directory)) {
    entries.push(entry);
    stream.write(`${JSON.stringify(entry)}\n`);
  }
  await new Promise<void>((done, fail) => {
    stream.once('error', fail);
    stream.end(done);
  });
  return entries;
}

const keyOf = (entry: ListingEntry): string => entry.path_b64 ?? `/${entry.path}`;

const bytesOf = ({ path, path_b64 }: ListingEntry): Buffer =>
  path_b64 === undefined ? Buffer.from(path) : Buffer.from(path_b64, 'base64');
