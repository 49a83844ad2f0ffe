/**
 * Merkle root of a tree: SHA-256 over the inode table's trie, whose leaves are nodes in a canonical encoding.
 *
 * Equal roots mean equal trees: inode numbers, attributes, entries, whiteouts, content down to the chunk digests. A node
 * remembers its digest until it changes, so a root costs what changed since the last one. Two trees with the same bytes
 * in files that were written in other pieces may differ in their roots; diff compares by content then.
 *
 * ```
 * root   = SHA-256("overlog tree 1" ‖ digest of the trie's root, or 32 zero bytes)
 * inner  = SHA-256(for each of 32 slots: 00, or 01 ‖ digest)
 * leaf   = SHA-256(node), fields in the order of encodeNode below; numbers f64 LE, times i64 LE, texts u32 length ‖ bytes
 * ```
 */

import { createHash, hash } from 'node:crypto';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { compareNames } from '../../events/name.ts';
import { ByteWriter } from '../bytes.ts';
import type { Content } from './content.ts';
import type { Inode } from './inode.ts';
import type { NameMap } from './name-map.ts';
import { PAGE_BYTES } from './page.ts';
import type { Tree } from './tree.ts';

/** The root of a tree as it is now, 64 hex digits. */
export function merkleRoot(tree: Tree, chunks: Pick<ChunkReader, 'digest'>): string {
  const writer = new ByteWriter();
  const inodes = tree.inodes.digest((inode) => {
    writer.reset();
    encodeNode(writer, inode, chunks);
    return sha256(writer.bytes());
  }, combine);
  return createHash('sha256')
    .update('overlog tree 1')
    .update(inodes ?? Buffer.alloc(32))
    .digest('hex');
}

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
const EMPTY_SLOT = Buffer.of(0);
const FULL_SLOT = Buffer.of(1);

function combine(parts: (Uint8Array | null)[]): Uint8Array {
  const hasher = createHash('sha256');
  for (const part of parts) {
    if (part === null) hasher.update(EMPTY_SLOT);
    else hasher.update(FULL_SLOT).update(part);
  }
  return hasher.digest();
}

function encodeNode(writer: ByteWriter, inode: Inode, chunks: Pick<ChunkReader, 'digest'>): void {
  writer.number(inode.mode);
  writer.number(inode.uid);
  writer.number(inode.gid);
  writer.number(inode.rdev);
  writer.number(inode.nlink);
  writer.number(inode.size);
  writer.time(inode.atimeNs);
  writer.time(inode.mtimeNs);
  writer.time(inode.ctimeNs);
  writer.time(inode.btimeNs);
  writer.number(inode.layer);
  writer.number(inode.origin);
  writer.text(inode.target);
  writer.number(inode.xattrs.length);
  for (const [name, value] of inode.xattrs) {
    writer.text(name);
    writer.blob(value);
  }
  if (inode.dir !== null) {
    writer.number((inode.dir.opaque ? 1 : 0) | (inode.dir.hasLower ? 2 : 0) | (inode.dir.mergedBelow ? 4 : 0));
    encodeNames(writer, inode.dir.entries, true);
    if (inode.dir.whiteouts) encodeNames(writer, inode.dir.whiteouts, false);
    else writer.number(0);
  }
  if (inode.content !== null) encodeContent(writer, inode.content, chunks);
  encodeMarks(writer, inode);
}

/** Nothing for a node without marks: roots from before there were any stay what they are. */
function encodeMarks(writer: ByteWriter, { marks }: Inode): void {
  if (marks === null) return;
  writer.text('marks');
  writer.text(marks.redirect);
  writer.number(marks.dataIno);
  writer.number(marks.upperNames?.length ?? -1);
  const names = (marks.upperNames ?? []).toSorted((a, b) => a.parent - b.parent || compareNames(a.name, b.name));
  for (const { parent, name } of names) {
    writer.number(parent);
    writer.text(name);
  }
}

function encodeNames(writer: ByteWriter, names: NameMap, withValues: boolean): void {
  writer.number(names.size);
  names.forEach((name, value) => {
    writer.text(name);
    if (withValues) writer.number(value);
  });
}

/** Pages as the file holds them: position, block bits, slices with the digests of their chunks. */
function encodeContent(writer: ByteWriter, content: Content, chunks: Pick<ChunkReader, 'digest'>): void {
  content.forEachPage((page, index) => {
    writer.number(index * PAGE_BYTES);
    writer.number(page.blocks);
    writer.number(page.slices.length / 4);
    for (let quad = 0; quad < page.slices.length; quad += 4) {
      writer.number(page.slices[quad]);
      writer.number(page.slices[quad + 1]);
      writer.blob(chunks.digest(page.slices[quad + 2]));
      writer.number(page.slices[quad + 3]);
    }
  });
}
