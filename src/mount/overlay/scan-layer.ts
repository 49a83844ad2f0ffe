/**
 * Reads a layer of an overlay, a directory of the host, as a tree: names and attributes, with the marks by which a kernel
 * overlay says what it hides (Documentation/filesystems/overlayfs.rst). Data is not read: the tree says where it lies.
 */

import { type BigIntStats, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { type FileEvent, type Ino, ROOT_INO } from '../../events/event.ts';
import { isDirectoryMode, isFileMode, isSymlinkMode, PERMISSION_BITS, S_IFCHR, S_IFMT } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import { applyFileEvent } from '../../projections/tree/fold.ts';
import { Tree } from '../../projections/tree/tree.ts';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { type HostCall, type HostCalls, unpackList } from './host-calls.ts';
import type { HostNode } from './host-numbers.ts';
import type { HostPlaces } from './host-places.ts';
import { type LayerMarks, marksOf } from './marks.ts';

/** A name of a file that has, or had, several. */
export interface LinkFound {
  /** In the layer's tree. */
  readonly ino: Ino;
  /** Relative to the layer. */
  readonly path: string;
  /** Number of the file on the host. */
  readonly hostIno: bigint;
  /** How many names it has on the host, also outside of the layer. */
  readonly nlink: number;
}

/**
 * Reads layers. While one is walked, its extended attributes are read beside.
 *
 * @param onLink - Told of each name of a hard link.
 * @param onNode - Told of each node, with its number in the layer's tree.
 */
export function scanLayer(
  directory: string,
  calls: HostCalls,
  places: HostPlaces,
  prefix: string,
  onLink: (link: LinkFound) => void = () => {},
  onNode: (ino: Ino, node: HostNode) => void = () => {},
): Tree {
  const scan: HostCall = ['scan', directory];
  calls.begin(scan);
  const walk = new LayerWalk(directory, places, onLink, onNode);
  let found: Map<string, readonly [string, Uint8Array][]>;
  try {
    walk.read();
  } finally {
    found = xattrsOf(calls.end([scan])[0]);
  }
  return walk.make(found, calls, prefix);
}

/** Answer of `scan`: path and list of its attributes in turn. */
function xattrsOf(answer: Buffer): Map<string, readonly [string, Uint8Array][]> {
  const found = new Map<string, readonly [string, Uint8Array][]>();
  const items = unpackList(answer);
  for (let at = 0; at < items.length; at += 2) {
    const parts = unpackList(items[at + 1]);
    const pairs: [string, Uint8Array][] = [];
    // A copy: the answer as a whole is not to be kept for an attribute.
    for (let pair = 0; pair < parts.length; pair += 2)
      pairs.push([decodeName(parts[pair]), Buffer.from(parts[pair + 1])]);
    found.set(decodeName(items[at]), pairs);
  }
  return found;
}

interface Found {
  /** Relative to the layer; '' is its root. */
  readonly path: string;
  readonly name: string;
  readonly status: BigIntStats;
  readonly target: string;
  readonly children: Found[];
}

class LayerWalk {
  readonly #directory: string;
  readonly #places: HostPlaces;
  readonly #onLink: (link: LinkFound) => void;
  readonly #onNode: (ino: Ino, node: HostNode) => void;
  readonly #tree = Tree.empty(0n);
  readonly #links = new Map<string, { ino: Ino; nlink: number }>();
  readonly #sparse: { readonly ino: Ino; readonly path: string; readonly size: number }[] = [];
  #root!: Found;

  constructor(
    directory: string,
    places: HostPlaces,
    onLink: (link: LinkFound) => void,
    onNode: (ino: Ino, node: HostNode) => void,
  ) {
    this.#directory = directory;
    this.#places = places;
    this.#onLink = onLink;
    this.#onNode = onNode;
  }

  read(): void {
    const status = statSync(hostPath(this.#directory), { bigint: true });
    this.#root = { path: '', name: '', status, target: '', children: [] };
    const pending = [this.#root];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const bytes of readdirSync(hostPath(this.#full(next.path)), { encoding: 'buffer' })) {
        const name = decodeName(bytes);
        const path = next.path === '' ? name : `${next.path}/${name}`;
        const full = hostPath(this.#full(path));
        const child = lstatSync(full, { bigint: true });
        const target = child.isSymbolicLink() ? decodeName(readlinkSync(full, { encoding: 'buffer' })) : '';
        const found = { path, name, status: child, target, children: [] };
        next.children.push(found);
        if (child.isDirectory()) pending.push(found);
      }
    }
  }

  make(xattrs: ReadonlyMap<string, readonly [string, Uint8Array][]>, calls: HostCalls, prefix: string): Tree {
    const marks = (path: string): LayerMarks => marksOf(xattrs.get(path), prefix);
    const pending: [Found, Ino][] = [[this.#root, ROOT_INO]];
    this.#attributes(ROOT_INO, this.#root.status, marks(''));
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [directory, parent] = next;
      for (const child of directory.children) {
        const ino = this.#entry(parent, child, marks(child.path));
        if (child.status.isDirectory()) pending.push([child, ino]);
      }
    }
    this.#fillSparse(calls);
    return this.#tree;
  }

  #entry(parent: Ino, { path, name, status, target }: Found, marks: LayerMarks): Ino {
    const mode = Number(status.mode);
    const isZeroDevice = (mode & S_IFMT) === S_IFCHR && status.rdev === 0n;
    if (isZeroDevice || (marks.isWhiteout && isFileMode(mode) && status.size === 0n)) {
      this.#apply({ type: 'WhiteoutCreated', parent, name });
      return 0;
    }
    const key = status.nlink > 1n && !isDirectoryMode(mode) ? String(status.ino) : null;
    const linked = key === null ? undefined : this.#links.get(key);
    if (key !== null) {
      const ino = linked?.ino ?? this.#tree.nextIno;
      this.#onLink({ ino, path, hostIno: status.ino, nlink: Number(status.nlink) });
    }
    if (linked !== undefined) {
      const times = { timeNs: null, parentTimeNs: null };
      this.#apply({ type: 'Linked', parent, name, ino: linked.ino, nlink: ++linked.nlink, ...times });
      return linked.ino;
    }
    const ino = this.#tree.nextIno;
    if (key !== null) this.#links.set(key, { ino, nlink: 1 });
    const rdev = status.isCharacterDevice() || status.isBlockDevice() ? Number(status.rdev) : 0;
    const owner = { uid: Number(status.uid), gid: Number(status.gid) };
    const times = { timeNs: status.mtimeNs, parentTimeNs: null };
    this.#apply({ type: 'NodeCreated', parent, name, ino, mode, ...owner, rdev, target, ...times });
    if (isFileMode(mode) && status.size > 0n) this.#content(ino, path, status);
    this.#attributes(ino, status, marks);
    return ino;
  }

  #attributes(ino: Ino, status: BigIntStats, marks: LayerMarks): void {
    this.#onNode(ino, { ino: status.ino, origin: marks.origin });
    const { atimeNs, mtimeNs, ctimeNs } = status;
    const mode = isSymlinkMode(Number(status.mode)) ? null : Number(status.mode) & PERMISSION_BITS;
    const owner = { uid: Number(status.uid), gid: Number(status.gid) };
    this.#apply({ type: 'AttributesChanged', ino, mode, ...owner, atimeNs, mtimeNs, ctimeNs });
    for (const [name, value] of marks.xattrs) this.#apply({ type: 'XattrSet', ino, name, value, ctimeNs: null });
    if (marks.isOpaque && status.isDirectory()) this.#apply({ type: 'OpaqueSet', ino });
    if (marks.redirect !== '') this.#apply({ type: 'RedirectSet', ino, redirect: marks.redirect });
    // Its data is in a layer below; which file that is shows when the layers are merged.
    if (marks.isMetacopy && status.isFile()) this.#apply({ type: 'MetacopySet', ino, dataIno: 1 });
  }

  #content(ino: Ino, path: string, status: BigIntStats): void {
    const size = Number(status.size);
    if (status.blocks * 512n < status.size) this.#sparse.push({ ino, path, size });
    else this.#written(ino, this.#places.add(this.#full(path)), 0, size);
  }

  #written(ino: Ino, chunk: number, offset: number, length: number): void {
    this.#apply({ type: 'Written', ino, offset, length, pieces: [chunk, offset, length], timeNs: null });
  }

  /** Where files with holes have data, only their file system knows. */
  #fillSparse(calls: HostCalls): void {
    for (let at = 0; at < this.#sparse.length; at += SPARSE_AT_ONCE) {
      const files = this.#sparse.slice(at, at + SPARSE_AT_ONCE);
      const answers = calls.run(...files.map(({ path, size }): HostCall => ['segments', this.#full(path), size]));
      for (const [index, { ino, path, size }] of files.entries()) {
        const stretches = unpackList(answers[index]).map(Number);
        const chunk = this.#places.add(this.#full(path));
        for (let pair = 0; pair < stretches.length; pair += 2) {
          const length = Math.min(stretches[pair + 1], size - stretches[pair]);
          if (length > 0) this.#written(ino, chunk, stretches[pair], length);
        }
        this.#apply({ type: 'Truncated', ino, size, timeNs: null });
      }
    }
  }

  #apply(event: FileEvent): void {
    applyFileEvent(this.#tree, event, 0);
  }

  #full(path: string): string {
    return path === '' ? this.#directory : `${this.#directory}/${path}`;
  }
}

const SPARSE_AT_ONCE = 256;
