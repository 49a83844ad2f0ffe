/** A layer that was written, put into the store of chunks. */

import { CHUNK_BYTES_MAX, type ChunkStore } from '../events/chunk-store.ts';
import { splitEventBatches } from '../events/codec.ts';
import type { ChunkNumber, FileEvent, Ino } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { merkleRoot } from '../projections/tree/merkle.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { FramingRecorder } from './layer-framing.ts';
import type { LayerWriter } from './layer-writer.ts';

/** A layer that has been built; its content lies in chunks, nothing in the log speaks of it yet. */
export interface BuiltLayer {
  /** The layer's own tree, in upperdir form. */
  readonly tree: Tree;
  readonly events: readonly FileEvent[];
  /** The events as batches, as `LayerAdded` names them. */
  readonly chunks: readonly ChunkNumber[];
  /** Merkle root of the tree, hex. */
  readonly root: string;
  /** Names and whiteouts. */
  readonly entries: number;
  /** st_size over non-directories, hard links once. */
  readonly bytes: number;
  /** Chunks of the framing of its tar; none where it came from no tar, or can't be that tar again. */
  readonly framing: readonly ChunkNumber[];
}

/** Stores a written layer's events as batches and says what `LayerAdded` needs to know. */
export function storeLayer(writer: LayerWriter, chunks: ChunkStore, recorder?: FramingRecorder): BuiltLayer {
  const { tree, events } = writer;
  const numbers: ChunkNumber[] = [];
  for (const piece of splitEventBatches(events, CHUNK_BYTES_MAX)) numbers.push(chunks.put(piece));
  return {
    tree,
    events,
    chunks: numbers,
    root: merkleRoot(tree, chunks),
    entries: countNames(tree) + tree.whiteouts,
    bytes: tree.upperBytes,
    framing: recorder?.finish(tree) ?? [],
  };
}

/** Without recursion: an archive may nest directories as deep as it likes. */
function countNames(tree: Tree): number {
  let count = 0;
  const directories: Ino[] = [ROOT_INO];
  for (let at = directories.pop(); at !== undefined; at = directories.pop()) {
    tree.at(at).dir?.entries.forEach((_, ino) => {
      count++;
      if (tree.at(ino).dir !== null) directories.push(ino);
    });
  }
  return count;
}
