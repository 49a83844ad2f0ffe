import { TarWriter } from './tar-writer.ts';
import type { TarWriteEntry, TarWriterDialect } from './tar-writer.ts';

/** An entry and, of a file, its content in pieces, in sum as long as the entry's size. */
export interface ExportItem {
  readonly entry: TarWriteEntry;
  readonly content?: Iterable<Uint8Array>;
}

/** Bytes that are collected before they are given away: headers are small, and each piece may cost a turn. */
const BATCH_BYTES = 256 * 2 ** 10;

/**
 * The tar of some entries, in pieces that belong to the caller. Nothing is read before it is asked for, and little more than
 * one piece is held.
 *
 * @throws What {@link TarWriter} throws, and what the items throw.
 */
export function* tarPieces(items: Iterable<ExportItem>, dialect: TarWriterDialect): Generator<Buffer, void> {
  const batches: Buffer[] = [];
  let batch = Buffer.allocUnsafe(BATCH_BYTES);
  let filled = 0;
  const writer = new TarWriter((bytes) => {
    for (let at = 0; at < bytes.byteLength;) {
      const count = Math.min(bytes.byteLength - at, BATCH_BYTES - filled);
      batch.set(bytes.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < BATCH_BYTES) continue;
      batches.push(batch);
      batch = Buffer.allocUnsafe(BATCH_BYTES);
      filled = 0;
    }
  }, dialect);
  for (const { entry, content } of items) {
    writer.entry(entry);
    for (const piece of content ?? []) {
      writer.data(piece);
      if (batches.length > 0) yield* batches.splice(0);
    }
    if (batches.length > 0) yield* batches.splice(0);
  }
  writer.end();
  yield* batches;
  if (filled > 0) yield batch.subarray(0, filled);
}
