/** One difference between two trees as a patch in git's form, which `git apply` and patch(1) take. */

import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { ChunkReader } from '../events/chunk-store.ts';
import { isFileMode, isSymlinkMode } from '../events/mode.ts';
import { printableName } from '../events/name.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { nodeAt } from './restore-path.ts';
import type { TreeChange } from './tree-change.ts';

/** Files above that are named, not compared line by line: a person reads it, and the time grows with the changes. */
export const PATCH_BYTES_MAX = 2 ** 20;

/** Bytes that are looked at for a NUL, as git does (xdiff-interface.c, buffer_is_binary). */
const BINARY_LOOK_BYTES = 8000;

/** How long two files are compared, in ms; then they are named only. */
const COMPARE_MS_MAX = 5000;

interface Side {
  readonly path: string;
  readonly node: Inode | null;
}

/**
 * The patch of a change; '' where nothing of it can be shown so: times, owners, extended attributes, directories.
 *
 * Content that is not text, or larger than {@link PATCH_BYTES_MAX}, is named as different.
 */
export function patchOf(change: TreeChange, before: Tree, after: Tree, chunks: ChunkReader): string {
  const from: Side = sideOf(before, change.change === 'Added' ? null : (change.from ?? change.path), change.path);
  const to: Side = sideOf(after, change.change === 'Removed' ? null : change.path, from.path);
  const lines = headerOf(change, from, to);
  const hasContent = change.kind === 'file' || change.kind === 'symlink' || change.what.includes('type');
  const isChanged =
    from.node === null || to.node === null || change.what.includes('content') || change.what.includes('type');
  const body = hasContent && isChanged ? contentPatch(from, to, chunks) : '';
  if (body === '' && lines.length === 1) return '';
  return `${lines.join('\n')}\n${body}`;
}

function sideOf(tree: Tree, path: string | null, other: string): Side {
  const ino = path === null ? 0 : nodeAt(tree, path);
  return { path: path ?? other, node: ino === 0 ? null : tree.at(ino) };
}

function headerOf(change: TreeChange, from: Side, to: Side): string[] {
  const lines = [`diff --git ${nameOf('a', from.path)} ${nameOf('b', to.path)}`];
  if (!isShown(from.node) && !isShown(to.node)) return lines;
  if (from.node === null && to.node !== null) lines.push(`new file mode ${gitMode(to.node)}`);
  else if (to.node === null && from.node !== null) lines.push(`deleted file mode ${gitMode(from.node)}`);
  else if (from.node !== null && to.node !== null && gitMode(from.node) !== gitMode(to.node)) {
    lines.push(`old mode ${gitMode(from.node)}`, `new mode ${gitMode(to.node)}`);
  }
  if (change.change === 'Renamed') {
    lines.push(`rename from ${printableName(from.path.slice(1))}`, `rename to ${printableName(to.path.slice(1))}`);
  }
  return lines;
}

function contentPatch(from: Side, to: Side, chunks: ChunkReader): string {
  const [before, after] = [contentOf(from.node, chunks), contentOf(to.node, chunks)];
  if (before === null && after === null) return '';
  const names = [
    from.node === null ? '/dev/null' : nameOf('a', from.path),
    to.node === null ? '/dev/null' : nameOf('b', to.path),
  ] as const;
  const differ = `Binary files ${names[0]} and ${names[1]} differ\n`;
  if (before === 'binary' || after === 'binary') return differ;
  const [old, fresh] = [before?.text ?? '', after?.text ?? ''];
  if (old === fresh) return '';
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY, timeout: COMPARE_MS_MAX };
  return createTwoFilesPatch(names[0], names[1], old, fresh, '', '', options) ?? differ;
}

interface Text {
  readonly text: string;
}

/** A file's text, a symbolic link's target; null where there is none. */
function contentOf(node: Inode | null, chunks: ChunkReader): Text | 'binary' | null {
  if (node === null) return null;
  if (isSymlinkMode(node.mode)) return { text: node.target };
  if (!isFileMode(node.mode)) return null;
  if (node.size > PATCH_BYTES_MAX) return 'binary';
  const bytes = Buffer.alloc(node.size);
  readContent(node.content, chunks, 0, bytes, 0, node.size);
  const isBinary = bytes.subarray(0, BINARY_LOOK_BYTES).includes(0);
  return isBinary ? 'binary' : { text: bytes.toString('utf8') };
}

const isShown = (node: Inode | null): boolean => node !== null && (isFileMode(node.mode) || isSymlinkMode(node.mode));

/** git knows three modes of what it shows here. */
function gitMode(node: Inode): string {
  if (isSymlinkMode(node.mode)) return '120000';
  return node.mode & 0o111 ? '100755' : '100644';
}

const nameOf = (side: 'a' | 'b', path: string): string => {
  const name = `${side}${path}`;
  const printable = printableName(name);
  return printable === name && !/["\\]/.test(name) ? name : `"${printable.replaceAll(/["\\]/g, '\\$&')}"`;
};
