/** Inodes in a store of nodes: every field in the order of `encode` below, most of them as varints. */

import { isDirectoryMode, S_IFREG } from '../../events/mode.ts';
import type { NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { Content } from '../tree/content.ts';
import { Page } from '../tree/page.ts';
import { Directory, Inode, NO_XATTRS, type UpperMarks, type Xattrs } from '../tree/inode.ts';
import { Trie } from '../tree/trie.ts';
import { readRef, writeRef } from './node-ref.ts';
import { decodeNames, encodeNames, hasNodes, storeNames } from './stored-names.ts';
import { loadNode, STORED, TrieStoring, type ValueCodec } from './stored-trie.ts';

const NO_CONTENT = 0;
const ONE_PAGE = 1;
const PAGES = 2;

const pageCodec: ValueCodec<Page> = {
  prepare: () => null,
  encode: encodePage,
  decode: decodePage,
};

/** Writes inodes; what they hold in nodes of its own is stored before. */
export class InodeStoring implements Omit<ValueCodec<Inode>, 'decode'> {
  readonly #nodes: NodeWriter;
  readonly #pages: TrieStoring<Page>;
  /** References to the page tries that were stored for the inode that comes next. */
  readonly #pageRoots = new WeakMap<Content, NodeRef>();

  constructor(nodes: NodeWriter) {
    this.#nodes = nodes;
    this.#pages = new TrieStoring(nodes, pageCodec);
  }

  prepare(inode: Inode): Generator<void, void> | null {
    const { dir, content } = inode;
    const hasPages = content !== null && content.parts.pages !== null;
    if (!hasPages && (dir === null || !(hasNodes(dir.entries) || hasNodes(dir.whiteouts)))) return null;
    return this.#prepare(dir, content);
  }

  *#prepare(dir: Directory | null, content: Content | null): Generator<void, void> {
    if (dir !== null) yield* storeNames(this.#nodes, dir.entries);
    if (dir?.whiteouts) yield* storeNames(this.#nodes, dir.whiteouts);
    const pages = content?.parts.pages;
    if (content === null || pages?.root == null) return;
    const ref = yield* this.#pages.store(pages.root, pages.shift);
    if (ref !== null) this.#pageRoots.set(content, ref);
  }

  encode(writer: ByteWriter, inode: Inode): void {
    writer.varint(inode.mode);
    writer.varint(inode.uid);
    writer.varint(inode.gid);
    writer.varint(inode.rdev);
    writer.varint(inode.nlink);
    writer.varint(inode.size);
    encodeTimes(writer, inode);
    writer.varint(inode.parent);
    writer.shortText(inode.name);
    writer.varint(inode.layer + 1);
    writer.varint(inode.origin + 1);
    writer.varint(inode.seq);
    writer.varint(inode.xattrs.length);
    for (const [name, value] of inode.xattrs) {
      writer.shortText(name);
      writer.shortBlob(value);
    }
    writer.shortText(inode.target);
    encodeMarks(writer, inode.marks);
    if (inode.dir !== null) encodeDirectory(writer, inode.dir);
    else this.#encodeContent(writer, inode.content);
  }

  #encodeContent(writer: ByteWriter, content: Content | null): void {
    if (content === null) return writer.byte(NO_CONTENT);
    const { single, pages, allocatedBytes, hasReservations } = content.parts;
    const root = pages === null ? undefined : this.#pageRoots.get(content);
    writer.byte((root === undefined ? ONE_PAGE : PAGES) | (hasReservations ? 8 : 0));
    writer.varint(allocatedBytes);
    if (root !== undefined && pages !== null) {
      writer.byte(pages.shift);
      writeRef(writer, root);
    } else {
      writer.byte(single === null ? 0 : 1);
      if (single !== null) encodePage(writer, single);
    }
  }
}

/**
 * Reads an inode.
 *
 * @param rescue - The same inode, made without the store.
 */
export function decodeInode(reader: ByteReader, nodes: NodeReader, rescue: () => Inode): Inode {
  const mode = reader.varint();
  const isDirectory = isDirectoryMode(mode);
  const inode = new Inode(STORED, S_IFREG, reader.varint(), reader.varint(), 0n);
  inode.mode = mode;
  inode.rdev = reader.varint();
  inode.nlink = reader.varint();
  inode.size = reader.varint();
  decodeTimes(reader, inode);
  inode.parent = reader.varint();
  inode.name = reader.shortText();
  inode.layer = reader.varint() - 1;
  inode.origin = reader.varint() - 1;
  inode.seq = reader.varint();
  inode.xattrs = decodeXattrs(reader);
  inode.target = reader.shortText();
  inode.marks = decodeMarks(reader);
  if (isDirectory) inode.dir = decodeDirectory(reader, nodes, () => rescue().dir as Directory);
  else inode.content = decodeContent(reader, nodes, () => rescue().content as Content);
  return inode;
}

function decodeXattrs(reader: ByteReader): Xattrs {
  const count = reader.varint();
  if (count === 0) return NO_XATTRS;
  const xattrs: [string, Uint8Array][] = [];
  for (let index = 0; index < count; index++) xattrs.push([reader.shortText(), reader.shortBlob()]);
  return xattrs;
}

/** Which of the times are equal to the one before them, then the others: most nodes have one or two. */
function encodeTimes(writer: ByteWriter, { atimeNs, mtimeNs, ctimeNs, btimeNs }: Inode): void {
  const same = (atimeNs === mtimeNs ? 1 : 0) | (ctimeNs === mtimeNs ? 2 : 0) | (btimeNs === atimeNs ? 4 : 0);
  writer.byte(same);
  writer.time(mtimeNs);
  if (!(same & 1)) writer.time(atimeNs);
  if (!(same & 2)) writer.time(ctimeNs);
  if (!(same & 4)) writer.time(btimeNs);
}

function decodeTimes(reader: ByteReader, inode: Inode): void {
  const same = reader.byte();
  inode.mtimeNs = reader.time();
  inode.atimeNs = same & 1 ? inode.mtimeNs : reader.time();
  inode.ctimeNs = same & 2 ? inode.mtimeNs : reader.time();
  inode.btimeNs = same & 4 ? inode.atimeNs : reader.time();
}

function encodeMarks(writer: ByteWriter, marks: UpperMarks | null): void {
  writer.byte(marks === null ? 0 : 1);
  if (marks === null) return;
  writer.shortText(marks.redirect);
  writer.varint(marks.dataIno);
  writer.varint(marks.upperNames === null ? 0 : marks.upperNames.length + 1);
  for (const { parent, name } of marks.upperNames ?? []) {
    writer.varint(parent);
    writer.shortText(name);
  }
}

function decodeMarks(reader: ByteReader): UpperMarks | null {
  if (reader.byte() === 0) return null;
  const redirect = reader.shortText();
  const dataIno = reader.varint();
  const count = reader.varint();
  if (count === 0) return { redirect, dataIno, upperNames: null };
  const upperNames = Array.from({ length: count - 1 }, () => ({ parent: reader.varint(), name: reader.shortText() }));
  return { redirect, dataIno, upperNames };
}

function encodeDirectory(writer: ByteWriter, dir: Directory): void {
  const hasWhiteouts = dir.whiteouts !== null;
  writer.byte((dir.opaque ? 1 : 0) | (dir.hasLower ? 2 : 0) | (dir.mergedBelow ? 4 : 0) | (hasWhiteouts ? 8 : 0));
  writer.varint(dir.subdirectories);
  encodeNames(writer, dir.entries);
  if (hasWhiteouts) encodeNames(writer, dir.whiteouts);
}

function decodeDirectory(reader: ByteReader, nodes: NodeReader, rescue: () => Directory): Directory {
  const flags = reader.byte();
  const subdirectories = reader.varint();
  const dir = new Directory(
    STORED,
    decodeNames(reader, nodes, () => rescue().entries),
  );
  dir.subdirectories = subdirectories;
  dir.opaque = (flags & 1) !== 0;
  dir.hasLower = (flags & 2) !== 0;
  dir.mergedBelow = (flags & 4) !== 0;
  if (flags & 8) dir.whiteouts = decodeNames(reader, nodes, () => rescue().whiteouts);
  return dir;
}

function decodeContent(reader: ByteReader, nodes: NodeReader, rescue: () => Content): Content | null {
  const kind = reader.byte();
  if (kind === NO_CONTENT) return null;
  const hasReservations = (kind & 8) !== 0;
  const allocatedBytes = reader.varint();
  if ((kind & 7) === ONE_PAGE) {
    const single = reader.byte() === 0 ? null : decodePage(reader);
    return Content.of(STORED, { single, pages: null, allocatedBytes, hasReservations });
  }
  const shift = reader.byte();
  const ref = readRef(reader);
  const loading = { nodes, codec: pageCodec, rescue: () => rescue().parts.pages as Trie<Page> };
  const pages = Trie.of<Page>(loadNode(loading, ref, shift, 0), shift);
  return Content.of(STORED, { single: null, pages, allocatedBytes, hasReservations });
}

function encodePage(writer: ByteWriter, page: Page): void {
  writer.byte(page.blocks);
  writer.varint(page.slices.length / 4);
  for (const number of page.slices) writer.varint(number);
}

function decodePage(reader: ByteReader): Page {
  const blocks = reader.byte();
  const slices: number[] = [];
  for (let count = reader.varint() * 4; count > 0; count--) slices.push(reader.varint());
  return new Page(slices, blocks);
}
