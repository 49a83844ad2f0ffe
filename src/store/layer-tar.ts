/**
 * A layer's tree as its tar: one canonical form, so that equal layers have equal diffIDs.
 *
 * Entries lie in the order of a walk: a directory, its opaque mark, its whiteouts, then its entries, names by their bytes.
 * Whiteouts stand before their siblings, as the OCI spec asks of writers. The root has no entry. A directory is marked as
 * opaque where it hides something in the stack below, and nowhere else.
 */

import { createHash } from 'node:crypto';
import type { ChunkReader } from '../events/chunk-store.ts';
import { tarPieces } from '../oci/export-pieces.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { treeItems } from './tree-items.ts';

/** A layer's diffID: `sha256:…` of its canonical tar. Arguments and errors as those of {@link layerTarPieces}. */
export function layerDiffId(tree: Tree, chunks: ChunkReader, below?: Tree): string {
  const hash = createHash('sha256');
  for (const piece of layerTarPieces(tree, chunks, below)) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}

/** Hands a layer's canonical tar to `write`, piece by piece. Arguments and errors as those of {@link layerTarPieces}. */
export function writeLayerTar(tree: Tree, chunks: ChunkReader, write: (bytes: Uint8Array) => void, below?: Tree): void {
  for (const piece of layerTarPieces(tree, chunks, below)) write(piece);
}

/**
 * A layer's canonical tar, in pieces that belong to the caller.
 *
 * @param below - The merged view of the layers below, for leaving out opaque marks that hide nothing. Without it all stay.
 * @throws `ERR_OCI_UNSUPPORTED` for what no layer can hold: a name that starts with `.wh.`.
 */
export function layerTarPieces(tree: Tree, chunks: ChunkReader, below?: Tree): Generator<Buffer, void> {
  return tarPieces(treeItems(tree, chunks, { form: 'oci', ...(below && { below }) }), 'oci');
}
