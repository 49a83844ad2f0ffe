/**
 * Makes the tree of a replay what the listing of the real one says, where they differ.
 *
 * Each path that is put right is a transaction of its own with the cause `resync`, so that a history tells what the log
 * showed from what only the listing showed. Content comes from the recording's archive of changes; what that does not
 * hold stays as it is, and is told: nothing is invented.
 */

import { type Caller, rootCaller } from '../../engine/caller.ts';
import { chmod, chown, utimens } from '../../engine/calls/attributes.ts';
import { read, write } from '../../engine/calls/data.ts';
import { link, mkdir, mknod, rmdir, symlink, unlink } from '../../engine/calls/names.ts';
import { close, open } from '../../engine/calls/open.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, fallocate, ftruncate } from '../../engine/calls/space.ts';
import { listxattr, removexattr, setxattr } from '../../engine/calls/xattrs.ts';
import { O_RDWR, type OpenFile } from '../../engine/open-files.ts';
import type { Namespace } from '../../engine/namespace.ts';
import { makeDevice, S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG, S_IFSOCK } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import type { ListingEntry } from '../listing.ts';
import type { Comparison, TreeDifference } from './compare.ts';
import type { ContentSink } from './recording-host.ts';

/** What a resync did. */
export interface ResyncReport {
  /** Paths that were put right, and how. */
  readonly paths: readonly { readonly path: string; readonly what: readonly string[] }[];
  /** Paths that still differ: the recording does not hold what would put them right. */
  readonly left: readonly string[];
}

interface Wanted {
  readonly path: string;
  /** null: it must go. */
  readonly entry: ListingEntry | null;
  readonly difference: TreeDifference;
  readonly what: Set<string>;
}

const FORMATS: Readonly<Record<string, number>> = {
  file: S_IFREG,
  fifo: S_IFIFO,
  chr: S_IFCHR,
  blk: S_IFBLK,
  sock: S_IFSOCK,
};

export class Resync implements ContentSink {
  readonly #caller: Caller;
  readonly #wanted: readonly Wanted[];
  readonly #byPath: ReadonlyMap<string, Wanted>;
  /** The file whose content comes. */
  #file: { readonly open: OpenFile; readonly wanted: Wanted; at: number } | null = null;

