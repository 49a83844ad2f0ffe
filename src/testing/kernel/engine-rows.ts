import { crc32 } from 'node:zlib';
import type { ChunkReader } from '../../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { deviceMajor, deviceMinor, kindOf, PERMISSION_BITS } from '../../events/mode.ts';
import { compareNames, encodeName } from '../../events/name.ts';
import { blockCount, linkCount } from '../../engine/calls/stat.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import { nameInUpper, OVERLAY_XATTR_PREFIX } from '../../projections/tree/overlay-xattr.ts';
import type { Overlay } from '../../projections/world.ts';
import type { Row, Trees } from './kernel-call.ts';

/** A container of the engine, listed as oracle.py lists the kernel's. */
export interface ListedOverlay extends Overlay {
  /** Directories that the kernel would have marked impure. */
  readonly impure: ReadonlySet<Ino>;
}

export function listTrees(overlay: ListedOverlay, chunks: ChunkReader): Trees {
  return { merged: listRows(overlay, chunks, false), upper: listRows(overlay, chunks, true) };
}

function listRows(overlay: ListedOverlay, chunks: ChunkReader, upperOnly: boolean): Row[] {
  const { tree } = overlay;
  const rows: Row[] = [];
  const visit = (ino: Ino, path: string): void => {
    const inode = tree.at(ino);
    const children = inode.dir === null ? [] : entriesOf(overlay, ino, upperOnly);
    const row = rowOf(chunks, ino, inode, path);
    rows.push(upperOnly ? asInUpper(row, overlay, ino, inode, children) : row);
    for (const [name, child] of children) {
      const childPath = path === '/' ? `/${name}` : `${path}/${name}`;
      if (child === 0) rows.push(whiteout(childPath));
      else visit(child, childPath);
    }
  };
  visit(ROOT_INO, '/');
  return rows;
}

type Entry = readonly [name: string, ino: Ino];

/** Names of a directory, sorted; in the upper also its whiteouts, as number 0. */
function entriesOf({ tree }: Overlay, directory: Ino, upperOnly: boolean): Entry[] {
  const { dir } = tree.at(directory);
  const entries = new Map<string, Ino>();
  dir?.entries.forEach((name, ino) => {
    if (!upperOnly || tree.at(ino).hasInUpper(directory, name)) entries.set(name, ino);
  });
  if (upperOnly) for (const name of dir?.whiteouts?.names() ?? []) entries.set(name, 0);
  return [...entries].sort(([a], [b]) => compareNames(a, b));
}

function rowOf(chunks: ChunkReader, ino: Ino, inode: Inode, path: string): Row {
  const type = kindOf(inode.mode);
  const row = {
    path,
    type,
    mode: inode.mode & PERMISSION_BITS,
    uid: inode.uid,
    gid: inode.gid,
    nlink: linkCount(inode),
    ino: String(ino),
    mtimeNs: String(inode.mtimeNs),
    ...(inode.xattrs.length === 0 ? {} : { xattrs: xattrsOf(inode) }),
  };
  if (type === 'file') return { ...row, size: inode.size, blocks: blockCount(inode), crc32: checksum(inode, chunks) };
  if (type === 'symlink') return { ...row, target: inode.target };
  if (type === 'chr' || type === 'blk')
    return { ...row, rdev: `${deviceMajor(inode.rdev)}:${deviceMinor(inode.rdev)}` };
  return row;
}

function xattrsOf(inode: Inode): Record<string, string> {
  return Object.fromEntries(inode.xattrs.map(([name, value]) => [name, Buffer.from(value).toString('hex')]));
}

function checksum(inode: Inode, chunks: ChunkReader): number {
  const bytes = Buffer.alloc(inode.size);
  readContent(inode.content, chunks, 0, bytes, 0, inode.size);
  return crc32(bytes);
}

/** What the upperdir has: marks, users' attributes by their escaped names, and only the upper's own subdirectories. */
function asInUpper(row: Row, overlay: ListedOverlay, ino: Ino, inode: Inode, children: readonly Entry[]): Row {
  const xattrs: Record<string, string> = {};
  for (const [name, value] of Object.entries(row.xattrs ?? {})) xattrs[nameInUpper(name)] = value;
  const mark = (name: string, value: string): void => {
    xattrs[`${OVERLAY_XATTR_PREFIX}${name}`] = value;
  };
  if (inode.dir?.opaque) mark('opaque', '79');
  if (ino !== ROOT_INO && overlay.lower?.get(ino) !== undefined) mark('origin', '');
  const { marks } = inode;
  if (marks !== null) {
    if (marks.redirect !== '') mark('redirect', Buffer.from(encodeName(marks.redirect)).toString('hex'));
    if (marks.dataIno !== 0) mark('metacopy', '');
    // The index has one more name of the node, in the work directory.
    if (inode.isIndexed) mark('nlink', Buffer.from(nlinkText(inode.nlink, inode.upperLinks + 1)).toString('hex'));
  }
  if (overlay.impure.has(ino)) mark('impure', '79');
  const subdirectories = children.filter(([, child]) => child !== 0 && overlay.tree.at(child).dir !== null).length;
  const { xattrs: _, ...rest } = row;
  return {
    ...rest,
    nlink: inode.dir !== null ? 2 + subdirectories : inode.isIndexed ? inode.upperLinks + 1 : row.nlink,
    ...(inode.isMetacopy ? { blocks: 0, crc32: crc32(Buffer.alloc(inode.size)) } : {}),
    ...(Object.keys(xattrs).length === 0 ? {} : { xattrs }),
  };
}

/** All links of the node, relative to those of the file in the upper (H5; fs/overlayfs/inode.c ovl_set_nlink_common). */
function nlinkText(links: number, upperLinks: number): string {
  const more = links - upperLinks;
  return `U${more < 0 ? '-' : '+'}${Math.abs(more)}`;
}

const whiteout = (path: string): Row => ({
  path,
  type: 'chr',
  mode: 0,
  uid: 0,
  gid: 0,
  nlink: 1,
  ino: '0',
  mtimeNs: '0',
  rdev: '0:0',
});
