/**
 * A layer's tree as its tar: one canonical form, so that equal layers have equal diffIDs.
 *
 * Entries lie in the order of a walk: a directory, its opaque mark, its whiteouts, then its entries, names by their bytes.
 * Whiteouts stand before their siblings, as the OCI spec asks of writers. The root has no entry.
 */

import { createHash } from 'node:crypto';
import type { ChunkReader } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { deviceMajor, deviceMinor, kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { compareNames } from '../events/name.ts';
import type { EntryAttributes } from '../engine/layer-sink.ts';
import { opaqueEntry, TarWriter, type TarWriteEntry, whiteoutEntry } from '../oci/tar-writer.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';

/** A layer's diffID: `sha256:…` of its canonical tar. Throws as {@link writeLayerTar}. */
export function layerDiffId(tree: Tree, chunks: ChunkReader): string {
  const hash = createHash('sha256');
  writeLayerTar(tree, chunks, (bytes) => hash.update(bytes));
  return `sha256:${hash.digest('hex')}`;
}

/**
 * Writes a layer's canonical tar.
 *
 * @param write - Takes the bytes in order; it uses or copies them during the call.
 * @throws `ERR_OCI_UNSUPPORTED` for what no layer can hold: a name that starts with `.wh.`.
 */
export function writeLayerTar(tree: Tree, chunks: ChunkReader, write: (bytes: Uint8Array) => void): void {
  new LayerTar(tree, chunks, new TarWriter(write)).write();
}

class LayerTar {
  readonly #tree: Tree;
  readonly #chunks: ChunkReader;
  readonly #writer: TarWriter;
  readonly #firstPaths = new Map<Ino, string>();
  readonly #buffer = Buffer.allocUnsafe(PIECE_BYTES);

  constructor(tree: Tree, chunks: ChunkReader, writer: TarWriter) {
    this.#tree = tree;
    this.#chunks = chunks;
    this.#writer = writer;
  }

  write(): void {
    this.#directory(ROOT_INO, '');
    this.#writer.end();
  }

  #directory(ino: Ino, path: string): void {
    const { dir } = this.#tree.at(ino);
    if (dir === null) return;
    const prefix = path === '' ? '' : `${path}/`;
    if (dir.opaque) this.#writer.entry(opaqueEntry(path));
    for (const name of (dir.whiteouts?.names() ?? []).toSorted(compareNames)) {
      this.#writer.entry(whiteoutEntry(`${prefix}${name}`));
    }
    for (const name of dir.entries.names().toSorted(compareNames)) {
      const child = dir.entries.get(name) as Ino;
      this.#node(child, this.#tree.at(child), `${prefix}${name}`);
    }
  }

  #node(ino: Ino, node: Inode, path: string): void {
    const first = this.#firstPaths.get(ino);
    if (first !== undefined) {
      this.#writer.entry({ kind: 'hardlink', path, target: first, ...attributesOf(node) });
      return;
    }
    if (node.dir === null && node.nlink > 1) this.#firstPaths.set(ino, path);
    const entry = entryOf(node, path);
    if (entry === null) return;
    this.#writer.entry(entry);
    if (entry.kind === 'file') this.#content(node);
    if (node.dir !== null) this.#directory(ino, path);
  }

  #content(node: Inode): void {
    for (let at = 0; at < node.size; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, node.size - at);
      readContent(node.content, this.#chunks, at, this.#buffer, 0, length);
      this.#writer.data(this.#buffer.subarray(0, length));
    }
  }
}

const PIECE_BYTES = 1 << 18;

function entryOf(node: Inode, path: string): TarWriteEntry | null {
  const attributes = attributesOf(node);
  const kind = kindOf(node.mode);
  switch (kind) {
    case 'symlink':
      return { kind, path, target: node.target, ...attributes };
    case 'chr':
    case 'blk':
      return { kind, path, major: deviceMajor(node.rdev), minor: deviceMinor(node.rdev), ...attributes };
    case 'file':
    case 'dir':
    case 'fifo':
      return { kind, path, size: kind === 'file' ? node.size : 0, ...attributes };
    case 'sock':
      return null; // a tar can't hold one
  }
}

function attributesOf(node: Inode): EntryAttributes {
  const { uid, gid, mtimeNs, xattrs } = node;
  return { mode: node.mode & PERMISSION_BITS, uid, gid, mtimeNs, xattrs };
}
