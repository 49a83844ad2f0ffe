/** A container's trees for other tools: the merged one as `docker export` writes it, and the upper for overlay mounts. */

import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import { tarPieces } from '../oci/export-pieces.ts';
import { partName, writePieces } from '../oci/export-target.ts';
import { expectUnpacker, unpackPieces } from '../oci/export-unpack.ts';
import { takeName } from '../oci/save-archive.ts';
import type { ChunkReader } from '../events/chunk-store.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { type TreeForm, treeItems } from './tree-items.ts';

/**
 * How an upper says that something below is gone, and what is opaque:
 *
 * - `overlay`: char 0:0 nodes and `trusted.overlay.opaque`, for mounts by root.
 * - `user-overlay`: char 0:0 nodes and `user.overlay.opaque`, for mounts with `-o userxattr`, in user namespaces.
 * - `aufs`: `.wh.NAME` and `.wh..wh..opq` files, as in image layers.
 */
export type UpperDialect = 'overlay' | 'user-overlay' | 'aufs';

export interface ExportUpperOptions {
  /** Default `tar`. */
  readonly form?: 'tar' | 'directory';
  /** Default `overlay`. */
  readonly dialect?: UpperDialect;
}

export interface ExportResult {
  /** Bytes of the tar. */
  readonly bytes: number;
  /** Paths of sockets, which no tar can hold. */
  readonly leftOut: readonly string[];
}

/** Writes the merged tree. Volumes are not part of it: their mount points are empty directories. */
export function exportMerged(tree: Tree, chunks: ChunkReader, target: string | Writable): Promise<ExportResult> {
  return exportTree({ tree, chunks, form: 'merged' }, (pieces) => writePieces(target, pieces));
}

/** Writes the upper as a tar, or as a directory that appears when it is whole. */
export async function exportUpper(
  tree: Tree,
  chunks: ChunkReader,
  target: string | Writable,
  options: ExportUpperOptions,
): Promise<ExportResult> {
  const { form = 'tar', dialect = 'overlay' } = options;
  const what = { tree, chunks, form: dialect === 'aufs' ? ('oci' as const) : dialect };
  if (form === 'tar') return exportTree(what, (pieces) => writePieces(target, pieces));
  if (typeof target !== 'string') throw storeError('ERR_INVALID_ARGUMENT', 'a directory needs a path, not a stream');
  await expectEmpty(target);
  await expectUnpacker();
  const part = partName(target);
  await mkdir(part);
  try {
    const result = await exportTree(what, (pieces) => unpackPieces(pieces, part));
    await takeName(part, target);
    return result;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

interface Exported {
  readonly tree: Tree;
  readonly chunks: ChunkReader;
  readonly form: TreeForm;
}

async function exportTree(
  { tree, chunks, form }: Exported,
  write: (pieces: Iterable<Uint8Array>) => Promise<number>,
): Promise<ExportResult> {
  const leftOut: string[] = [];
  const onLeftOut = (path: string): void => void leftOut.push(`/${printableName(path)}`);
  const items = treeItems(tree.snapshot(), chunks, { form, onLeftOut });
  const bytes = await write(tarPieces(items, form === 'oci' ? 'oci' : 'plain'));
  return { bytes, leftOut };
}

async function expectEmpty(path: string): Promise<void> {
  const status = await stat(path).catch(() => null);
  if (status === null) return;
  const isEmpty = status.isDirectory() && (await readdir(path)).length === 0;
  if (!isEmpty)
    throw storeError('ERR_CONFLICT', `${path} is there and is not an empty directory`, { detail: { file: path } });
}
