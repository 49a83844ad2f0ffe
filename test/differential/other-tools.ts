/** Other programs, and what they show, for the tests that compare with them. */

import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Container, type ListingEntry, listTree, openStore, type Store } from '../../src/index.ts';

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

export function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 2 ** 28, stdio: 'pipe' });
}

/** Why a group can't run here, for its title. */
export function missing(...programs: readonly string[]): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  for (const program of ['python3', ...programs]) {
    try {
      run(program, '--version');
    } catch {
      return `${program} is not installed`;
    }
  }
  return null;
}

export const titled = (title: string, reason: string | null): string =>
  reason === null ? title : `${title} (skipped: ${reason})`;

/** A tree on the disk; attributes of the root are the directory's own. */
export function listDisk(directory: string): ListingEntry[] {
  const lines = run('python3', fixture('listing.py'), directory).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as ListingEntry).filter(({ path }) => path !== '/');
}

export const listOurs = (...tree: Parameters<typeof listTree>): ListingEntry[] =>
  [...listTree(...tree)].filter(({ path, type }) => path !== '/' && type !== 'sock');

/** Without link counts: a flat tree has no names that are hidden. */
export const withoutLinks = (entries: readonly ListingEntry[]): object[] =>
  entries.map((entry) => {
    const { nlink: _, hardlink: __, ...rest } = entry;
    return rest;
  });

export async function edgeStore(): Promise<Store> {
  const store = await openStore(':memory:');
  await store.images.load(fixture('images/edge-oci-archive.tar'));
  return store;
}

/** A container of the edge image in which much has happened. */
export async function changedContainer(store: Store): Promise<Container> {
  const c = await store.containers.create({ image: 'edge', name: 'web' });
  const { fs } = c;
  for (const name of fs.readdirSync('/opt').slice(0, 3)) fs.rmSync(`/opt/${name}`, { recursive: true });
  fs.chmodSync('/bin', 0o700);
  fs.rmSync('/etc', { recursive: true });
  fs.mkdirSync('/etc');
  fs.writeFileSync('/etc/new\nline', 'x'.repeat(100_000));
  fs.mkdirSync('/fresh/deep', { recursive: true });
  fs.renameSync('/fresh', '/moved');
  fs.linkSync('/etc/new\nline', '/moved/deep/link');
  fs.symlinkSync('../etc', '/moved/sym');
  fs.writeFileSync('/sparse', 'start');
  fs.truncateSync('/sparse', 1_000_000);
  fs.linux.mknodSync('/moved/null', 0o20_666, 0x103);
  fs.linux.mknodSync('/moved/fifo', 0o10_600, 0);
  fs.linux.setxattrSync('/sparse', 'user.binary', Buffer.from([0, 255, 10, 34, 92]));
  fs.lchownSync('/sparse', 3_000_000, 70_000);
  fs.utimesSync('/sparse', 1, -5);
  return c;
}

/** A small tree on the disk as the lines of test/fixtures/layer-cases.ts. */
export function linesOf(root: string, directory = ''): string[] {
  const lines = readdirSync(join(root, directory)).flatMap((name) => {
    const path = directory === '' ? name : `${directory}/${name}`;
    const status = lstatSync(join(root, path));
    if (status.isDirectory()) return [`${path}/`, ...linesOf(root, path)];
    if (status.isSymbolicLink()) return [`${path}->${readlinkSync(join(root, path))}`];
    if (status.isCharacterDevice()) return [`${path}!`];
    return [`${path}=${readFileSync(join(root, path), 'utf8')}`];
  });
  return lines.toSorted();
}
