/**
 * Taking the state of a host directory, or of a single file, into a bind's tree: what changed since the last scan becomes
 * file events. A file counts as unchanged when size and mtime are; extended attributes are not read (Node can't).
 */

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
import type { ChunkStore } from '../events/chunk-store.ts';
import { type FileEvent, type Ino, ROOT_INO } from '../events/event.ts';
import { isFileMode, isSymlinkMode, PERMISSION_BITS, S_IFMT } from '../events/mode.ts';
import { decodeName, encodeName } from '../events/name.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { Chunker } from './layer-writer-content.ts';

/** Node sets times through a double of seconds; what differs by less than this is equal. */
const TIME_TOLERANCE_NS = 2000n;

/** Name of a single-file bind's file in the root of its tree. */
const SINGLE = '';

/** Events that make a bind's tree what the host has now; none when nothing changed. Throws errors of node:fs. */
export function scanHost(tree: Tree, path: string, chunks: ChunkStore, timeNs: bigint): FileEvent[] {
  const scan = new Scan(tree, chunks, timeNs);
  const status = statSync(path, { bigint: true });
  if (status.isDirectory()) scan.node(ROOT_INO, tree.at(ROOT_INO), status, path);
  else scan.entry(ROOT_INO, SINGLE, status, path);
  return scan.events;
}

class Scan {
  readonly events: FileEvent[] = [];
  readonly #tree: Tree;
  readonly #chunks: ChunkStore;
  readonly #timeNs: bigint;
  #nextIno: Ino;
  /** Host files with several names → the node that they are here, and its names. */
  readonly #links = new Map<string, { ino: Ino; nlink: number }>();

  constructor(tree: Tree, chunks: ChunkStore, timeNs: bigint) {
    this.#tree = tree;
    this.#chunks = chunks;
    this.#timeNs = timeNs;
    this.#nextIno = tree.nextIno;
  }

  /** Brings one name of a directory up to date. */
  entry(parent: Ino, name: string, status: BigIntStats, path: string): void {
    const known = this.#tree.get(parent) === undefined ? 0 : this.#tree.lookup(parent, name);
    const node = known === 0 ? undefined : this.#tree.at(known);
    const linkKey = status.nlink > 1n && !status.isDirectory() ? `${status.dev}:${status.ino}` : null;
    const linked = linkKey === null ? undefined : this.#links.get(linkKey);
    if (linked !== undefined && linked.ino !== known) {
      if (node !== undefined) this.#remove(parent, name, known, node);
      const times = { timeNs: null, parentTimeNs: null };
      this.events.push({ type: 'Linked', parent, name, ino: linked.ino, nlink: ++linked.nlink, ...times });
      return;
    }
    const isSameKind = node !== undefined && (node.mode & S_IFMT) === (Number(status.mode) & S_IFMT);
    const isSame = isSameKind && (!isSymlinkMode(node.mode) || node.target === targetOf(path));
    if (isSame) {
      if (linkKey !== null && linked === undefined) this.#links.set(linkKey, { ino: known, nlink: node.nlink });
      this.node(known, node, status, path);
      return;
    }
    if (node !== undefined) this.#remove(parent, name, known, node);
    const ino = this.#create(parent, name, status, path);
    if (linkKey !== null) this.#links.set(linkKey, { ino, nlink: 1 });
  }

  /** Brings a node of the right kind up to date, with everything in it. */
  node(ino: Ino, node: Inode, status: BigIntStats, path: string): void {
    const isTimeEqual = abs(node.mtimeNs - status.mtimeNs) < TIME_TOLERANCE_NS;
    if (isFileMode(node.mode) && !(isTimeEqual && BigInt(node.size) === status.size)) {
      if (node.size > 0) this.events.push({ type: 'Truncated', ino, size: 0, timeNs: null });
      this.#content(ino, path);
    }
    if (node.dir !== null) this.#directory(ino, node, path);
    const mode = Number(status.mode) & PERMISSION_BITS;
    const uid = Number(status.uid);
    const gid = Number(status.gid);
    const isEqual = (node.mode & PERMISSION_BITS) === mode && node.uid === uid && node.gid === gid && isTimeEqual;
    if (!isEqual) this.#attributes(ino, status);
  }

  #directory(ino: Ino, node: Inode | null, path: string): void {
    const names = new Map(
      readdirSync(path, { encoding: 'buffer' }).map((bytes): [string, Buffer] => [decodeName(bytes), bytes]),
    );
    for (const name of node?.dir?.entries.names() ?? []) {
      if (names.has(name)) continue;
      const gone = this.#tree.lookup(ino, name);
      this.#remove(ino, name, gone, this.#tree.at(gone));
    }
    for (const name of [...names.keys()].toSorted()) {
      const child = `${path}/${name}`;
      let status: BigIntStats;
      try {
        status = lstatSync(hostPath(child), { bigint: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue; // gone since it was listed
        throw error;
      }
      this.entry(ino, name, status, child);
    }
  }

  #create(parent: Ino, name: string, status: BigIntStats, path: string): Ino {
    const ino = this.#nextIno++;
    const mode = Number(status.mode);
    this.events.push({
      type: 'NodeCreated',
      parent,
      name,
      ino,
      mode,
      uid: Number(status.uid),
      gid: Number(status.gid),
      rdev: status.isCharacterDevice() || status.isBlockDevice() ? Number(status.rdev) : 0,
      target: isSymlinkMode(mode) ? targetOf(path) : '',
      timeNs: status.mtimeNs,
      parentTimeNs: null,
    });
    if (isFileMode(mode)) this.#content(ino, path);
    if (status.isDirectory()) this.#directory(ino, null, path);
    return ino;
  }

  #content(ino: Ino, path: string): void {
    const chunker = new Chunker(this.#chunks, (run) => {
      this.events.push({ type: 'Written', ino, ...run, timeNs: null });
    });
    const file = openSync(hostPath(path), 'r');
    try {
      const buffer = Buffer.allocUnsafe(1 << 18);
      for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
        chunker.data(buffer.subarray(0, read));
      }
    } finally {
      closeSync(file);
    }
    chunker.end();
  }

  #attributes(ino: Ino, status: BigIntStats): void {
    const { mtimeNs, atimeNs } = status;
    const owner = { uid: Number(status.uid), gid: Number(status.gid) };
    const mode = Number(status.mode) & PERMISSION_BITS;
    this.events.push({ type: 'AttributesChanged', ino, mode, ...owner, atimeNs, mtimeNs, ctimeNs: this.#timeNs });
  }

  #remove(parent: Ino, name: string, ino: Ino, node: Inode): void {
    for (const child of node.dir?.entries.names() ?? []) {
      const childIno = this.#tree.lookup(ino, child);
      this.#remove(ino, child, childIno, this.#tree.at(childIno));
    }
    const removed = this.#removed.get(ino) ?? 0;
    this.#removed.set(ino, removed + 1);
    const nlink = node.dir === null ? Math.max(0, node.nlink - removed - 1) : 0;
    const { mtimeNs } = this.#tree.at(parent);
    this.events.push({ type: 'Unlinked', parent, name, ino, nlink, released: nlink === 0, timeNs: mtimeNs });
  }

  /** Names taken away in this scan, by node. */
  readonly #removed = new Map<Ino, number>();
}

/** A path as node:fs takes it: names that are not UTF-8 as bytes. */
export const hostPath = (path: string): string | Buffer => (path.isWellFormed() ? path : encodeName(path));

const targetOf = (path: string): string => decodeName(readlinkSync(hostPath(path), { encoding: 'buffer' }));
const abs = (value: bigint): bigint => (value < 0n ? -value : value);