  /** @param listing - Of the real tree; `comparison` is with it. */
  constructor(namespace: Namespace, listing: readonly ListingEntry[], comparison: Comparison) {
    this.#caller = { ...rootCaller(namespace), umask: 0 };
    const entries = new Map(listing.map((entry) => [pathOf(entry), entry]));
    this.#wanted = comparison.differences.map((difference) => {
      const path = difference.name;
      return { path, entry: entries.get(path) ?? null, difference, what: new Set<string>() };
    });
    this.#byPath = new Map(this.#wanted.map((wanted) => [wanted.path, wanted]));
  }

  /** Removes and makes names; the content of files comes afterwards. */
  names(): void {
    for (const wanted of this.#wanted.toReversed()) if (isReplaced(wanted)) this.#remove(wanted);
    for (const wanted of this.#wanted) if (wanted.entry !== null) this.#make(wanted, wanted.entry);
  }

  /** Attributes of everything that differs, times last: what came before changes them. */
  attributes(): void {
    this.#endFile();
    for (const wanted of this.#wanted.toReversed()) {
      if (wanted.entry !== null) this.#transact(wanted, (entry) => this.#setAttributes(wanted, entry));
    }
  }

  /** Paths that were changed. */
  get changed(): ResyncReport['paths'] {
    return this.#wanted.flatMap(({ path, what }) => (what.size === 0 ? [] : [{ path, what: [...what] }]));
  }

  file(path: string, _size: number): boolean {
    this.#endFile();
    const wanted = this.#byPath.get(path);
    const differs = wanted?.difference.members.some(({ name }) => name === 'sha256') ?? false;
    if (wanted?.entry?.type !== 'file' || !(differs || wanted.what.has('made'))) return false;
    const opened = open(this.#caller, this.#root, path, O_RDWR, 0);
    if (typeof opened === 'number') return false;
    this.#file = { open: opened, wanted, at: 0 };
    return true;
  }

  /** Only what differs is written, so that the rest keeps its history. */
  data(bytes: Uint8Array): void {
    const file = this.#file;
    if (file === null) return;
    const now = Buffer.alloc(bytes.length);
    const got = read(file.open, now, 0, bytes.length, file.at);
    if (got !== bytes.length || !now.equals(bytes)) {
      this.#transact(file.wanted, () => write(file.open, bytes, 0, bytes.length, file.at));
      file.wanted.what.add('content');
    }
    file.at += bytes.length;
  }

  hole(length: number): void {
    const file = this.#file;
    if (file === null) return;
    const { at } = file;
    this.#transact(file.wanted, () => fallocate(file.open, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length));
    file.at += length;
  }

  get #root() {
    return this.#caller.cwd;
  }

  #endFile(): void {
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    const size = file.open.mount.overlay.tree.get(file.open.ino)?.size;
    if (size !== file.at) this.#transact(file.wanted, () => ftruncate(file.open, file.at));
    close(file.open);
  }

  #transact(wanted: Wanted, call: (entry: ListingEntry) => unknown): void {
    const { engine } = this.#caller.namespace;
    engine?.transact(['resync', wanted.path], () => call(wanted.entry as ListingEntry));
  }

  #remove(wanted: Wanted): void {
    const { path } = wanted;
    this.#transact(wanted, () => {
      if (unlink(this.#caller, this.#root, path) < 0) rmdir(this.#caller, this.#root, path);
    });
    wanted.what.add('removed');
  }

  #make(wanted: Wanted, entry: ListingEntry): void {
    if (wanted.difference.kind !== 'missing' && !isReplaced(wanted)) return;
    this.#transact(wanted, () => this.#makeNode(wanted.path, entry));
    wanted.what.add('made');
  }

  #makeNode(path: string, entry: ListingEntry): number {
    const caller = this.#caller;
    const root = this.#root;
    if (entry.hardlink !== undefined)
      return link(caller, root, decodeName(Buffer.from(entry.hardlink)), root, path, false);
    if (entry.type === 'dir') return mkdir(caller, root, path, 0o700);
    if (entry.type === 'symlink') return symlink(caller, targetOf(entry), root, path);
    const [major, minor] = (entry.rdev ?? '0:0').split(':').map(Number);
    return mknod(caller, root, path, FORMATS[entry.type] | 0o600, makeDevice(major, minor));
  }

  #setAttributes(wanted: Wanted, entry: ListingEntry): void {
    const { path, difference, what } = wanted;
    const caller = this.#caller;
    const root = this.#root;
    const isNew = what.has('made') || what.has('content');
    const differs = (name: string): boolean => isNew || difference.members.some((member) => member.name === name);
    if (differs('uid') || differs('gid')) chown(caller, root, path, entry.uid, entry.gid, false);
    if (differs('xattrs')) this.#setXattrs(path, entry);
    if (entry.type !== 'symlink' && (differs('mode') || differs('uid') || differs('gid'))) {
      chmod(caller, root, path, Number.parseInt(entry.mode, 8), false);
    }
    utimens(caller, root, path, 'omit', BigInt(entry.mtime_ns), false);
    if (!isNew) what.add('attributes');
  }

  #setXattrs(path: string, { xattrs = {} }: ListingEntry): void {
    const caller = this.#caller;
    const names = listxattr(caller, this.#root, path, false);
    for (const name of typeof names === 'number' ? [] : names) {
      if (!(name in xattrs)) removexattr(caller, this.#root, path, name, false);
    }
    for (const [name, value] of Object.entries(xattrs)) {
      setxattr(caller, this.#root, path, name, Buffer.from(value, 'base64'), 0, false);
    }
  }
}

/** It must go first: it should not be there, or be another kind of node, or another file. */
const isReplaced = ({ difference: { kind, members } }: Wanted): boolean =>
  kind === 'extra' || members.some(({ name }) => REPLACING.has(name));

const REPLACING: ReadonlySet<string> = new Set(['type', 'linkname', 'linkname_b64', 'rdev', 'hardlink']);

const pathOf = ({ path, path_b64 }: ListingEntry): string =>
  path_b64 === undefined ? path : decodeName(Buffer.from(path_b64, 'base64'));

const targetOf = ({ linkname = '', linkname_b64 }: ListingEntry): string =>
  linkname_b64 === undefined ? linkname : decodeName(Buffer.from(linkname_b64, 'base64'));
